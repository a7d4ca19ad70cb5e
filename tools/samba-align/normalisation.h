// The released code's normalisation: one mean and one deviation for all parcels and times, then a
// scale and a shift (specification, section 2.1).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace tenfold::samba_align {

struct Moments {
  double mean, deviation;

  // Of all entries together, in float64; `what` begins the message of the DataError that is thrown
  // where the signal does not vary.
  Moments(const at::Tensor& x, const std::string& what);

  at::Tensor normalised(const at::Tensor& x) const;
};

}  // namespace tenfold::samba_align
