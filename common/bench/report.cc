#include "common/bench/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/bench/gemm_peak.h"
#include "common/bench/memory.h"
#include "common/log/logger.h"

namespace tenfold::bench {

std::vector<std::string> joined(const std::vector<std::vector<std::string>>& lists) {
  std::vector<std::string> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

Report::Report() : peak_(gemm_peak()) {
  log::info(fmt::format("GEMM peak {:.1f} GFLOP/s a core", peak_ / 1e9));
}

void Report::metric(const std::string& name, double value, const char* unit,
                    bool higher_is_better) {
  for (const auto& [known, m] : result.metrics)
    if (known == name) return;  // a case that two tables hold
  log::Metric m{value};
  m.unit = unit;
  m.higher_is_better = higher_is_better;
  result.metrics.emplace_back(name, m);
}

void Report::add_timing(std::vector<log::Value>& row, const Timing& t) {
  row.insert(row.end(),
             {t.runs, t.cpu.min, t.cpu.median, t.cpu.max, t.wall.min, t.wall.median, t.wall.max});
}

void Report::add_speed(std::vector<log::Value>& row, double seconds, double flop) const {
  const double speed = flop / seconds;
  row.insert(row.end(),
             {flop, speed / 1e9, speed / peak_, double(peak_memory()) / double(1 << 20)});
}

log::Result Report::finished() {
  metric("gemm_peak", std::max(peak_, gemm_peak()) / 1e9, "GFLOP/s a core", true);
  return result;
}

}  // namespace tenfold::bench
