// Causality, counts, initial values.

#include "tools/prequential-icl/learner.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "tools/prequential-icl/objective.h"

namespace tenfold::prequential_icl {
namespace {

ModelSpec spec_of(const std::string& arch, int64_t x_dim, int64_t y_dim, bool small) {
  ModelSpec s;
  s.arch = arch;
  s.x_dim = s.query_dim = x_dim;
  s.y_dim = y_dim;
  if (!small) return s;
  s.h_dim = s.pred_h_dim = 64;
  s.n_layers = 2;
  s.z_dim = 32;
  return s;
}

at::Tensor draw(const std::vector<int64_t>& shape, uint64_t seed) {
  at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  Stream(seed, "learner_test").fill_normal(t.data_ptr<float>(), t.numel(), 0, 1);
  return t;
}

Batch batch_of(const at::Tensor& points, int64_t x_dim) {
  Batch b;
  b.points = points;
  b.x = points.narrow(2, 0, x_dim);
  b.y = points.narrow(2, x_dim, points.size(2) - x_dim);
  return b;
}

const DataShape kShape{DataKind::kRegression, {0, 0, 0}, {0}};

at::Tensor predictions(const Learner& learner, const at::Tensor& points) {
  const at::NoGradGuard guard;
  const Contexts contexts = contexts_of(learner.spec(), kShape.kind, 1, points.size(1));
  return context_losses(learner, kShape, batch_of(points, 3), contexts, {true, false, false}, {})
      .next_prediction;
}

}  // namespace

TEST_CASE("changing y_k changes no prediction for contexts below k, bit for bit") {
  for (const char* arch : {"transformer", "two-stream", "interleaved", "mamba1", "mamba2"}) {
    INFO(arch);
    const Learner learner(spec_of(arch, 3, 1, true), 5, at::kCPU);
    const at::Tensor points = draw({2, 40, 4}, 1);
    const at::Tensor before = predictions(learner, points);
    const int64_t first = contexts_of(learner.spec(), kShape.kind, 1, 40).first;
    for (const int64_t k : {1, 7, 20, 39}) {  // the k-th point, counted from 1
      at::Tensor moved = points.clone();
      moved.select(1, k - 1).select(1, 3).add_(3);
      const at::Tensor after = predictions(learner, moved);
      // Row c - first is context c, which holds the points 1..c.
      for (int64_t c = first; c < 40; ++c) {
        const bool same = before.select(1, c - first).equal(after.select(1, c - first));
        INFO("y_" << k << ", context " << c);
        CHECK(same == (c < k));
      }
    }
  }
}

TEST_CASE("a prediction asks with the next x and with no later one") {
  for (const char* arch : {"transformer", "two-stream", "interleaved", "mamba1", "mamba2"}) {
    INFO(arch);
    const Learner learner(spec_of(arch, 3, 1, true), 5, at::kCPU);
    const at::Tensor points = draw({1, 12, 4}, 2);
    const at::Tensor before = predictions(learner, points);
    const int64_t first = contexts_of(learner.spec(), kShape.kind, 1, 12).first;
    at::Tensor moved = points.clone();
    moved.select(1, 6).narrow(1, 0, 3).add_(1);  // x_7, the query of context 6
    const at::Tensor after = predictions(learner, moved);
    for (int64_t c = first; c < 12; ++c)
      CHECK(before.select(1, c - first).equal(after.select(1, c - first)) == (c < 6));
  }
}

TEST_CASE("numbers of parameters are the reference's") {
  struct Row {
    int64_t x, y, aggregator, head, two_stream, interleaved, mamba1, mamba2;
  };
  for (const Row& r : {Row{3, 1, 2142848, 99841, 5274369, 2110209, 4099712, 4007968},
                       Row{1, 1, 2142336, 99329, 5273345, 2109697, 4099200, 4007456},
                       Row{48, 18, 2158720, 115730, 5306130, 2130450, 4115584, 4023840}}) {
    const auto count = [&](const char* arch, const char* prefix) {
      return Learner(spec_of(arch, r.x, r.y, false), 0, at::kCPU).parameters().count(prefix);
    };
    CHECK(count("transformer", "agg.") == r.aggregator);
    CHECK(count("transformer", "pred.") == r.head);
    CHECK(count("two-stream", "") == r.two_stream);
    CHECK(count("interleaved", "") == r.interleaved);
    CHECK(count("mamba1", "agg.") == r.mamba1);
    CHECK(count("mamba2", "agg.") == r.mamba2);
  }
  const Learner two(spec_of("two-stream", 3, 1, false), 0, at::kCPU);
  CHECK(two.parameters().count_unused() == 1054720 + 527104);
  const Learner small(spec_of("transformer", 16, 10, true), 0, at::kCPU);
  CHECK(small.parameters().count("agg.") == 70816);
  CHECK(small.parameters().count("pred.") == 7946);
}

TEST_CASE("initial values have the reference's laws") {
  const Learner learner(spec_of("mamba2", 3, 1, false), 1, at::kCPU);
  for (const train::Parameter& p : learner.parameters().all()) {
    const bool bias = p.name.size() > 7 && p.name.substr(p.name.size() - 7) == "dt_bias";
    if (bias) {
      const at::Tensor dt = p.value.detach().exp().log1p();  // softplus
      CHECK(dt.min().item<double>() >= 1e-3 * 0.999);
      CHECK(dt.max().item<double>() <= 1e-1 * 1.001);
    }
  }
  const Learner transformer(spec_of("transformer", 3, 1, false), 1, at::kCPU);
  for (const train::Parameter& p : transformer.parameters().all()) {
    const double most = p.value.detach().abs().max().item<double>();
    INFO(p.name);
    if (p.name == "agg.x0_embedding") CHECK(most == 0);
    if (p.name == "agg.context_encoder.layers.0.self_attn.in_proj_weight") {
      const double bound = std::sqrt(6.0 / (256 + 768));
      CHECK(most <= bound);
      CHECK(most > 0.999 * bound);
      CHECK(p.value.detach().std().item<double>() == Approx(bound / std::sqrt(3.0)).epsilon(0.01));
    }
    if (p.name == "agg.context_encoder.layers.0.self_attn.in_proj_bias") CHECK(most == 0);
    if (p.name == "agg.context_encoder.layers.0.linear1.bias") {
      CHECK(most <= 1.0 / 16);
      CHECK(most > 0.97 / 16);
    }
  }
}

TEST_CASE("parameters lie in one vector, with gradients in another") {
  const Learner learner(spec_of("transformer", 3, 1, true), 1, at::kCPU);
  const train::Parameters& p = learner.parameters();
  CHECK(p.values().numel() == p.count());
  p.values().fill_(0.5);
  for (const train::Parameter& one : p.all()) CHECK(one.value.detach().min().item<float>() == 0.5f);
  p.gradient().fill_(2);
  for (const train::Parameter& one : p.all()) CHECK(one.value.grad().max().item<float>() == 2.0f);
}

TEST_CASE("parts that do not fit are refused by the option's name") {
  const auto message = [](ModelSpec s) -> std::string {
    try {
      check_spec(s);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "";
  };
  ModelSpec s = spec_of("transformer", 3, 1, true);
  s.n_heads = 5;
  CHECK(message(s) == "--n-heads: found 5, expected a divisor of --h-dim 64");
  s = spec_of("mamba2", 3, 1, true);
  s.h_dim = 48;
  CHECK(message(s).find("--mamba-head-dim") == 0);
  s = spec_of("transformer", 3, 1, true);
  s.predictor = "linear";
  CHECK(message(s) == "--z-dim: found 32, expected 4 (--predictor linear)");
  s.z_dim = 4;
  CHECK(message(s).empty());
  s.predictor = "polynomial";
  CHECK(message(s).find("--predictor polynomial") == 0);
}

TEST_CASE("heads that are functions of z give those functions") {
  ModelSpec s = spec_of("transformer", 2, 1, true);
  s.predictor = "linear";
  s.z_dim = 3;
  const Learner linear(s, 0, at::kCPU);
  const at::Tensor x = draw({1, 5, 2}, 3), z = draw({1, 5, 3}, 4);
  const at::Tensor expected = (x * z.narrow(2, 0, 2)).sum(2, true) + z.narrow(2, 2, 1);
  CHECK(at::allclose(linear.predict(x, z), expected, 1e-5, 1e-6));

  s.predictor = "mlp-hyper";
  s.pred_h_dim = 3;
  s.pred_layers = 3;
  s.z_dim = required_z_dim(s);
  CHECK(s.z_dim == 3 * 3 + 4 * 3 + 4);
  const Learner hyper(s, 0, at::kCPU);
  const at::Tensor w = draw({1, 1, s.z_dim}, 5), flat = w.flatten();
  const at::Tensor one = x.narrow(1, 0, 1).reshape({1, 2});
  const auto part = [&](int64_t first, int64_t rows, int64_t columns) {
    return flat.narrow(0, first, rows * columns).view({rows, columns});
  };
  at::Tensor h = (one.matmul(part(0, 2, 3)) + part(6, 1, 3)).clamp_min(0);
  h = (h.matmul(part(9, 3, 3)) + part(18, 1, 3)).clamp_min(0);
  const at::Tensor y = h.matmul(part(21, 3, 1)) + part(24, 1, 1);
  CHECK(at::allclose(hyper.predict(x.narrow(1, 0, 1), w).flatten(), y.flatten(), 1e-5, 1e-6));

  const at::Tensor t = draw({7, 1}, 6).clamp(-1, 1), c = draw({7, 4}, 7);
  const at::Tensor angle = t.acos();
  at::Tensor sum = c.narrow(1, 0, 1).clone();
  for (int64_t i = 1; i < 4; ++i) sum += c.narrow(1, i, 1) * (angle * double(i)).cos();
  CHECK(at::allclose(chebyshev_sum(t, c), sum, 1e-4, 1e-5));
}

}  // namespace tenfold::prequential_icl
