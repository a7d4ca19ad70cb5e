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

  tool.set_examples(
      "train",
      "nino-nowcast train --preset small --out runs/small\n"
      "      FashionMNIST at 14x14, an MLP, Adam against NiNo, three seeds: a minute\n"
      "  nino-nowcast train --preset paper --eval-every 50 --out runs/paper\n"
      "      FM-16 at 28x28, ten seeds: hours (every step evaluated: days)\n"
      "  nino-nowcast train --task custom --net conv --hidden 8,16 --target 85\n"
      "      --nowcaster none,nino,wnn+,linefit --seed 1000,2000 --out runs/mine");
  tool.set_examples("eval",
                    "nino-nowcast eval --trajectories trajectories --name FM14-MLP16 --runs 0,1\n"
                    "  nino-nowcast eval --results runs/a/result.json,runs/b/result.json");
  tool.set_examples("step",
                    "nino-nowcast step --states F.safetensors --arch A.json --k 16\n"
                    "      --save-path OUT.safetensors");
  tool.set_examples(
      "collect", "nino-nowcast collect --preset small --hidden 24 --seed 22400 --name FM14-MLP24");
  tool.set_examples("train-nino",
                    "nino-nowcast train-nino --preset small --tasks FM14-MLP24\n"
                    "      --save-path mine.safetensors");
  tool.set_examples("graph", "nino-nowcast graph --arch A.json --out G.safetensors");
  return tool.run(argc, argv);
}
