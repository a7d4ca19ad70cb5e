#include "common/cli/tool.h"
#include "tools/rich-lazy/commands.h"
#include "tools/rich-lazy/config.h"

int main(int argc, char** argv) {
  using namespace tenfold::rich_lazy;
  using tenfold::cli::Kind;
  tenfold::cli::Tool tool("rich-lazy",
                          "How much a recurrent network changes as it learns, by the rank of its "
                          "initial weights.");
  tool.add<TrainConfig>("train", "train networks and measure their change", Kind::kTraining, train);
  tool.add<EvalConfig>("eval", "measure stored networks again, or write trials of a task",
                       Kind::kAnalysis, evaluate);
  tool.add<TheoryConfig>("theory", "kernel alignment of a two-layer linear network",
                         Kind::kAnalysis, theory);
  tool.add<ConnectomeConfig>("connectome", "ranks and spectrum of a connectome", Kind::kAnalysis,
                             connectome);
  tool.set_examples(
      "train",
      "rich-lazy train --preset small\n"
      "  rich-lazy train --preset celegans --normalize radius --gain 1.25\n"
      "  rich-lazy train --task sMNIST --data-dir mnist --ranks 5,30,full --seed 0..2");
  tool.set_examples("eval",
                    "rich-lazy eval --run runs/rich-small --ntk-trials 32\n"
                    "  rich-lazy eval --task CXT --trials 320 --dump-trials trials.npz");
  tool.set_examples("theory", "rich-lazy theory --rank 1,2,5,10,20");
  tool.set_examples("connectome", "rich-lazy connectome --matrix celegans");
  return tool.run(argc, argv);
}
