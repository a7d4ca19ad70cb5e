// The subcommands: each returns an exit code.
#pragma once

#include "common/cli/tool.h"
#include "tools/bias-learning/config.h"

namespace tenfold::bias_learning {

int train_fnn(const TrainFnnConfig& config, cli::Run& run);
int train_ntk(const TrainFnnConfig& config, cli::Run& run);  // train-fnn --solver ntk
int train_rnn(const TrainRnnConfig& config, cli::Run& run);
int evaluate(const EvalConfig& config, cli::Run& run);
int evaluate_rnn(const EvalConfig& config, cli::Run& run);  // of a train-rnn run
int check_theory(const CheckTheoryConfig& config, cli::Run& run);

}  // namespace tenfold::bias_learning
