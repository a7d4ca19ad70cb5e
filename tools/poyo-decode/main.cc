#include "common/cli/tool.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/config.h"

int main(int argc, char** argv) {
  using namespace tenfold::poyo_decode;
  using tenfold::cli::Kind;
  tenfold::cli::Tool tool("poyo-decode", "Decode movement from spikes, many recordings at once.");
  tool.add<TrainConfig>("train", "train one decoder on all recordings", Kind::kTraining, train);
  tool.add<FinetuneConfig>("finetune", "adapt a trained decoder to new sessions", Kind::kTraining,
                           finetune);
  tool.add<IdentifyConfig>("identify", "learn new sessions' units alone, all else frozen",
                           Kind::kTraining, identify);
  tool.add<EvalConfig>("eval", "R2 of a trained decoder by session", Kind::kAnalysis,
                       evaluate_command);
  tool.add<DecodeConfig>("decode", "recordings as a stream, one velocity every 10 ms",
                         Kind::kAnalysis, decode);
  tool.add<EmbedConfig>("embed", "the units of a trained decoder as a map", Kind::kAnalysis, embed);
  tool.add<BaselineConfig>("baseline", "other decoders, of single sessions", Kind::kAnalysis,
                           baseline);
  tool.add<GenConfig>("gen", "write generated sessions as HDF5 files", Kind::kFile,
                      generate_command);
  tool.add<InfoConfig>("info", "what recordings hold", Kind::kAnalysis, info);
  tool.set_examples("train",
                    "poyo-decode train --preset small-gen --out runs/small\n"
                    "  poyo-decode train --preset small-real --data session.h5 --out runs/real");
  tool.set_examples("eval", "poyo-decode eval --checkpoint runs/small");
  tool.set_examples("decode", "poyo-decode decode --checkpoint runs/small --sessions g_co_00");
  return tool.run(argc, argv);
}
