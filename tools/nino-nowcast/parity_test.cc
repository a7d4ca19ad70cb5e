// Against the official implementation: every sample of the described format (specification,
// section 5.4).

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/testing/skip.h"
#include "tools/nino-nowcast/fixtures_for_test.h"
#include "tools/nino-nowcast/meta_loss.h"
#include "tools/nino-nowcast/nino_net.h"
#include "tools/nino-nowcast/nowcaster.h"
#include "tools/nino-nowcast/scaling.h"

namespace tenfold::nino_nowcast {
namespace {

struct Sample {
  explicit Sample(const std::string& stem)
      : name(stem),
        arch(read_architecture(stem + ".json")),
        file(io::read_safetensors(stem + ".safetensors")),
        json(nlohmann::json::parse(io::read_text(stem + ".json"))) {}

  bool has(const std::string& tensor) const { return file.has(tensor); }
  at::Tensor get(const std::string& tensor) const {
    return data::to_torch_float(file.at(tensor, name), tensor);
  }

  std::string name;
  Architecture arch;
  io::SafeTensors file;
  nlohmann::json json;
};

std::vector<Sample> samples(const std::vector<std::string>& families) {
  std::vector<Sample> out;
  for (const std::string& family : families) {
    // Meta-models end in _mlp too; a sample holds states.
    for (const std::string& stem : fixture_stems(family)) {
      if (io::read_safetensors(stem + ".safetensors").has("states")) out.emplace_back(stem);
    }
  }
  return out;
}

const std::vector<std::string> kFamilies = {"mlp", "cnn", "gpt2", "llama"};

MetaModel meta_model(const std::string& name) { return load_meta_model(meta_model_path(name)); }

at::Tensor scaled_states(const Sample& s) {
  if (s.has("states_scaled")) return s.get("states_scaled");
  at::Tensor x = s.get("states");
  const Scales scales = fit_scales(x.data_ptr<float>(), x.size(1), s.arch.params, {});
  apply_scales(scales, x.data_ptr<float>(), x.size(1), x.data_ptr<float>());
  return x;
}

double largest(const at::Tensor& t) { return t.abs().max().item<double>(); }

}  // namespace

TEST_CASE("predictions of every checkpoint agree with the official ones to 1e-5") {
  if (fixtures_folder().empty()) TENFOLD_SKIP("no fixtures: set TENFOLD_FIXTURES");
  int compared = 0;
  for (const Sample& s : samples(kFamilies)) {
    for (const auto& [tensor, stored] : s.file.tensors) {
      const size_t dot = tensor.rfind(".k");
      if (tensor.rfind("pred.", 0) != 0 || dot == std::string::npos) continue;
      NowcastOptions options;
      options.pos = {s.get("pos")};
      const auto nowcaster = make_nowcaster(meta_model(tensor.substr(5, dot - 5)), s.arch, options);
      const at::Tensor ours =
          nowcaster->predict(s.get("states"), std::stoll(tensor.substr(dot + 2)));
      INFO(s.name << " " << tensor);
      REQUIRE(largest(ours - s.get(tensor)) < 1e-5);
      ++compared;
    }
  }
  REQUIRE(compared > 0);
}

TEST_CASE("the differentiable network gives the official activations and outputs") {
  if (fixtures_folder().empty()) TENFOLD_SKIP("no fixtures: set TENFOLD_FIXTURES");
  for (const Sample& s : samples(kFamilies)) {
    if (!s.has("act.node_proj")) continue;
    const MetaModel model = meta_model("nino_no_posw");
    const NeuralGraph graph = build_graph(s.arch, {});
    const at::Tensor features = edge_features(graph, scaled_states(s));
    const GraphBatch batch = GraphBatch::build({{&graph, features, s.get("pos"), {}}});
    Activations ours;
    const at::Tensor edges = nino_edge_states(model, batch, &ours);
    REQUIRE(ours.size() >= 7);
    // All slots and horizons, index f * K + k - 1; the slots that the graph lacks hold zeros.
    const int64_t slots = model.config.max_feat_size, ctx = model.config.ctx;
    const at::Tensor changes = nino_changes(model, edges, slots, model.config.seq_len);
    at::Tensor all = changes.clone();
    for (int64_t f = 0; f < graph.feature_size; ++f) {
      all.select(1, f).add_(features.select(1, f * ctx + ctx - 1).unsqueeze(1));
    }
    ours["act.edge_out"] = changes.view({graph.num_edges(), -1});
    ours["out_all_k"] = all.view({graph.num_edges(), -1});
    for (const auto& [name, value] : ours) {
      if (!s.has(name)) continue;
      const at::Tensor reference = s.get(name);
      INFO(s.name << " " << name);
      REQUIRE(largest(value - reference) < 1e-5 * std::max(1.0, largest(reference)));
    }
  }
}

TEST_CASE("meta-training loss agrees to 1e-5 and gradient norms to 1e-3, relative") {
  if (fixtures_folder().empty()) TENFOLD_SKIP("no fixtures: set TENFOLD_FIXTURES");
  int compared = 0;
  for (const Sample& s : samples(kFamilies)) {
    if (!s.has("future") || !s.json.contains("train_loss_l1")) continue;
    MetaModel model = meta_model("nino_no_posw");
    for (auto& [name, w] : model.weights) w.requires_grad_();
    TrajectoryTask task;
    task.arch = s.arch;
    task.graph = build_graph(s.arch, {});
    std::vector<int64_t> index, param;
    for (size_t i = 0; i < task.graph.slots.size(); ++i) {
      if (task.graph.slots[i] < 0) continue;
      index.push_back(int64_t(i));
      param.push_back(task.graph.slots[i]);
    }
    task.slot_index = at::tensor(index);
    task.slot_param = at::tensor(param);
    MetaSample sample;
    sample.task = &task;
    sample.pos = s.get("pos");
    sample.scaled = s.get("states");
    sample.targets = s.get("future");
    ScaleOptions scale;
    scale.global = scales_globally_in_training(s.arch.params);
    const int64_t ctx = sample.scaled.size(1);
    const Scales scales = fit_scales(sample.scaled.data_ptr<float>(), ctx, s.arch.params, scale);
    for (at::Tensor* t : {&sample.scaled, &sample.targets}) {
      apply_scales(scales, t->data_ptr<float>(), t->size(1), t->data_ptr<float>());
    }
    const MetaLoss loss = meta_loss(model, {sample}, false);
    const at::Tensor mean = loss.sum / double(loss.count);
    mean.backward();
    INFO(s.name);
    REQUIRE(loss.count == s.json["train_mask_count"].get<int64_t>());
    REQUIRE(mean.item<double>() == Approx(s.json["train_loss_l1"].get<double>()).epsilon(1e-5));
    for (const auto& [name, w] : model.weights) {
      INFO(name);
      if (!s.json["grad_l2"].contains(name)) {
        REQUIRE_FALSE(w.grad().defined());
        continue;
      }
      REQUIRE(w.grad().norm().item<double>() ==
              Approx(s.json["grad_l2"][name].get<double>()).epsilon(1e-3));
    }
    ++compared;
  }
  REQUIRE(compared > 0);
}

TEST_CASE(
    "edge sampling of all edges and small chunks change nothing; few edges change something") {
  if (fixtures_folder().empty()) TENFOLD_SKIP("no fixtures: set TENFOLD_FIXTURES");
  for (const Sample& s : samples({"cnn"})) {
    NowcastOptions options;
    options.pos = {s.get("pos")};
    const MetaModel model = meta_model("nino_no_posw");
    const at::Tensor whole = make_nowcaster(model, s.arch, options)->predict(s.get("states"), 26);
    options.chunk_size = 7;
    REQUIRE(largest(make_nowcaster(model, s.arch, options)->predict(s.get("states"), 26) - whole) <
            1e-5);
    options.edge_sample_ratio = 0.1;
    const at::Tensor sampled = make_nowcaster(model, s.arch, options)->predict(s.get("states"), 26);
    REQUIRE(std::isfinite(largest(sampled)));
    REQUIRE(largest(sampled - whole) > 1e-6);
    const auto sampling = make_nowcaster(model, s.arch, options);
    REQUIRE(largest(sampling->predict(s.get("states"), 26, 0) - sampled) == 0);
    REQUIRE(largest(sampling->predict(s.get("states"), 26, 1) - sampled) > 0);
  }
}

}  // namespace tenfold::nino_nowcast
