// `train --task NAME ...`: train-rnn where NAME is a system, else train-fnn.
#pragma once

#include <string>
#include <vector>

namespace tenfold::bias_learning {

// The command line with `train --task NAME` put as the subcommand that NAME belongs to; any other
// comes back as it is.
std::vector<std::string> dispatched(const std::vector<std::string>& arguments);

}  // namespace tenfold::bias_learning
