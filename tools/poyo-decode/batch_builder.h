// From windows of recordings to a batch of tokens (specification, sections 3.1 and 4).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/time_scaling.h"
#include "tools/poyo-decode/token_batch.h"
#include "tools/poyo-decode/unit_dropout.h"
#include "tools/poyo-decode/windows.h"

namespace tenfold::poyo_decode {

struct BatchOptions {
  double window = 1;  // seconds
  // Every n-th sample of a window is queried, counted from its first.
  int64_t query_stride = 1;
  UnitDropout unit_dropout;
  uint64_t seed = 0;         // of unit dropout and time scaling
  bool drop_spikes = false;  // control: delimiters only
  bool delimiters = true;    // else spikes only
  TimeScaling time_scaling;
};

class BatchBuilder {
 public:
  BatchBuilder(const Dataset& dataset, const BatchOptions& options);

  // `first` is the number of the first window in the stream of random draws.
  TokenBatch build(const std::vector<Window>& windows, uint64_t first);

  // The weight of all queries of these windows, as `build` would take them.
  double weight_of(const std::vector<Window>& windows) const;

  // The samples of each query of the last batch: index into its recording's samples.
  const std::vector<int64_t>& query_samples() const { return query_samples_; }

 private:
  // Calls body(sample) for every sample of the window that is queried.
  template <class Body>
  void for_queries(const Session& session, const Window& window, const Body& body) const;
  void add_window(const Window& window, uint64_t number, TokenBatch& batch);
  void add_queries(const Session& session, const Window& window, double scale, TokenBatch& batch);
  int32_t pair_of(int64_t unit_row, int64_t type, TokenBatch& batch);
  int32_t session_of(int64_t row, TokenBatch& batch);

  const Dataset& dataset_;
  BatchOptions options_;
  std::vector<int32_t> pair_, session_;  // number in the batch being built, or -1
  std::vector<bool> kept_;               // of the units of one window
  std::vector<float> target_, weight_;
  std::vector<int64_t> query_samples_;
};

}  // namespace tenfold::poyo_decode
