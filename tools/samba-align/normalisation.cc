#include "tools/samba-align/normalisation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/std.h>
#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

// What the released code's normalisation ends with.
constexpr double kScale = 0.7188116312026978, kShift = 0.00498728035017848;

}  // namespace

Moments::Moments(const at::Tensor& x, const std::string& what) {
  const at::Tensor wide = x.to(at::kDouble);
  mean = wide.mean().item<double>();
  deviation = wide.std().item<double>();
  if (!(deviation > 0) || !std::isfinite(mean)) {
    throw DataError(fmt::format("{}: found a signal with deviation {}, expected one that varies",
                                what, deviation));
  }
}

at::Tensor Moments::normalised(const at::Tensor& x) const {
  const double factor = kScale / deviation;
  return x * factor + (kShift - mean * factor);
}

}  // namespace tenfold::samba_align
