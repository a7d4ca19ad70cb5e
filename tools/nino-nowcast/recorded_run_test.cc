// Recorded runs (`loop`) and models with their sample in one file (`*_random`), where the fixtures
// have them (specification, section 5.4).
#include <ATen/TensorOperators.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/testing/skip.h"
#include "tools/nino-nowcast/ensemble.h"
#include "tools/nino-nowcast/fixtures_for_test.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/meta_model.h"
#include "tools/nino-nowcast/nowcaster.h"
#include "tools/nino-nowcast/schedule.h"

namespace tenfold::nino_nowcast {
namespace {

using nlohmann::json;

struct Pair {
  explicit Pair(const std::string& stem)
      : name(stem),
        file(io::read_safetensors(stem + ".safetensors")),
        fields(json::parse(io::read_text(stem + ".json"))) {}

  at::Tensor floats(const std::string& t) const {
    return data::to_torch_float(file.at(t, name), t);
  }
  at::Tensor integers(const std::string& t) const {
    return data::to_torch(file.at(t, name)).to(at::kLong);
  }

  std::string name;
  io::SafeTensors file;
  json fields;
};

// {heads, key/value heads} may stand beside `params` instead of in `graph_args`.
Architecture architecture_of(const Pair& pair) {
  json root = {{"params", pair.fields.at("params")}};
  root["graph_args"] = pair.fields.value("graph_args", json::object());
  for (const char* heads : {"num_heads", "num_key_value_heads"}) {
    if (pair.fields.contains(heads)) root["graph_args"][heads] = pair.fields[heads];
  }
  return parse_architecture(root.dump(), pair.name);
}

MetaModel model_inside(const Pair& pair) {
  io::SafeTensors weights;
  for (const auto& [tensor, stored] : pair.file.tensors) {
    if (tensor.rfind("w.", 0) == 0) weights.tensors[tensor.substr(2)] = stored;
  }
  return parse_meta_model(io::serialize_safetensors(weights), pair.fields.dump(),
                          pair.name + ".safetensors");
}

NetSpec mlp_of(const Architecture& arch) {
  NetSpec spec;
  spec.image_size = 1;
  spec.channels = arch.params.front().shape.at(1);
  for (const ParamSpec& p : arch.params) {
    if (p.shape.size() == 2) spec.hidden.push_back(p.shape[0]);
  }
  spec.classes = spec.hidden.back();
  spec.hidden.pop_back();
  return spec;
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// A recorded run, and the ensemble of one that repeats it.
class Recorded {
 public:
  explicit Recorded(const std::string& stem)
      : pair_(stem), arch_(architecture_of(pair_)), net_(mlp_of(arch_)) {
    const at::Tensor x = pair_.floats("x");
    data_.train_x = data_.test_x = x.view({x.size(0), x.size(1), 1, 1});
    data_.train_y = data_.test_y = pair_.integers("y");
    const MetaModel model = load_meta_model(meta_model_path(field("meta")));
    NowcastOptions nowcast;
    nowcast.pos = {pair_.floats("pos")};
    nowcaster_ = make_nowcaster(model, arch_, nowcast);
    EnsembleOptions options;
    options.optimizer.lr = field("lr");
    options.optimizer.weight_decay = field("weight_decay");
    options.optimizer.beta1 = field("betas").at(0);
    options.optimizer.beta2 = field("betas").at(1);
    options.optimizer.eps = field("eps");
    options.stop_at_target = false;
    options.given_order = pair_.integers("batches");
    options.batch_size = options.given_order.size(1);
    options.timing = {field("period"), field("ctx"),
                      horizon_schedule(field("max_train_steps"), field("period"), field("p"),
                                       model.config.seq_len),
                      std::nullopt};
    const std::vector<Ensemble::Slot> slots = {{"nino", 0, nowcaster_.get(), pair_.floats("init")}};
    ensemble_ = std::make_unique<Ensemble>(net_, data_, slots, options);
  }

  int64_t steps() const { return int64_t(field("actions").size()); }
  std::string action(int64_t step) const { return field("actions").at(size_t(step)); }
  json loss(int64_t step) const { return field("losses").at(size_t(step)); }

  void advance(int64_t step) { ensemble_->step(step); }
  std::string last_action() const {
    if (member().nowcasts.size() == nowcasts_seen_) return "adam";
    return "nino k=" + std::to_string(member().nowcasts.back().k);
  }
  void mark() { nowcasts_seen_ = member().nowcasts.size(); }
  const Member& member() const { return ensemble_->members().front(); }

  // The stored parameters after `steps` steps, or an undefined tensor.
  at::Tensor stored_after(int64_t steps) const {
    const std::string tensor = "params_after_" + std::to_string(steps);
    return pair_.file.has(tensor) ? pair_.floats(tensor) : at::Tensor();
  }

 private:
  const json& field(const char* name) const { return pair_.fields.at(name); }

  Pair pair_;
  Architecture arch_;
  TargetNet net_;
  ImageData data_;
  std::unique_ptr<Nowcaster> nowcaster_;
  std::unique_ptr<Ensemble> ensemble_;
  size_t nowcasts_seen_ = 0;
};

}  // namespace

TEST_CASE("a recorded run is repeated: actions, losses and parameters") {
  const std::vector<std::string> stems = fixture_stems("loop");
  if (stems.empty()) TENFOLD_SKIP("no loop among the fixtures");
  for (const std::string& stem : stems) {
    Recorded run(stem);
    double tolerance = 1e-5;  // up to and with the first nowcast, which magnifies what went before
    for (int64_t step = 0; step < run.steps(); ++step) {
      INFO(stem << ", step " << step);
      run.mark();
      run.advance(step);
      REQUIRE(run.last_action() == run.action(step));
      if (!run.loss(step).is_null()) {
        const double expected = run.loss(step);
        REQUIRE(std::abs(run.member().last_loss - expected) <= tolerance * (1 + expected));
      }
      const at::Tensor stored = run.stored_after(step + 1);
      if (stored.defined()) REQUIRE(difference(run.member().params, stored) <= tolerance);
      if (run.action(step) != "adam") tolerance = 1e-3;
    }
  }
}

TEST_CASE("a model and its sample in one file agree to 1e-5") {
  const std::vector<std::string> stems = fixture_stems("random");
  if (stems.empty()) TENFOLD_SKIP("no *_random among the fixtures");
  for (const std::string& stem : stems) {
    const Pair pair(stem);
    const Architecture arch = architecture_of(pair);
    if (pair.file.has("pos_w")) {
      const NeuralGraph graph = build_graph(arch, {});
      const std::vector<int32_t>& ours = graph.word_position;
      const at::Tensor expected = pair.integers("pos_w");
      REQUIRE(expected.numel() == int64_t(ours.size()));
      for (size_t i = 0; i < ours.size(); ++i) {
        REQUIRE(expected[int64_t(i)].item<int64_t>() == ours[i]);
      }
    }
    NowcastOptions options;
    if (pair.file.has("pos")) options.pos = {pair.floats("pos")};
    const auto nowcaster = make_nowcaster(model_inside(pair), arch, options);
    int compared = 0;
    for (const auto& [tensor, stored] : pair.file.tensors) {
      if (tensor.rfind("pred.k", 0) != 0) continue;
      const at::Tensor ours =
          nowcaster->predict(pair.floats("states"), std::stoll(tensor.substr(6)));
      INFO(stem << " " << tensor);
      REQUIRE(difference(ours, pair.floats(tensor)) < 1e-5);
      ++compared;
    }
    REQUIRE(compared > 0);
  }
}

}  // namespace tenfold::nino_nowcast
