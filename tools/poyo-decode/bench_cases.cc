#include "tools/poyo-decode/bench_cases.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/core/philox.h"

namespace tenfold::poyo_decode {

std::string BenchCase::name() const { return fmt::format("{}/{}/{}", model, spikes, sessions); }

BenchCase bench_case(const std::string& model) {
  BenchCase c;
  c.model = model;
  if (model == "1.3m") {
    c.reference_forward_s = 0.693;
    c.reference_step_s = 1.818;
  } else {
    c.spec.depth = 2;
    c.spec.dim_head = 32;
    c.spec.self_heads = 4;
    c.spec.latents_per_step = 8;
    c.reference_forward_s = 0.083;
    c.reference_step_s = 0.228;
  }
  return c;
}

TokenBatch bench_batch(const BenchCase& c, uint64_t seed) {
  const Stream draws(seed, "bench/" + c.name());
  TokenBatch b;
  uint64_t next = 0;
  const int64_t shown = std::min(c.sessions, c.windows);
  for (int64_t s = 0; s < shown; ++s) {
    b.sessions.push_back(s + 1);
    for (int64_t u = 0; u < c.units; ++u) {
      for (const int64_t type : {kSpike, kStart, kEnd}) {
        b.pair_unit.push_back(s * c.units + u + 1);
        b.pair_type.push_back(type);
      }
    }
  }
  const auto add = [&](int64_t session, int64_t unit, int64_t type, double time) {
    b.token_pair.push_back(int32_t((session * c.units + unit) * 3 + type));
    b.token_time.push_back(time);
  };
  for (int64_t w = 0; w < c.windows; ++w) {
    const int64_t session = w % shown;
    b.token_begin.push_back(b.tokens());
    b.token_count.push_back(c.tokens());
    std::vector<double> times;
    for (int64_t i = 0; i < c.spikes; ++i) times.push_back(c.spec.window * draws.uniform(next++));
    std::sort(times.begin(), times.end());
    for (double time : times)
      add(session, int64_t(draws.below(next++, uint64_t(c.units))), kSpike, time);
    for (int64_t u = 0; u < c.units; ++u) {
      add(session, u, kStart, 0);
      add(session, u, kEnd, c.spec.window);
    }
    b.query_begin.push_back(b.queries());
    b.query_count.push_back(c.queries);
    for (int64_t q = 0; q < c.queries; ++q) {
      b.query_time.push_back(c.spec.window * double(q) / double(c.queries));
      b.query_session.push_back(int32_t(session));
    }
  }
  b.target = at::empty({b.queries(), 2}, at::TensorOptions().dtype(at::kFloat));
  draws.fill_normal(b.target.data_ptr<float>(), b.target.numel(), 0, 0.5);
  b.weight = at::ones({b.queries()}, at::TensorOptions().dtype(at::kFloat));
  return b;
}

double forward_flops(const BenchCase& c) {
  const ModelSpec& s = c.spec;
  const double d = double(s.dim), cross = double(s.cross_heads * s.dim_head),
               own = double(s.self_heads * s.dim_head), windows = double(c.windows),
               latents = double(s.latents()), queries = double(c.queries),
               shown = double(std::min(c.sessions, c.windows));
  const auto linear = [](double rows, double in, double out) { return 2 * rows * in * out; };
  const auto feed_forward = [&](double rows) {
    return linear(rows, d, 8 * d) + linear(rows, 4 * d, d);
  };
  const auto attention = [&](double from, double to, double wide) {
    return 4 * windows * from * to * wide;
  };
  const double rows = windows * latents, asked = windows * queries;
  double sum = linear(double(s.latents_per_step), d, cross) +
               linear(3 * shown * double(c.units), d, 2 * cross) +
               attention(latents, double(c.tokens()), cross) + linear(rows, cross, d) +
               feed_forward(rows);
  sum += double(s.depth) * (linear(rows, d, 3 * own) + attention(latents, latents, own) +
                            linear(rows, own, d) + feed_forward(rows));
  return sum + linear(shown, d, cross) + linear(rows, d, 2 * cross) +
         attention(queries, latents, cross) + linear(asked, cross, d) + feed_forward(asked) +
         linear(asked, d, 2);
}

}  // namespace tenfold::poyo_decode
