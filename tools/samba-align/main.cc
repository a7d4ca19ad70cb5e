#include "common/cli/tool.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/config.h"

int main(int argc, char** argv) {
  using namespace tenfold::samba_align;
  using tenfold::cli::Kind;
  tenfold::cli::Tool tool("samba-align", "Translate electrophysiology into fMRI.");
  tool.add<SimulateConfig>("simulate", "write recordings of simulated people, and what is true",
                           Kind::kFile, simulate);
  tool.add<InfoConfig>("info", "what a recording, or a folder of them, holds", Kind::kAnalysis,
                       info);
  tool.add<PrepareConfig>("prepare", "make a folder of your own recordings", Kind::kFile, prepare);
  tool.add<TrainConfig>("train", "train a translator and test it", Kind::kTraining, train);
  tool.add<EvalConfig>("eval", "test a trained translator", Kind::kAnalysis, evaluate);
  tool.add<ClassifyConfig>("classify", "tell the stimulus from latents and from what they are of",
                           Kind::kAnalysis, classify);
  tool.add<EncodeConfig>("encode", "write a latent of every window", Kind::kAnalysis, encode);
  tool.add<TranslateConfig>("translate", "translate a whole recording into a file", Kind::kFile,
                            translate_file);
  tool.add<HrfConfig>("hrf", "report the haemodynamic responses that were learned", Kind::kAnalysis,
                      report_responses);
  tool.add<BaselineConfig>("baseline", "what a simple predictor makes of the same windows",
                           Kind::kAnalysis, baseline);
  tool.set_examples("train",
                    "samba-align simulate --preset small\n"
                    "  samba-align train --preset small");
  tool.set_examples("eval", "samba-align eval --run runs/samba-align/train --part valid");
  return tool.run(argc, argv);
}
