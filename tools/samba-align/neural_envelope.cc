#include "tools/samba-align/neural_envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr double kCouplingLength = 0.7, kStimulusGain = 0.7, kAmplitudeGain = 0.3;
constexpr double kNoiseGain = 0.28, kNoiseMemory = 0.9, kPhaseGain = 0.5;
constexpr double kSlowSeconds = 1;
constexpr int64_t kChunk = 512;  // samples that are mixed at a time

Matrix rows_of_norm_one(Matrix m) {
  m.rowwise().normalize();
  return m;
}

// Slow noise of all parcels, mixed in place chunk by chunk.
void fill_drive(const EnvelopeModel& model, const std::vector<int32_t>& categories, uint64_t seed,
                const std::string& name, Matrix& drive) {
  const int64_t parcels = drive.rows(), samples = drive.cols();
  const double keep = std::exp(-1 / (kSlowSeconds * model.rate)),
               fresh = std::sqrt(1 - keep * keep);
  for (int64_t p = 0; p < parcels; ++p) {
    const Stream s(seed, fmt::format("{}/slow/{}", name, p));
    double o = 0;
    for (int64_t n = 0; n < samples; ++n) {
      o = keep * o + fresh * s.normal(static_cast<uint64_t>(n));
      drive(p, n) = o;
    }
  }
  for (int64_t first = 0; first < samples; first += kChunk) {
    const int64_t count = std::min(kChunk, samples - first);
    const Matrix mixed = model.coupling * drive.middleCols(first, count);
    for (int64_t n = 0; n < count; ++n) {
      drive.col(first + n) =
          mixed.col(n) + kStimulusGain * model.pattern.col(categories[first + n]);
    }
  }
}

}  // namespace

Matrix envelope_coupling(const Matrix& distances) {
  return rows_of_norm_one((-distances.array() / kCouplingLength).exp());
}

Matrix envelope_coupling_of(const Matrix& connections) {
  return rows_of_norm_one(Matrix::Identity(connections.rows(), connections.cols()) + connections);
}

NeuralActivity simulate_envelope(const EnvelopeModel& model, const std::vector<int32_t>& categories,
                                 uint64_t seed, const std::string& name) {
  const int64_t parcels = model.coupling.rows();
  const auto samples = static_cast<int64_t>(categories.size());
  NeuralActivity out{FloatMatrix(parcels, samples), Matrix(parcels, samples)};
  fill_drive(model, categories, seed, name, out.drive);
  for (int64_t p = 0; p < parcels; ++p) {
    const Stream phases(seed, fmt::format("{}/phase/{}", name, p));
    const Stream noise(seed, fmt::format("{}/noise/{}", name, p));
    double phase = 0, v = 0;
    for (int64_t n = 0; n < samples; ++n) {
      const auto index = static_cast<uint64_t>(n);
      const double u = out.drive(p, n), t = static_cast<double>(n) / model.rate;
      phase += phases.normal(index) / std::sqrt(model.rate);
      v = kNoiseMemory * v + noise.normal(index);
      const double rhythm = std::sin(kTwoPi * (kCarrierHz * t + kPhaseGain * phase));
      out.moment(p, n) = static_cast<float>(model.slow_gain * u +
                                            std::exp(kAmplitudeGain * u) * rhythm + kNoiseGain * v);
    }
  }
  return out;
}

}  // namespace tenfold::samba_align
