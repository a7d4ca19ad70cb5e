// Our models against the outputs of the official modules: every .npz of the fixtures' format.

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/npy.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"
#include "tools/prequential-icl/fastfood.h"
#include "tools/prequential-icl/learner.h"
#include "tools/prequential-icl/mamba.h"
#include "tools/prequential-icl/objective.h"

namespace tenfold::prequential_icl {
namespace {

constexpr double kOutput = 2e-5, kGradient = 1e-4, kMixer = 1e-6;
constexpr int64_t kHeads = 4;

std::string folder() {
  return testing::fixtures_folder("prequential-icl", ".npz", "tools/prequential-icl/model_spec.h");
}

bool begins_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

class Fixture {
 public:
  explicit Fixture(const std::string& path) : arrays_(io::read_npz(path)), path_(path) {}

  at::Tensor operator[](const std::string& name) const {
    const auto found = arrays_.find(name);
    if (found == arrays_.end()) throw DataError(path_ + ": no array " + name);
    return data::to_torch(found->second);
  }
  bool has(const std::string& name) const { return arrays_.count(name) != 0; }
  int64_t layers(const std::string& before, const std::string& after) const {
    int64_t n = 0;
    while (has(before + std::to_string(n) + after)) ++n;
    return n;
  }
  std::vector<std::string> names(const std::string& prefix) const {
    std::vector<std::string> out;
    for (const auto& entry : arrays_)
      if (begins_with(entry.first, prefix)) out.push_back(entry.first);
    return out;
  }

