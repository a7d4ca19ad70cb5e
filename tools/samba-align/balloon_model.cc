#include "tools/samba-align/balloon_model.h"

#include <algorithm>
#include <cmath>

namespace tenfold::samba_align {
namespace {

constexpr double kAlpha = 0.32, kRho = 0.34, kRestingVolume = 0.02;  // rho: oxygen extraction
constexpr double kLowest = 0.05;

struct State {
  double signal = 0, flow = 1, volume = 1, deoxyhaemoglobin = 1;
};

State step(const State& at, const Balloon& b, double z) {
  const auto [s, f, v, q] = at;
  const double outflow = std::pow(v, 1 / kAlpha);
  const double extraction = (1 - std::pow(1 - kRho, 1 / f)) / kRho;
  State next;
  next.signal = s + kBalloonStep * (z - b.kappa * s - b.gamma * (f - 1));
  next.flow = std::max(kLowest, f + kBalloonStep * s);
  next.volume = std::max(kLowest, v + kBalloonStep * (f - outflow) / b.tau);
  next.deoxyhaemoglobin =
      std::max(kLowest, q + kBalloonStep * (f * extraction - outflow * q / v) / b.tau);
  return next;
}

double bold(const State& at) {
  const double v = at.volume, q = at.deoxyhaemoglobin;
  return kRestingVolume * (7 * kRho * (1 - q) + 2 * (1 - q / v) + (2 * kRho - 0.2) * (1 - v));
}

// Mean of the samples whose times lie in the step; where there is none, the last before it.
double drive_of_step(const std::vector<double>& z, double rate, size_t n) {
  // A sample that falls on a border belongs to the step it begins.
  const auto sample_from = [&](size_t k) {
    const double place = std::ceil(static_cast<double>(k) * kBalloonStep * rate - 1e-9);
    return std::min(z.size(), static_cast<size_t>(place));
  };
  const size_t begin = sample_from(n), end = sample_from(n + 1);
  if (begin >= end) return z[begin == 0 ? 0 : begin - 1];
  double sum = 0;
  for (size_t i = begin; i < end; ++i) sum += z[i];
  return sum / static_cast<double>(end - begin);
}

}  // namespace

std::vector<double> balloon_bold(const Balloon& b, const std::vector<double>& drive) {
  std::vector<double> out{0};
  out.reserve(drive.size() + 1);
  State state;
  for (const double z : drive) {
    state = step(state, b, z);
    out.push_back(bold(state));
  }
  return out;
}

std::vector<double> balloon_response(const Balloon& b, const std::vector<double>& z, double rate) {
  const double steps_per_sample = 1 / (rate * kBalloonStep);
  const double last = std::ceil(static_cast<double>(z.size()) * steps_per_sample);
  std::vector<double> drive(static_cast<size_t>(last));
  for (size_t n = 0; n < drive.size(); ++n) drive[n] = kBalloonDrive * drive_of_step(z, rate, n);
  const std::vector<double> at_steps = balloon_bold(b, drive);
  std::vector<double> out(z.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const double place = static_cast<double>(i) * steps_per_sample;
    const size_t before = std::min(static_cast<size_t>(place), at_steps.size() - 2);
    const double weight = place - static_cast<double>(before);
    out[i] = at_steps[before] + weight * (at_steps[before + 1] - at_steps[before]);
  }
  return out;
}

}  // namespace tenfold::samba_align
