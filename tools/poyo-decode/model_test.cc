// What the ablations of section 6 of the specification take away from the model.
#include "tools/poyo-decode/model.h"

#include <ATen/core/grad_mode.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "tools/poyo-decode/rotary.h"

namespace tenfold::poyo_decode {
namespace {

struct Token {
  int64_t unit, type;
  double time;
};

ModelSpec small_spec() {
  ModelSpec spec;
  spec.dim = 24;
  spec.depth = 1;
  spec.dim_head = 16;
  spec.self_heads = 2;
  spec.latents_per_step = 2;
  return spec;
}

// One window of a session with one query.
std::vector<float> decoded(const ModelSpec& spec, const std::vector<Token>& tokens,
                           double query = 0.7) {
  const at::NoGradGuard guard;
  const Model model(spec, 4, 1, 11);
  // Embeddings as they begin are nearly the same for all units.
  for (const train::Parameter& p : model.parameters().all())
    if (p.name.find("_emb.") != std::string::npos) p.value.detach().mul_(30);
  TokenBatch batch;
  batch.token_begin = batch.query_begin = {0};
  batch.token_count = {int64_t(tokens.size())};
  for (const Token& t : tokens) {
    batch.token_pair.push_back(int32_t(batch.pair_unit.size()));
    batch.pair_unit.push_back(t.unit);
    batch.pair_type.push_back(t.type);
    batch.token_time.push_back(t.time);
  }
  batch.query_count = {1};
  batch.query_time = {query};
  batch.query_session = {0};
  batch.sessions = {1};
  const at::Tensor out = model.forward(batch, std::nullopt).contiguous();
  return {out.data_ptr<float>(), out.data_ptr<float>() + 2};
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1]);
}

const std::vector<Token> kEarly = {{1, kSpike, 0.1}, {2, kSpike, 0.3}, {3, kSpike, 0.35}},
                         kLate = {{1, kSpike, 0.6}, {2, kSpike, 0.4}, {3, kSpike, 0.91}};

}  // namespace

TEST_CASE("without a time embedding it does not matter when a spike came or what time is asked") {
  ModelSpec spec = small_spec();
  CHECK(distance(decoded(spec, kEarly), decoded(spec, kLate)) > 1e-3);
  spec.time_embedding = false;
  CHECK(distance(decoded(spec, kEarly), decoded(spec, kLate)) < 1e-6);
  CHECK(distance(decoded(spec, kEarly, 0.7), decoded(spec, kEarly, 0.2)) < 1e-6);
}

TEST_CASE("without turned values the model differs, and still sees times") {
  ModelSpec spec = small_spec();
  const std::vector<float> before = decoded(spec, kEarly);
  spec.value_rotation = false;
  CHECK(distance(before, decoded(spec, kEarly)) > 1e-3);
  CHECK(distance(decoded(spec, kEarly), decoded(spec, kLate)) > 1e-4);
}

TEST_CASE("frequencies fill half of a head, all of it, or none") {
  ModelSpec spec;
  spec.dim_head = 32;
  const auto frequencies = [&] {
    const at::Tensor f = rotary_frequencies(spec.dim_head, spec.shortest_period,
                                            spec.longest_period, spec.rotated_pairs());
    return std::vector<float>(f.data_ptr<float>(), f.data_ptr<float>() + f.numel());
  };
  const auto check_log_spaced = [&](const std::vector<float>& f, size_t rotated) {
    const double first = 2 * M_PI / spec.shortest_period, last = 2 * M_PI / spec.longest_period;
    REQUIRE(f.size() == 16);
    for (size_t j = 0; j < f.size(); ++j) {
      const double part = double(j) / double(rotated - 1);
      CHECK(f[j] == Approx(j < rotated ? first * std::pow(last / first, part) : 0).epsilon(1e-5));
    }
  };
  check_log_spaced(frequencies(), 8);
  spec.rotate = "full-head";
  check_log_spaced(frequencies(), 16);
  spec.time_embedding = false;
  CHECK(frequencies() == std::vector<float>(16, 0.0f));
}

}  // namespace tenfold::poyo_decode
