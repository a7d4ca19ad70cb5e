#include "common/cli/tool.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/config.h"

int main(int argc, char** argv) {
  using namespace tenfold::prequential_icl;
  using tenfold::cli::Kind;
  tenfold::cli::Tool tool("prequential-icl",
                          "Learn to learn in context, and measure it as a code length.");
  tool.add<TrainConfig>("train", "meta-train a sequence model on a family of tasks",
                        Kind::kTraining, train);
  tool.add<EvalConfig>("eval", "the prequential coding curve of a trained model", Kind::kAnalysis,
                       evaluate);
  tool.add<SgdConfig>("sgd", "fit plain networks to single data sets, for comparison",
                      Kind::kTraining, sgd);
  tool.add<BaselineConfig>("baseline", "exact and simple predictors on the same tasks",
                           Kind::kAnalysis, baseline);
  tool.add<GenConfig>("gen", "write a meta-dataset, or convert a CSV table to one", Kind::kFile,
                      generate);
  tool.add<LlmPromptsConfig>("llm-prompts", "write Mastermind prompts for a language model",
                             Kind::kFile, llm_prompts);
  tool.add<LlmScoreConfig>("llm-score", "score a language model's answers to them", Kind::kAnalysis,
                           llm_score);

  tool.set_examples(
      "train",
      "prequential-icl train --preset small --task mastermind --out runs/prequential\n"
      "  prequential-icl train --preset small --task mastermind --objective train --out "
      "runs/train\n"
      "  prequential-icl train --preset paper --task linear --steps 1 --out runs/paper\n"
      "      the paper's size: a step takes a minute on two cores");
  tool.set_examples("eval",
                    "prequential-icl eval --checkpoint runs/prequential --contexts 1,2,5,10,20");
  tool.set_examples("sgd", "prequential-icl sgd --preset small --task sinusoid --out runs/sgd");
  tool.set_examples("baseline",
                    "prequential-icl baseline --preset small --task linear --method bayes");
  tool.set_examples(
      "gen",
      "prequential-icl gen --preset small --task sinusoid --save-path tasks.safetensors\n"
      "  prequential-icl gen --csv table.csv --save-path tasks.safetensors");
  tool.set_examples("llm-prompts", "prequential-icl llm-prompts --save-path prompts.jsonl");
  tool.set_examples("llm-score",
                    "prequential-icl llm-score --prompts prompts.jsonl --answers answers.jsonl");
  return tool.run(argc, argv);
}
