#include "tools/samba-align/patch_map.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>

namespace tenfold::samba_align {

PatchMap::PatchMap(train::Parameters& parameters, int64_t patches, int64_t from, int64_t to) {
  const int64_t in = from / patches, out = to / patches;
  const auto init = train::Parameters::torch_default(in);
  weight_ = parameters.add("mapper.weight", {patches, out, in}, init);
  bias_ = parameters.add("mapper.bias", {patches, out}, init);
}

at::Tensor PatchMap::operator()(const at::Tensor& nodes) const {
  const int64_t batch = nodes.size(0), features = nodes.size(2), patches = weight_.size(0),
                out = weight_.size(1), in = weight_.size(2);
  const at::Tensor groups = nodes.reshape({batch, patches, in, features});
  const at::Tensor mapped = at::matmul(weight_, groups) + bias_.unsqueeze(2);
  return mapped.reshape({batch, patches * out, features});
}

}  // namespace tenfold::samba_align
