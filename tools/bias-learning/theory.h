// What the two theorems promise, built and measured without training (specification, section 3.4).
#pragma once

#include <cstdint>
#include <string>

namespace tenfold::bias_learning {

constexpr double kGamma = 0.9;  // bound of the parameters of a target network's units

struct TheoryError {
  double error = 0;              // against the function itself
  double to_target_network = 0;  // against the network that is imitated
};

// One hidden layer on [-1, 1]: the target network interpolates sin(pi x) or the ramp
// 1 + clip(4 x, -1, 1) at 17 knots; each of its units takes the nearest unit of a random network of
// `width`, weights uniform in +-range, by a bias; all others are switched off. Errors over 2 001
// points. With Heaviside's step in place of ReLU the target network is the staircase through the
// knots that jumps half-way between them, and a unit is taken by its height among those that step
// upwards in x. Throws UsageError where the width is below the number of target units, or too few
// units step upwards.
TheoryError ffn_error(const std::string& target, bool heaviside, int64_t width, double range,
                      uint64_t seed);
int64_t ffn_target_units(const std::string& target, bool heaviside);
// Its own, against the function.
double ffn_target_network_error(const std::string& target, bool heaviside);
double ffn_function(const std::string& target, double x);

// z_t = 0.5 z_{t-1} + 0.5 x, output 0.5 z, on an 11 x 11 grid of starts and inputs, 20 steps: the
// largest sum of |errors| of a random recurrent network with one unit left on.
double rnn_error(int64_t width, double range, uint64_t seed);

// The largest difference between a random network whose second half is switched off by
// b_i <= -max |B_i x|, and that network without them, relative to the largest output.
double off_switch_error(bool heaviside, int64_t width, double range, uint64_t seed);

// The largest difference between one unit a phi(w x + c), |a|, |w|, |c| <= 10, and its copies with
// all parameters within gamma, over x in [-1, 1]; float32.
double bounding_error(bool heaviside, double gamma, uint64_t seed);

}  // namespace tenfold::bias_learning
