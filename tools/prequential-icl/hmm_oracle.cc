#include "tools/prequential-icl/hmm_oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "common/core/error.h"

namespace tenfold::prequential_icl {
namespace {

// Emission matrices side by side: six vectors, which with their multiplier fill the registers.
constexpr int64_t kPanel = 24;
constexpr int64_t kLanes = 4;
constexpr int kVectors = kPanel / kLanes;
typedef double Vector __attribute__((vector_size(kLanes * sizeof(double))));

// A latent whose posterior is smaller by this factor (natural logarithm) adds nothing to a double,
// even if it gained all that a block can give.
constexpr double kNegligible = -600;
constexpr double kMostLossOfBlock = 460;  // nats; likelihoods of a block stay far above underflow
constexpr int64_t kMostStepsOfBlock = 16;

inline Vector load(const double* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

inline void store(double* to, const Vector& v) { __builtin_memcpy(to, &v, sizeof v); }

void check_tokens(const int64_t* tokens, int64_t length, int64_t observations) {
  for (int64_t t = 0; t < length; ++t) {
    if (tokens[t] >= 0 && tokens[t] < observations) continue;
    throw DataError("token " + std::to_string(t + 1) + " of a sequence: found " +
                    std::to_string(tokens[t]) + ", expected 0 to " +
                    std::to_string(observations - 1));
  }
}

// Numbers 0.. for the values that occur, in increasing order.
std::map<int64_t, int64_t> numbered(const std::vector<int64_t>& values) {
  std::map<int64_t, int64_t> numbers;
  for (const int64_t v : values) numbers[v] = 0;
  int64_t next = 0;
  for (auto& entry : numbers) entry.second = next++;
  return numbers;
}

void normalise(double* row, int64_t n) {
  const double total = std::accumulate(row, row + n, 0.0);
  for (int64_t i = 0; i < n; ++i) row[i] /= total;
}

}  // namespace

HmmOracle::HmmOracle(const HmmFamily& family, const std::vector<int64_t>& subset)
    : states_(family.sizes.states), observations_(family.sizes.observations) {
  const int64_t n_emissions = family.sizes.emissions();
  std::vector<int64_t> latents = subset;
  if (latents.empty()) {
    latents.resize(family.sizes.latents());
    std::iota(latents.begin(), latents.end(), int64_t{0});
  }
  std::vector<int64_t> transition_of, emission_of;
  for (const int64_t latent : latents) {
    if (latent < 0 || latent >= family.sizes.latents()) {
      throw DataError("latent: found " + std::to_string(latent) + ", expected 0 to " +
                      std::to_string(family.sizes.latents() - 1));
    }
    transition_of.push_back(latent / n_emissions);
    emission_of.push_back(latent % n_emissions);
  }
  const auto transitions = numbered(transition_of), emissions = numbered(emission_of);
  n_transitions_ = static_cast<int64_t>(transitions.size());
  panels_ = (static_cast<int64_t>(emissions.size()) + kPanel - 1) / kPanel;

  log_prior_.assign(panels_ * n_transitions_ * kPanel, -std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < latents.size(); ++i) {
    const int64_t a = transitions.at(transition_of[i]), e = emissions.at(emission_of[i]);
    log_prior_[(e / kPanel * n_transitions_ + a) * kPanel + e % kPanel] = 0;
  }

  // Padding emits uniformly, so that its filters stay finite; its prior is zero.
  emissions_.assign(panels_ * observations_ * states_ * kPanel, 1.0 / observations_);
  double least = 1;
  for (const auto& [index, e] : emissions) {
    const double* b = &family.emissions[index * states_ * observations_];
    for (int64_t z = 0; z < states_; ++z) {
      for (int64_t x = 0; x < observations_; ++x) {
        const int64_t row = (e / kPanel * observations_ + x) * states_ + z;
        emissions_[row * kPanel + e % kPanel] = b[z * observations_ + x];
        least = std::min(least, b[z * observations_ + x]);
      }
    }
  }
  steps_per_block_ =
      std::clamp<int64_t>(static_cast<int64_t>(kMostLossOfBlock / std::max(1e-3, -std::log(least))),
                          1, kMostStepsOfBlock);

  begin_.push_back(0);
  for (const auto& [index, a] : transitions) {
    const double* matrix = &family.transitions[index * states_ * states_];
    for (int64_t to = 0; to < states_; ++to) {
      for (int64_t from = 0; from < states_; ++from) {
        if (matrix[from * states_ + to] == 0) continue;
        entries_.push_back({matrix[from * states_ + to], from * kPanel});
      }
      begin_.push_back(static_cast<int64_t>(entries_.size()));
    }
  }
}

// One panel under one transition matrix over the steps of a block: adds the weighted predictions of
// the state before every token to sums [steps, states, kPanel] and takes predicted [states, kPanel]
// past the last token. Everything stays in the first-level cache.
void HmmOracle::advance(int64_t panel, int64_t transition, const int64_t* tokens, int64_t steps,
                        const double* scale, double* predicted, double* sums) const {
  const int64_t size = states_ * kPanel;
  const double* emissions = &emissions_[panel * observations_ * size];
  const int64_t* begin = &begin_[transition * states_];
  Vector weight[kVectors];
  for (int v = 0; v < kVectors; ++v) weight[v] = load(scale + v * kLanes);

  // Adds a state's prediction to the sums of step t and returns its filter after token t.
  const auto observe = [&](int64_t t, int64_t offset, const Vector* prediction, double* filter) {
    const double* b = emissions + tokens[t] * size + offset;
    double* sum = sums + t * size + offset;
    for (int v = 0; v < kVectors; ++v) {
      store(sum + v * kLanes, load(sum + v * kLanes) + weight[v] * prediction[v]);
      store(filter + offset + v * kLanes, prediction[v] * load(b + v * kLanes));
    }
  };

  LineVector<double> filters(2 * size);
  double *filter = filters.data(), *next = filter + size;
  Vector p[kVectors];
  for (int64_t z = 0; z < size; z += kPanel) {
    for (int v = 0; v < kVectors; ++v) p[v] = load(predicted + z + v * kLanes);
    observe(0, z, p, filter);
  }
  for (int64_t t = 1; t <= steps; ++t) {
    for (int64_t z = 0; z < states_; ++z) {
      for (int v = 0; v < kVectors; ++v) p[v] = Vector{};
      for (int64_t i = begin[z]; i < begin[z + 1]; ++i) {
        const double* from = filter + entries_[i].from;
        for (int v = 0; v < kVectors; ++v) {
          p[v] += entries_[i].probability * load(from + v * kLanes);
        }
      }
      if (t < steps) {
        observe(t, z * kPanel, p, next);
      } else {
        for (int v = 0; v < kVectors; ++v) store(predicted + z * kPanel + v * kLanes, p[v]);
      }
    }
    std::swap(filter, next);
  }
}

// All panels and transition matrices over the steps of a block; sums [panels, steps, states,
// kPanel], predicted [panels, transitions, states, kPanel].
void HmmOracle::run_block(const int64_t* tokens, int64_t steps, const LineVector<double>& scale,
                          double* predicted, double* sums) const {
  const int64_t size = states_ * kPanel;
  for (int64_t panel = 0; panel < panels_; ++panel) {
    for (int64_t a = 0; a < n_transitions_; ++a) {
      const int64_t i = panel * n_transitions_ + a;
      advance(panel, a, tokens, steps, &scale[i * kPanel], predicted + i * size,
              sums + panel * steps * size);
    }
  }
}

void HmmOracle::predict(const int64_t* tokens, int64_t length, double* probabilities) const {
  check_tokens(tokens, length, observations_);
  const int64_t size = states_ * kPanel, filters = panels_ * n_transitions_;
  LineVector<double> predicted(filters * size, 1.0 / static_cast<double>(states_));
  LineVector<double> log_weight = log_prior_, scale(log_prior_.size());
  LineVector<double> sums(panels_ * steps_per_block_ * size);
  for (int64_t first = 0; first < length; first += steps_per_block_) {
    const int64_t steps = std::min(steps_per_block_, length - first);
    const double most = *std::max_element(log_weight.begin(), log_weight.end());
    for (size_t i = 0; i < scale.size(); ++i) {
      const double relative = log_weight[i] - most;
      scale[i] = relative < kNegligible ? 0.0 : std::exp(relative);
    }
    std::fill(sums.begin(), sums.end(), 0.0);
    run_block(tokens + first, steps, scale, predicted.data(), sums.data());

    for (int64_t t = 0; t < steps; ++t) {
      double* row = probabilities + (first + t) * observations_;
      std::fill(row, row + observations_, 0.0);
      for (int64_t panel = 0; panel < panels_; ++panel) {
        const double* sum = &sums[(panel * steps + t) * size];
        const double* b = &emissions_[panel * observations_ * size];
        for (int64_t x = 0; x < observations_; ++x, b += size) {
          Vector total[2] = {};
          for (int64_t i = 0; i < size; i += 2 * kLanes) {
            total[0] += load(sum + i) * load(b + i);
            total[1] += load(sum + i + kLanes) * load(b + i + kLanes);
          }
          const Vector both = total[0] + total[1];
          row[x] += both[0] + both[1] + both[2] + both[3];
        }
      }
      normalise(row, observations_);
    }

    for (int64_t i = 0; i < filters; ++i) {
      double* filter = &predicted[i * size];
      for (int64_t e = 0; e < kPanel; ++e) {
        double total = 0;
        for (int64_t z = 0; z < size; z += kPanel) total += filter[z + e];
        for (int64_t z = 0; z < size; z += kPanel) filter[z + e] /= total;
        log_weight[i * kPanel + e] += std::log(total);
      }
    }
  }
}

void predict_known(const HmmFamily& family, int64_t latent, const int64_t* tokens, int64_t length,
                   double* probabilities) {
  const int64_t states = family.sizes.states, observations = family.sizes.observations;
  check_tokens(tokens, length, observations);
  hmm_digits(family.sizes, latent);  // refuses a latent outside the family
  const double* a = family.transition_of(latent);
  const double* b = family.emission_of(latent);
  std::vector<double> predicted(states, 1.0 / static_cast<double>(states)), filter(states);
  for (int64_t t = 0; t < length; ++t) {
    double* row = probabilities + t * observations;
    std::fill(row, row + observations, 0.0);
    for (int64_t z = 0; z < states; ++z) {
      for (int64_t x = 0; x < observations; ++x) row[x] += predicted[z] * b[z * observations + x];
      filter[z] = predicted[z] * b[z * observations + tokens[t]];
    }
    normalise(filter.data(), states);
    std::fill(predicted.begin(), predicted.end(), 0.0);
    for (int64_t z = 0; z < states; ++z) {
      for (int64_t y = 0; y < states; ++y) predicted[y] += filter[z] * a[z * states + y];
    }
  }
}

}  // namespace tenfold::prequential_icl
