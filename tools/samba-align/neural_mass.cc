#include "tools/samba-align/neural_mass.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/core/philox.h"
#include "common/stats/resampling.h"

namespace tenfold::samba_align {
namespace {

constexpr double kExcitation = 3.25, kInhibition = 22;         // A, B: mV
constexpr double kExcitatoryRate = 100, kInhibitoryRate = 50;  // a, b: 1/s
constexpr double kContacts = 135;                              // C
constexpr double kC1 = kContacts, kC2 = 0.8 * kContacts, kC3 = 0.25 * kContacts, kC4 = kC3;
constexpr double kHalfRate = 2.5, kThreshold = 6, kSteepness = 0.56;  // e0 1/s, v0 mV, r 1/mV

constexpr double kRestingInput = 180, kStimulusGain = 30, kCouplingGain = 10;  // 1/s
constexpr double kNoiseGain = 22. / 32;  // times sqrt(1 s / dt)
constexpr double kBurnIn = 10;           // seconds

Eigen::ArrayXd sigmoid(const Eigen::ArrayXd& v) {
  return 2 * kHalfRate / (1 + (kSteepness * (kThreshold - v)).exp());
}

// What each column receives of the others' earlier rates.
class DelayedCoupling {
 public:
  DelayedCoupling(const Matrix& connections, const Matrix& delays)
      : slots_(static_cast<int64_t>(delays.maxCoeff()) + 1),
        past_(Eigen::MatrixXd::Zero(connections.rows(), 2 * slots_)),
        sums_(connections.rows()) {
    for (int64_t i = 0; i < connections.rows(); ++i) {
      starts_.push_back(weights_.size());
      for (int64_t j = 0; j < connections.cols(); ++j) {
        if (connections(i, j) == 0) continue;
        weights_.push_back(connections(i, j));
        offsets_.push_back(j - static_cast<int64_t>(delays(i, j)) * connections.rows());
      }
    }
    starts_.push_back(weights_.size());
  }

  // Takes the rates of this step, then sums the links.
  const Eigen::ArrayXd& next(const Eigen::ArrayXd& rates) {
    now_ = (now_ + 1) % slots_;
    // Twice, so that the slots before a slot are always there.
    past_.col(now_) = past_.col(now_ + slots_) = rates.matrix();
    const double* now = past_.col(now_ + slots_).data();
    for (int64_t i = 0; i < sums_.size(); ++i) {
      double sum = 0;
      for (size_t k = starts_[i]; k < starts_[i + 1]; ++k) sum += weights_[k] * now[offsets_[k]];
      sums_[i] = sum;
    }
    return sums_;
  }

 private:
  int64_t slots_, now_ = 0;
  Eigen::MatrixXd past_;  // [columns, 2 slots] a ring of steps
  Eigen::ArrayXd sums_;
  std::vector<double> weights_;   // of the links, receiver after receiver
  std::vector<int64_t> offsets_;  // from the rates of now to the sender's at its delay
  std::vector<size_t> starts_;
};

// Resamples channels that arrive step by step, from -reach() on.
template <class Output>
class ArrivingSeries {
 public:
  ArrivingSeries(const stats::Resampler& resampler, Output& out)
      : resampler_(resampler),
        width_(2 * resampler.reach() + 1),
        buffer_(out.rows(), width_ + kSpare),
        out_(out),
        begin_(-resampler.reach()) {}

  void push(const Eigen::ArrayXd& values) {
    if (filled_ == buffer_.cols()) {
      const Eigen::MatrixXd tail = buffer_.rightCols(width_);
      buffer_.leftCols(width_) = tail;
      begin_ += filled_ - width_;
      filled_ = width_;
    }
    buffer_.col(filled_++) = values.matrix();
    while (next_ < out_.cols()) {
      const stats::Resampler::Taps taps = resampler_.taps(next_);
      if (taps.first + width_ > begin_ + filled_) break;
      const Eigen::Map<const Eigen::VectorXd> weights(taps.weights.data(), width_);
      const Eigen::VectorXd sum = buffer_.middleCols(taps.first - begin_, width_) * weights;
      out_.col(next_++) = sum.cast<typename Output::Scalar>();
    }
  }

 private:
  static constexpr int64_t kSpare = 1024;
  const stats::Resampler& resampler_;
  int64_t width_;
  Eigen::MatrixXd buffer_;  // [channels, steps]
  Output& out_;
  int64_t begin_, filled_ = 0, next_ = 0;
};

}  // namespace

NeuralMass::NeuralMass(int64_t columns) : y_(State::Zero(columns, 6)) {}

NeuralMass::State NeuralMass::slope(const State& y, const Eigen::ArrayXd& input) const {
  constexpr double a = kExcitatoryRate, b = kInhibitoryRate;
  State out(y.rows(), 6);
  out.leftCols(3) = y.rightCols(3);
  out.col(3) = kExcitation * a * sigmoid(y.col(1) - y.col(2)) - 2 * a * y.col(3) - a * a * y.col(0);
  out.col(4) = kExcitation * a * (input + kC2 * sigmoid(kC1 * y.col(0))) - 2 * a * y.col(4) -
               a * a * y.col(1);
  out.col(5) =
      kInhibition * b * kC4 * sigmoid(kC3 * y.col(0)) - 2 * b * y.col(5) - b * b * y.col(2);
  return out;
}

void NeuralMass::step(const Eigen::ArrayXd& input) {
  const State first = slope(y_, input);
  y_ += kMassStep / 2 * (first + slope(y_ + kMassStep * first, input));
}

Eigen::ArrayXd NeuralMass::rate() const { return sigmoid(potential()); }

NeuralActivity simulate_neural_mass(const MassModel& model,
                                    const std::vector<StimulusSegment>& stimulus, int64_t samples,
                                    uint64_t seed, const std::string& name) {
  const int64_t parcels = model.connections.rows();
  const stats::Resampler resampler(1 / kMassStep, model.rate);
  NeuralActivity out{FloatMatrix(parcels, samples), Matrix(parcels, samples)};
  ArrivingSeries<FloatMatrix> moments(resampler, out.moment);
  ArrivingSeries<Matrix> drives(resampler, out.drive);
  const auto last =
      static_cast<int64_t>(std::ceil(static_cast<double>(samples) / model.rate / kMassStep)) +
      resampler.reach();
  const std::vector<int32_t> categories = categories_at(stimulus, 1 / kMassStep, last + 1);
  std::vector<Stream> noise;
  for (int64_t p = 0; p < parcels; ++p)
    noise.emplace_back(seed, fmt::format("{}/noise/{}", name, p));
  const double noise_gain = kNoiseGain * std::sqrt(1 / kMassStep);
  DelayedCoupling coupling(model.connections, model.delays);
  NeuralMass mass(parcels);
  Eigen::ArrayXd input(parcels);
  const int64_t first = -resampler.reach();
  const auto begin = std::min<int64_t>(first, -std::lround(kBurnIn / kMassStep));
  for (int64_t n = begin; n <= last; ++n) {
    const Eigen::ArrayXd rate = mass.rate();
    if (n >= first) {
      moments.push(mass.potential());
      drives.push(rate);
    }
    const int32_t category = categories[std::max<int64_t>(n, 0)];
    input = kRestingInput + kStimulusGain * model.pattern.col(category).array() +
            kCouplingGain * coupling.next(rate);
    for (int64_t p = 0; p < parcels; ++p) {
      input[p] += noise_gain * noise[p].normal(static_cast<uint64_t>(n - begin));
    }
    mass.step(input);
  }
  return out;
}

}  // namespace tenfold::samba_align
