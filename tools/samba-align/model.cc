#include "tools/samba-align/model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cosine_similarity.h>
#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "tools/samba-align/ele_to_hemo.h"
#include "tools/samba-align/hemo_to_ele.h"

namespace tenfold::samba_align {

void check(const ModelSpec& spec) {
  const double factor = spec.hrf_rate > 0 ? spec.rate / spec.hrf_rate : 1;
  if (std::abs(factor - double(spec.hrf_factor())) > 1e-9 || spec.hrf_factor() < 1 ||
      spec.block % spec.hrf_factor() != 0) {
    throw UsageError(
        fmt::format("--hrf-rate: found {} Hz for {} Hz and {} samples a frame, expected a rate "
                    "that divides both",
                    spec.hrf_rate, spec.rate, spec.block));
  }
  if (spec.parcels % spec.patches == 0 && spec.targets % spec.patches == 0) return;
  std::string common;
  for (int64_t d = 1; d <= std::min(spec.parcels, spec.targets); ++d)
    if (spec.parcels % d == 0 && spec.targets % d == 0)
      common += fmt::format("{}{}", common.empty() ? "" : ", ", d);
  throw UsageError(
      fmt::format("--patches: found {} for {} and {} parcels, expected a number that divides "
                  "both: {}",
                  spec.patches, spec.parcels, spec.targets, common));
}

Model::Model(const ModelSpec& spec, int64_t wavelet_length, uint64_t seed)
    : spec_(spec), wavelet_(wavelet_length, spec.levels), parameters_(seed) {
  check(spec);
}

std::unique_ptr<Model> make_model(const ModelSpec& spec, uint64_t seed) {
  if (spec.direction == "hemo2ele") return std::make_unique<HemoToEle>(spec, seed);
  return std::make_unique<EleToHemo>(spec, seed);
}

at::Tensor cosine_loss(const at::Tensor& y_hat, const at::Tensor& y) {
  return 1 - at::cosine_similarity(y_hat, y, 2, 1e-8).mean();
}

}  // namespace tenfold::samba_align
