#include "common/cli/tool.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/config.h"

int main(int argc, char** argv) {
  using namespace tenfold::nino_nowcast;
  using tenfold::cli::Kind;
  tenfold::cli::Tool tool("nino-nowcast",
                          "Train networks in fewer steps by nowcasting their weights.");
  tool.add<TrainConfig>("train", "train a network, with and without nowcasts, and compare",
                        Kind::kTraining, train);
  tool.add<EvalConfig>("eval",
                       "score nowcasts against stored trajectories, or tabulate results of train",
                       Kind::kAnalysis, evaluate);
  tool.add<StepConfig>("step", "make one nowcast from a file of snapshots", Kind::kFile, step);
  tool.add<CollectConfig>("collect", "record training trajectories", Kind::kTraining, collect);
  tool.add<TrainNinoConfig>("train-nino", "meta-train a nowcasting network on trajectories",
                            Kind::kTraining, train_nino);
  tool.add<GraphConfig>("graph", "write the neural graph of an architecture", Kind::kFile, graph);
  return tool.run(argc, argv);
}
