// Contiguous groups of parcels, each mapped by a matrix of its own (specification, section 3.5).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "common/train/parameters.h"

namespace tenfold::samba_align {

class PatchMap {
 public:
  PatchMap() = default;
  // `patches` divides both numbers of parcels.
  PatchMap(train::Parameters& parameters, int64_t patches, int64_t from, int64_t to);

  // nodes [batch, from, features] -> [batch, to, features]
  at::Tensor operator()(const at::Tensor& nodes) const;

 private:
  at::Tensor weight_, bias_;  // [patches, out, in], [patches, out]
};

}  // namespace tenfold::samba_align
