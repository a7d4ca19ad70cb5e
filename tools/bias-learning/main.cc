#include <string>
#include <vector>

#include "common/cli/tool.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/config.h"
#include "tools/bias-learning/train_alias.h"

int main(int argc, char** argv) {
  using namespace tenfold::bias_learning;
  using tenfold::cli::Kind;
  tenfold::cli::Tool tool("bias-learning",
                          "Train nothing but the biases of networks with random weights.");
  tool.add<TrainFnnConfig>("train-fnn", "learn image tasks on one set of random weights",
                           Kind::kTraining, train_fnn);
  tool.add<TrainRnnConfig>("train-rnn", "let random recurrent networks generate a trajectory",
                           Kind::kTraining, train_rnn);
  // Alone it is refused when checked: with a task it has become one of the two.
  tool.add<TrainConfig>("train", "train-fnn or train-rnn, as --task says", Kind::kTraining,
                        [](const TrainConfig&, tenfold::cli::Run&) { return 64; });
  tool.add<EvalConfig>("eval", "score stored biases or networks of a run again", Kind::kAnalysis,
                       evaluate);
  tool.add<CheckTheoryConfig>("check-theory", "build what the two theorems promise and measure it",
                              Kind::kAnalysis, check_theory);
  tool.set_examples("train-fnn",
                    "bias-learning train-fnn --preset small --out runs/small\n"
                    "      seven tasks on 4,000 units; mask, readout and full training on MNIST\n"
                    "  bias-learning train-fnn --tasks mnist,mnist-relabel --train bias,mask\n"
                    "      --hidden 4000 --train-images 20000 --test-images 5000");
  tool.set_examples("train-rnn",
                    "bias-learning train-rnn --preset small\n"
                    "      van der Pol at gains 0.5 and 1.5, three seeds\n"
                    "  bias-learning train-rnn --preset lorenz --train full");
  tool.set_examples("train", "bias-learning train --task vdp --gain 1.5");
  tool.set_examples("eval", "bias-learning eval --run runs/small");
  tool.set_examples("check-theory", "bias-learning check-theory --check ffn --width 100,1000");
  std::vector<std::string> arguments = dispatched({argv, argv + argc});
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return tool.run(argc, pointers.data());
}