 private:
  std::map<std::string, io::Tensor> arrays_;
  std::string path_;
};

void check_close(const std::string& what, const at::Tensor& found, const at::Tensor& expected,
                 double tolerance) {
  INFO(what);
  REQUIRE(found.sizes() == expected.sizes());
  CHECK((found.detach().to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>() <=
        tolerance);
}

using Rename = std::function<std::string(const std::string&)>;

// Every parameter of ours gets the array that `rename` gives its name.
void load(const train::Parameters& parameters, const Fixture& f, const Rename& rename) {
  const at::NoGradGuard guard;
  for (const train::Parameter& p : parameters.all()) {
    const at::Tensor values = f[rename(p.name)];
    REQUIRE(p.value.numel() == values.numel());
    p.value.detach().copy_(values.view(p.value.sizes()));
  }
}

std::string same(const std::string& name) { return name; }

// Samples first, as in the files, to tasks first, as everywhere here.
at::Tensor swap(const at::Tensor& t) { return t.transpose(0, 1).contiguous(); }

Batch batch_of(const at::Tensor& x, const at::Tensor& y) {
  Batch batch;
  batch.points = at::cat({x, y}, 2);
  batch.x = batch.points.narrow(2, 0, x.size(2));
  batch.y = batch.points.narrow(2, x.size(2), y.size(2));
  return batch;
}

ModelSpec bottleneck_spec(const Fixture& f, int64_t x_dim, int64_t y_dim) {
  ModelSpec s;
  s.x_dim = s.query_dim = x_dim;
  s.y_dim = y_dim;
  s.h_dim = f["agg.x_embedding.weight"].size(0);
  s.n_heads = kHeads;
  s.n_layers = f.layers("agg.context_encoder.layers.", ".linear1.bias");
  s.z_dim = f["agg.projection.weight"].size(0);
  s.pred_h_dim = f["pred.predictor.0.weight"].size(0);
  return s;
}

// The gradient of our parameter that the file calls `name`.
at::Tensor gradient_of(const Learner& learner, const std::string& name) {
  const std::string ours = begins_with(name, "P.") ? "pred." + name.substr(2) : "agg." + name;
  for (const train::Parameter& p : learner.parameters().all())
    if (p.name == ours) return p.value.grad();
  FAIL("no parameter " << ours);
  return {};
}

void check_bottleneck_regression(const Fixture& f) {
  const at::Tensor x = swap(f["x"]), y = swap(f["y"]);
  const ModelSpec spec = bottleneck_spec(f, x.size(2), y.size(2));
  const Learner learner(spec, 0, at::kCPU);
  load(learner.parameters(), f, same);
  const Batch batch = batch_of(x, y);
  check_close("z", swap(learner.summaries(batch.points)), f["z"], kOutput);

  DataShape shape;
  shape.x_vals.assign(size_t(x.size(2)), 0);
  shape.y_vals.assign(size_t(y.size(2)), 0);
  const Contexts contexts = contexts_of(spec, shape.kind, 1, x.size(1));
  const at::Tensor index = f["train_index"];
  const std::vector<int64_t> seen(index.data_ptr<int64_t>(),
                                  index.data_ptr<int64_t>() + index.numel());
  const ContextLosses losses =
      context_losses(learner, shape, batch, contexts, {true, true, false}, seen);
  check_close("pred_next", swap(losses.next_prediction), f["pred_next"], kOutput);
  check_close("loss_next", swap(losses.next), f["loss_next"], kOutput);
  check_close("loss_train", swap(losses.train), f["loss_train"], kOutput);
  const at::Tensor z = learner.summaries(batch.points).narrow(1, 1, contexts.count());
  check_close("pred_train", swap(learner.predict(x.index_select(1, index), z)), f["pred_train"],
              kOutput);
  const at::Tensor loss = losses.next.mean();
  check_close("loss_mean", loss, f["loss_mean"], kOutput);
  torch::autograd::backward({loss}, {});
  for (const std::string& name : f.names("grad."))
    check_close(name, gradient_of(learner, name.substr(5)), f[name], kGradient);
}

// Tasks come first in this file; symbols become one-hot vectors.
void check_bottleneck_mastermind(const Fixture& f) {
  const at::Tensor guess = f["guess"], y = f["y"];
  const int64_t positions = guess.size(2), classes = positions + 1,
                x_dim = f["agg.x_embedding.weight"].size(1) - 2 * classes,
                colours = x_dim / positions;
  const auto expand = [](const at::Tensor& t, int64_t n) {
    return at::one_hot(t, n).flatten(2).to(at::kFloat);
  };
  const ModelSpec spec = bottleneck_spec(f, x_dim, 2 * classes);
  const Learner learner(spec, 0, at::kCPU);
  load(learner.parameters(), f, same);
  Batch batch = batch_of(expand(guess, colours), expand(y, classes));
  batch.labels = y;
  DataShape shape{
      DataKind::kLabels, std::vector<int64_t>(size_t(positions), colours), {classes, classes}};
  const Contexts contexts = contexts_of(spec, shape.kind, 1, guess.size(1));
  const ContextLosses losses =
      context_losses(learner, shape, batch, contexts, {true, false, false}, {});
  check_close("logits_next", swap(losses.next_prediction), f["logits_next"], kOutput);
  check_close("loss_next", swap(losses.next), f["loss_next"], kOutput);
}

void check_no_bottleneck(const Fixture& f, const std::string& arch) {
  const at::Tensor x = swap(f["x"]), y = swap(f["y"]);
  ModelSpec s;
  s.arch = arch;
  s.x_dim = s.query_dim = x.size(2);
  s.y_dim = y.size(2);
  s.h_dim = f["m.x_embedding.weight"].size(0);
  s.n_heads = kHeads;
  s.n_layers = std::max(f.layers("m.decoder.layers.", ".linear1.bias"),
                        f.layers("m.encoder.layers.", ".linear1.bias"));
  const Learner learner(s, 0, at::kCPU);
  load(learner.parameters(), f, same);
  const Batch batch = batch_of(x, y);
  const at::Tensor points = batch.points.narrow(1, 0, x.size(1) - 1);
  check_close("pred", swap(learner.predict_all(points, batch.x)), f["pred"], kOutput);
  if (f.has("m.position_encoding.pe")) {
    const at::Tensor table = f["m.position_encoding.pe"].squeeze(1);
    check_close("pe", position_encoding(table.size(0), table.size(1)), table, 1e-6);
  }
}

void check_mamba(const Fixture& f, const std::string& arch) {
  const at::Tensor xy = f["xy"];
  ModelSpec s;
  s.arch = arch;
  s.x_dim = xy.size(2) - 1;
  s.y_dim = 1;
  s.h_dim = f["emb.weight"].size(0);
  s.z_dim = f["proj.weight"].size(0);
  s.n_layers = f.layers("layers.", ".norm.weight");
  if (arch == "mamba2") s.mamba_head_dim = 2 * s.h_dim / f["layers.0.mixer.A_log"].size(0);
  const Rename to_file = [](std::string name) {
    name = name.substr(name.find('.') + 1);
    if (name == "x0_embedding") return std::string("x0");
    if (begins_with(name, "x_embedding")) return "emb" + name.substr(11);
    if (begins_with(name, "projection")) return "proj" + name.substr(10);
    return name;
  };
  train::Parameters parameters(0);
  const TokenEmbedding embed(s, "agg.", parameters);
  std::vector<MambaBlock> blocks;
  for (int64_t i = 0; i < s.n_layers; ++i)
    blocks.emplace_back(parameters, "agg.layers." + std::to_string(i) + ".", s);
  load(parameters, f, to_file);
  check_close("mixer0_out", blocks[0].mixer()(f["mixer0_in"]), f["mixer0_out"], kMixer);
  MambaBlock::State state{embed(xy), {}};
  for (const MambaBlock& block : blocks) state = block(state);
  check_close("h_last", state.hidden, f["h_last"], kOutput);
  check_close("residual_last", state.residual, f["residual_last"], kOutput);

  train::Parameters whole(0);
  const auto aggregator = make_aggregator(s, "agg.", whole);
  const train::Linear projection(whole, "agg.projection", s.h_dim, s.z_dim);
  load(whole, f, to_file);
  check_close("z", projection(aggregator->encode(xy)), f["z"], kOutput);
}

void check_gated_mlp(const Fixture& f) {
  train::Parameters parameters(0);
  const GatedMlp mlp(parameters, "m.", f["x"].size(1));
  load(parameters, f, same);
  check_close("y", mlp(f["x"]), f["y"], kOutput);
}

void check_fastfood(const Fixture& f) {
  const at::Tensor expected = f["delta"];
  const std::vector<int64_t> shape(expected.sizes().begin() + 1, expected.sizes().end());
  const FastFood fastfood(shape, f["fastfood_BB"], f["fastfood_Pi"], f["fastfood_GG"]);
  check_close("delta", fastfood(f["z"]), expected, kOutput);
}

// The base network with given projections: the head draws its own, so it is composed here.
void check_lowrank(const Fixture& f) {
  const at::Tensor x = f["x"].flatten(0, 1), z = f["z"].flatten(0, 1);
  at::Tensor h = x.unsqueeze(2);
  const int64_t layers = f.layers("m.params_0.", ".weight");
  for (int64_t i = 0; i < layers; ++i) {
    const auto moved = [&](const std::string& part, int64_t k) {
      const at::Tensor base = f["m.params_0." + std::to_string(i) + part];
      const std::string ff = "m.ff_upsample." + std::to_string(2 * i + k) + ".fastfood_";
      return base + FastFood(base.sizes().vec(), f[ff + "BB"], f[ff + "Pi"], f[ff + "GG"])(z);
    };
    h = moved(".weight", 0).matmul(h) + moved(".bias", 1).unsqueeze(2);
    if (i + 1 < layers) h = h.clamp_min(0);
  }
  check_close("y", h.squeeze(2), f["y"].flatten(0, 1), kOutput);
}

const std::map<std::string, std::function<void(const Fixture&)>> kChecks = {
    {"bottleneck_regression", check_bottleneck_regression},
    {"bottleneck_mastermind", check_bottleneck_mastermind},
    {"nobottleneck_two_stream", [](const Fixture& f) { check_no_bottleneck(f, "two-stream"); }},
    {"nobottleneck_interleaved", [](const Fixture& f) { check_no_bottleneck(f, "interleaved"); }},
    {"mamba1_aggregator", [](const Fixture& f) { check_mamba(f, "mamba1"); }},
    {"mamba2_aggregator", [](const Fixture& f) { check_mamba(f, "mamba2"); }},
    {"gated_mlp", check_gated_mlp},
    {"fastfood", check_fastfood},
    {"lowrank_predictor", check_lowrank}};

}  // namespace

TEST_CASE("our models give what the official modules give") {
  const std::string where = folder();
  if (where.empty()) TENFOLD_SKIP("no fixtures: set TENFOLD_FIXTURES");
  int64_t checked = 0;
  for (const std::string& file : io::list_folder(where)) {
    if (file.size() < 4 || file.substr(file.size() - 4) != ".npz") continue;
    const std::string stem = file.substr(0, file.size() - 4);
    INFO(file);
    const auto check = kChecks.find(stem);
    if (check == kChecks.end()) {
      testing::print_skip(file + ": no check goes by this name");
      continue;
    }
    check->second(Fixture(where + "/" + file));
    ++checked;
  }
  CHECK(checked > 0);
}

}  // namespace tenfold::prequential_icl
