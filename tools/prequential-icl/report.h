// Results as JSON envelopes (specification, section 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/log/result.h"
#include "common/train/loop.h"
#include "tools/prequential-icl/evaluation.h"
#include "tools/prequential-icl/learner_program.h"

namespace tenfold::prequential_icl {

// One run's curve, and how it stands in the result where there are several.
struct LabelledCurve {
  int64_t seed = 0;
  Evaluation evaluation;
  std::vector<double> expected;  // `baseline`: the expectation of the loss; else empty
};

struct CurveReport {
  DataKind kind = DataKind::kRegression;
  std::vector<LabelledCurve> curves;  // one a seed
  std::vector<int64_t> contexts;      // rows to report; empty: all
  std::optional<double> sigma;        // for Gaussian nats
};

// Adds series `eval_curve` (with several seeds: means and standard errors over seeds, and
// `eval_curve/SEED` each), metrics code_length, code_length_bits and effective_z_dim, and, where
// they were measured, series excess_norm and kl_oracle.
void add_curves(log::Result& result, const CurveReport& report);

// Throws UsageError where --contexts asks for rows that there are not.
void require_contexts(const std::vector<int64_t>& wanted, const Contexts& contexts);

// Adds what the end of a run means.
void set_outcome(log::Result& result, const train::Outcome& outcome);

log::Facts data_facts(const RunData& data);
log::Facts model_facts(const Learner& learner);
log::Series training_series(const std::vector<TrainingPoint>& curve);

// The paper's curves for these options (specification, sections 5.1 and 5.2), where it has one.
std::vector<log::Published> published_curve(const std::string& task, const std::string& learner);

}  // namespace tenfold::prequential_icl
