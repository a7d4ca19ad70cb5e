#include "common/cli/loop_options.h"

#include "common/core/gemm_backend.h"

namespace tenfold::cli {

train::LoopOptions loop_options(const Run& run, int64_t max_steps, const std::string& label) {
  const CommonOptions& common = run.options();
  train::LoopOptions loop;
  loop.label = label;
  loop.out = common.out;
  loop.max_steps = max_steps;
  loop.eval_every = common.eval_every;
  loop.checkpoint_every = common.checkpoint_every;
  loop.max_seconds = common.max_time_seconds;
  loop.resume = common.resume;
  loop.writes = run.writes();
  loop.context.config_digest = run.config_digest();
  loop.context.fields = run.resume_fields();
  loop.context.threads = run.threads();
  loop.context.gemm = gemm_backend();
  return loop;
}

}  // namespace tenfold::cli
