// `theory`: expected kernel alignment of a two-layer linear network, simulated and by formula.

#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "common/log/logger.h"
#include "tools/rich-lazy/commands.h"
#include "tools/rich-lazy/linear_theory.h"

namespace tenfold::rich_lazy {

int theory(const TheoryConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: theory computes on the CPU");
  const TheoryOptions& o = config.options;
  log::Result result;
  result.data = {{"name", std::string("student and teacher, linear")},
                 {"origin", std::string("generated")}};
  result.model = {{"inputs", o.inputs}, {"hidden", o.hidden}, {"init_scale", o.init_scale}};
  log::Table table{
      {"rank", "kappa", "start", "ka_mean", "ka_se", "ka_theory", "agrees", "unfinished"}, {}};
  for (const int64_t rank : config.rank) {
    if (run.options().dry_run) break;
    const TheoryRow r = theory_row(o, rank, uint64_t(run.options().seed[0]));
    // Both sides vary away from kappa 1, where the formula is a mean over draws too.
    const bool agrees = std::abs(r.ka_mean - r.ka_theory) <= 3 * r.ka_se + 0.002;
    table.rows.push_back(
        {r.rank, o.kappa, o.start, r.ka_mean, r.ka_se, r.ka_theory, agrees, r.unfinished});
    log::Metric simulated, formula;
    simulated.value = r.ka_mean;
    simulated.stderr_of_mean = r.ka_se;
    simulated.n = o.tasks;
    formula.value = r.ka_theory;
    result.metrics.emplace_back(fmt::format("rank-{}/kernel_alignment", rank), simulated);
    result.metrics.emplace_back(fmt::format("rank-{}/kernel_alignment_theory", rank), formula);
    log::info(fmt::format("rank {}: KA {:.4f} +- {:.4f}, by formula {:.4f}", rank, r.ka_mean,
                          r.ka_se, r.ka_theory));
    if (r.unfinished > 0) {
      log::warning(fmt::format("rank {}: {} of {} simulations reached the limit of steps", rank,
                               r.unfinished, o.tasks));
    }
  }
  result.tables.emplace_back("theory", table);
  run.emit(result, "theory/1");
  return 0;
}

}  // namespace tenfold::rich_lazy
