// Every file of the fixtures' safetensors format (fixtures/poyo-decode/README.md).
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"
#include "tools/poyo-decode/model.h"
#include "tools/poyo-decode/objective.h"
#include "tools/poyo-decode/rotary.h"
#include "tools/poyo-decode/sparse_lamb.h"

namespace tenfold::poyo_decode {
namespace {

std::vector<std::string> fixture_files() {
  std::vector<std::string> files;
  const std::string folder =
      testing::fixtures_folder("poyo-decode", ".safetensors", "tools/poyo-decode/model_spec.h");
  if (folder.empty()) return files;
  for (const std::string& name : io::list_folder(folder))
    if (name.size() > 12 && name.substr(name.size() - 12) == ".safetensors")
      files.push_back(folder + "/" + name);
  return files;
}

struct Fixture {
  std::string path;
  io::SafeTensors file;
  ModelSpec spec;
  int64_t units = 0, sessions = 0;

  explicit Fixture(const std::string& where) : path(where), file(io::read_safetensors(where)) {
    const auto config = nlohmann::json::parse(file.metadata.at("config"));
    spec.dim = config.at("dim");
    spec.depth = config.at("depth");
    spec.dim_head = config.at("dim_head");
    spec.cross_heads = config.at("cross_heads");
    spec.self_heads = config.at("self_heads");
    spec.latents_per_step = config.at("num_latents_per_step");
    spec.window = config.at("sequence_length");
    spec.latent_step = config.at("latent_step");
    spec.shortest_period = config.value("t_min", spec.shortest_period);
    spec.longest_period = config.value("t_max", spec.longest_period);
    spec.ffn_dropout = spec.lin_dropout = spec.atn_dropout = 0;
    units = int64_t(nlohmann::json::parse(file.metadata.at("units")).size());
    sessions = int64_t(nlohmann::json::parse(file.metadata.at("sessions")).size());
  }
  bool has(const std::string& name) const { return file.tensors.count(name) > 0; }
  at::Tensor at(const std::string& name) const {
    return data::to_torch(file.at(name, path)).contiguous();
  }
};

std::vector<double> doubles(const at::Tensor& t) {
  const at::Tensor d = t.to(at::kDouble).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}

// The padded batch of the file: windows of N tokens, of which the first ones are real.
TokenBatch batch_of(const Fixture& f) {
  TokenBatch b;
  const at::Tensor unit = f.at("in.input_unit_index"), type = f.at("in.input_token_type"),
                   mask = f.at("in.input_mask"), session = f.at("in.session_index");
  const int64_t windows = unit.size(0), tokens = unit.size(1),
                queries = f.at("in.output_timestamps").size(1);
  b.token_time = doubles(f.at("in.input_timestamps"));
  b.query_time = doubles(f.at("in.output_timestamps"));
  b.float32_query_times = true;
  for (int64_t w = 0; w < windows; ++w) {
    b.token_begin.push_back(w * tokens);
    b.token_count.push_back(mask.select(0, w).sum().item<int64_t>());
    b.query_begin.push_back(w * queries);
    b.query_count.push_back(queries);
    b.sessions.push_back(session[w].item<int64_t>());
    for (int64_t i = 0; i < queries; ++i) b.query_session.push_back(int32_t(w));
  }
  for (int64_t i = 0; i < windows * tokens; ++i) {
    b.pair_unit.push_back(unit.data_ptr<int64_t>()[i]);
    b.pair_type.push_back(type.data_ptr<int64_t>()[i]);
    b.token_pair.push_back(int32_t(i));
  }
  b.target = f.at("in.target").view({-1, 2});
  b.weight = (f.at("in.weight") * f.at("in.output_mask").to(at::kFloat)).view({-1});
  return b;
}

// The same batch with one row for each distinct pair, chained without gaps.
TokenBatch chained(const TokenBatch& padded) {
  TokenBatch b = padded;
  b.pair_unit.clear();
  b.pair_type.clear();
  b.token_pair.clear();
  b.token_time.clear();
  for (int64_t w = 0; w < padded.windows(); ++w) {
    b.token_begin[size_t(w)] = b.tokens();
    for (int64_t i = 0; i < padded.token_count[size_t(w)]; ++i) {
      const size_t t = size_t(padded.token_begin[size_t(w)] + i);
      size_t pair = 0;
      while (pair < b.pair_unit.size() &&
             (b.pair_unit[pair] != padded.pair_unit[t] || b.pair_type[pair] != padded.pair_type[t]))
        ++pair;
      if (pair == b.pair_unit.size()) {
        b.pair_unit.push_back(padded.pair_unit[t]);
        b.pair_type.push_back(padded.pair_type[t]);
      }
      b.token_pair.push_back(int32_t(pair));
      b.token_time.push_back(padded.token_time[t]);
    }
  }
  return b;
}

Model loaded(const Fixture& f) {
  Model model(f.spec, f.units, f.sessions, 0);
  const at::NoGradGuard guard;
  for (const train::Parameter& p : model.parameters().all()) p.value.copy_(f.at("w." + p.name));
  model.frequencies().copy_(f.at("w.rotary_emb.omega"));
  return model;
}

double farthest(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

void check_gradients(const Model& model, const Fixture& f) {
  for (const train::Parameter& p : model.parameters().all()) {
    INFO(p.name);
    const at::Tensor expected = f.at("grad." + p.name);
    CHECK(farthest(p.value.grad(), expected) <= 1e-4 * expected.abs().max().item<double>() + 1e-6);
  }
}

void check_file(const Fixture& f, const TokenBatch& batch, bool by_operators = false) {
  const Model model = loaded(f);
  LambOptions options;
  options.weight_decay = 0.01;
  options.by_operators = by_operators;
  SparseLamb optimizer(model.parameters(), options);
  const std::vector<double> losses = doubles(f.at("out.losses"));
  for (size_t k = 0; k < losses.size(); ++k) {
    INFO("after " << k << " steps");
    int64_t blocks = 0;
    const auto compare = [&](const std::string& name, const at::Tensor& output) {
      if (k > 0) return;
      const at::Tensor expected = f.at("mid." + name);
      INFO(name);
      CHECK(farthest(output.detach().view(expected.sizes()), expected) < 1e-5);
      ++blocks;
    };
    const at::Tensor out = model.forward(batch, std::nullopt, compare);
    const at::Tensor loss = weighted_loss(out, batch);
    CHECK(std::abs(loss.item<double>() - losses[k]) < (k == 0 ? 1e-5 : 2e-4));
    model.parameters().gradient().zero_();
    torch::autograd::backward({loss}, {});
    if (k == 0) {
      CHECK(blocks == 4 + 2 * f.spec.depth);
      const at::Tensor valid = f.at("in.output_mask").view({-1, 1}).to(at::kFloat);
      CHECK(farthest(out.detach() * valid, f.at("out.pred").view({-1, 2}) * valid) < 1e-5);
      check_gradients(model, f);
    }
    optimizer.step({0.01, 0.01, 0.9});
    if (k > 0) continue;
    for (const train::Parameter& p : model.parameters().all()) {
      INFO(p.name);
      CHECK(farthest(p.value.detach(), f.at("lamb1." + p.name)) < 1e-6);
    }
  }
}

}  // namespace

TEST_CASE("the model, its gradients and its optimiser are those of the reference") {
  int files = 0;
  for (const std::string& path : fixture_files()) {
    const Fixture f(path);
    if (!f.has("out.losses")) continue;
    INFO(path);
    const TokenBatch padded = batch_of(f);
    check_file(f, padded);
    check_file(f, chained(padded));
    check_file(f, padded, true);
    ++files;
  }
  if (files == 0) testing::print_skip("no safetensors in the fixtures of poyo-decode");
}

TEST_CASE("the angles that a device computes are those of the CPU") {
  const at::Tensor frequencies = rotary_frequencies(64, 1e-4, 4.0, 16);
  std::vector<double> times;
  for (int i = 0; i < 300; ++i) times.push_back(0.0033333 * i);
  for (const AngleType type : {AngleType::kDouble, AngleType::kFloat}) {
    const at::Tensor expected = rotary_turns(times, frequencies, type);
    CHECK(farthest(rotary_turns_by_operators(times, frequencies, type), expected) < 1e-6);
  }
}

TEST_CASE("padded and chained batches give the same outputs") {
  for (const std::string& path : fixture_files()) {
    const Fixture f(path);
    const Model model = loaded(f);
    const TokenBatch padded = batch_of(f);
    CHECK(farthest(model.forward(padded, std::nullopt).detach(),
                   model.forward(chained(padded), std::nullopt).detach()) < 1e-6);
  }
}

TEST_CASE("new frequencies are the reference's") {
  for (const std::string& path : fixture_files()) {
    const Fixture f(path);
    const Model fresh(f.spec, 1, 1, 0);
    const at::Tensor expected = f.at("w.rotary_emb.omega");
    CHECK(((fresh.frequencies() - expected).abs() / expected.clamp_min(1e-9)).max().item<double>() <
          2e-7);
  }
}

}  // namespace tenfold::poyo_decode
