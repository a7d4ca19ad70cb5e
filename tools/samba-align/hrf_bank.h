// Learned haemodynamic responses: every parcel has a network of its own and six numbers, each of
// which goes through it and becomes one parameter of a double gamma (specification, section 3.2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/train/parameters.h"
#include "tools/samba-align/hrf_spec.h"

namespace tenfold::samba_align {

class HrfBank {
 public:
  HrfBank() = default;
  HrfBank(train::Parameters& parameters, const HrfSpec& spec, int64_t parcels);

  // [parcels, 6]
  at::Tensor values() const;

 private:
  at::Tensor through_networks(const at::Tensor& rows) const;  // [nets, n, in] -> [nets, n, out]

  HrfSpec spec_;
  int64_t parcels_ = 0;
  at::Tensor theta_;                                       // [nets, 6]
  std::vector<std::pair<at::Tensor, at::Tensor>> layers_;  // [nets, out, in], [nets, out]
};

// Between which values a form's parameter number k lies, whatever its network says.
std::pair<double, double> hrf_reach(const HrfSpec& spec, int64_t k);

// h(t) = c1 (t / p1)^d1 exp(-(t - p1) / s1) - c2 (t / p2)^d2 exp(-(t - p2) / s2), p = d s, for t =
// n / rate, n = 0 .. taps - 1; h(0) = 0. values [parcels, 6] -> [parcels, taps].
at::Tensor double_gamma(const at::Tensor& values, double rate, int64_t taps);

}  // namespace tenfold::samba_align
