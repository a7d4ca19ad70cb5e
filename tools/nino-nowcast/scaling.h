// Scaling of parameter snapshots to zero mean and unit spread, and back (specification,
// section 3.6): scaled = (x - m) / (s + 1e-6), and back x = scaled * s + m (without the 1e-6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"

namespace tenfold::nino_nowcast {

enum class ScaleMethod {
  kStd,       // mean and unbiased standard deviation of a tensor over all its values and snapshots
  kStdParam,  // the same for every scalar over its snapshots, s at least 0.01
  kMinMax,    // m = 0, s = max - min of a tensor, at least 0.01
  kMinMaxParam,  // m = 0, s = max - min of a scalar, at least 0.01; but see ScaleOptions::corrected
};
// "std", "std-param", "min-max", "min-max-param"
const char* scale_method_name(ScaleMethod method);
ScaleMethod parse_scale_method(const std::string& name);  // throws UsageError naming the four

struct ScaleOptions {
  ScaleMethod method = ScaleMethod::kStd;
  // min-max-param takes the range of the FIRST scalar for all, as the official code does;
  // `corrected` (--graph-compat corrected) takes each scalar's own.
  bool corrected = false;
  // std and min-max: one m and s over the whole vector, as in meta-training on transformers.
  bool global = false;
};

// Whether the official meta-training scales this model with one m and s: the first parameter's name
// ends in wte.weight (--train-scale global-wte).
bool scales_globally_in_training(const std::vector<ParamSpec>& params);

// m and s by group of rows: the tensors of `params` in order, or every scalar (P groups), or all (1
// group).
struct Scales {
  std::vector<int64_t> ends;         // group g holds rows [ends[g - 1], ends[g])
  std::vector<double> mean, spread;  // m and s a group; s is floored where the method says so

  int64_t num_rows() const { return ends.empty() ? 0 : ends.back(); }
};

// Statistics of the snapshots x [P, ctx] (row-major, column 0 oldest), P the number of entries of
// `params`. Sums are taken in float64, so that a constant tensor has s = 0 exactly (std). Throws
// DataError naming the parameter and the snapshot that holds a NaN or inf.
Scales fit_scales(const float* x, int64_t ctx, const std::vector<ParamSpec>& params,
                  const ScaleOptions& options);

// x [P, columns] -> out [P, columns], which may be x. For the snapshots themselves and, with the m
// and s of the inputs, for the states that follow (targets).
void apply_scales(const Scales& scales, const float* x, int64_t columns, float* out);

// scaled [P] -> out [P] in raw space, which may be `scaled`. A tensor with s = 0 comes back as m.
void invert_scales(const Scales& scales, const float* scaled, float* out);

}  // namespace tenfold::nino_nowcast
