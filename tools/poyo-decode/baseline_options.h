// What `baseline` fits (specification, section 6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tenfold::poyo_decode {

struct BaselineOptions {
  std::string method = "wiener";  // wiener, ridge, kalman, mlp, gru
  std::string rows = "auto";      // kalman, mlp, gru: bins, samples; auto: see reads_samples
  std::optional<double> bin;      // seconds; all but wiener
  double window = 1;              // seconds; gru on bins
  // mlp, gru; where not given those of sections 6.4 and 6.5
  std::optional<int64_t> epochs;
  std::vector<int64_t> hidden;
  std::vector<double> lr, weight_decay;
};

}  // namespace tenfold::poyo_decode
