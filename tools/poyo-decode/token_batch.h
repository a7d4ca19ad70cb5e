// A batch of windows as the model reads it: spikes and delimiters, latents and queries, chained one
// window after the other (specification, sections 3.1 and 3.5).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace tenfold::poyo_decode {

enum TokenType : int64_t { kSpike = 0, kStart = 1, kEnd = 2 };

struct TokenBatch {
  // Distinct (unit, type) pairs of the batch: tokens that share one share its embedding, norm, key
  // and value (specification, section 9).
  std::vector<int64_t> pair_unit, pair_type;  // [pairs]; rows of the unit and the type table

  // Input tokens; those of window b are token_begin[b] .. token_begin[b] + token_count[b] - 1.
  std::vector<int64_t> token_begin, token_count;  // [windows]
  std::vector<int32_t> token_pair;                // [tokens]
  std::vector<double> token_time;                 // [tokens] seconds from the window's start

  // Queries likewise.
  std::vector<int64_t> query_begin, query_count;  // [windows]
  std::vector<double> query_time;                 // [queries] seconds from the window's start
  bool float32_query_times = false;               // the reference's parity files

  std::vector<int64_t> sessions;       // [distinct sessions] rows of the session table
  std::vector<int32_t> query_session;  // [queries] index into `sessions`

  at::Tensor target;  // [queries, 2] normalised velocity
  at::Tensor weight;  // [queries]; 0: not scored

  int64_t windows() const { return static_cast<int64_t>(token_begin.size()); }
  int64_t tokens() const { return static_cast<int64_t>(token_pair.size()); }
  int64_t queries() const { return static_cast<int64_t>(query_time.size()); }
};

}  // namespace tenfold::poyo_decode
