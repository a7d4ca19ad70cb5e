// What the benches of all tools report alike: columns of times and speeds, metrics, the GEMM speed.
#pragma once

#include <string>
#include <vector>

#include "common/bench/measure.h"
#include "common/log/result.h"

namespace tenfold::bench {

// Of Report::add_timing and Report::add_speed.
const std::vector<std::string> kTimingColumns = {
    "runs", "cpu_min_s", "cpu_median_s", "cpu_max_s", "wall_min_s", "wall_median_s", "wall_max_s"};
const std::vector<std::string> kSpeedColumns = {"flop", "gflop_per_cpu_s", "fraction_of_peak",
                                                "peak_rss_mib"};

std::vector<std::string> joined(const std::vector<std::vector<std::string>>& lists);

class Report {
 public:
  Report();  // measures the GEMM speed

  double peak() const { return peak_; }  // FLOP/s a core

  void metric(const std::string& name, double value, const char* unit, bool higher_is_better);
  static void add_timing(std::vector<log::Value>& row, const Timing& t);
  // `seconds` of processor time for `flop`; the memory is the greatest since it was restarted.
  void add_speed(std::vector<log::Value>& row, double seconds, double flop) const;

  // The result with the GEMM speed as its last metric.
  log::Result finished();

  log::Result result;

 private:
  double peak_;
};

}  // namespace tenfold::bench
