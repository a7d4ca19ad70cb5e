// Our model against the outputs of the authors' released one: every .json of the fixtures' format.

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/io/file.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"
#include "tools/samba-align/ele_to_hemo.h"
#include "tools/samba-align/graph_layer.h"
#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/wavelet_transform.h"

namespace tenfold::samba_align {
namespace {

using Json = nlohmann::json;
using Shape = std::vector<int64_t>;

constexpr double kLayer = 2e-4, kExact = 1e-5, kWhole = 2e-3, kLoss = 1e-4, kGradient = 1e-2;
constexpr double kBiasGradient = 0.02, kLeastGradient = 1e-7;

// Every file of the format, by whether it holds a whole model.
std::vector<Json> files(bool whole) {
  std::vector<Json> found;
  const std::string folder =
      testing::fixtures_folder("samba-align", ".json", "tools/samba-align/model_spec.h");
  if (folder.empty()) {
    testing::print_skip("no fixtures of samba-align (TENFOLD_FIXTURES names their folder)");
    return found;
  }
  for (const std::string& name : io::list_folder(folder)) {
    if (name.size() < 5 || name.substr(name.size() - 5) != ".json") continue;
    Json file = Json::parse(io::read_text(folder + "/" + name));
    const bool has_model = file.contains("x") && file.contains("y") && file.contains("params");
    if (has_model == whole) found.push_back(std::move(file));
  }
  return found;
}

// The fixtures' README: value k of a tensor is a hash of its seed and k.
at::Tensor hash_fill(const Shape& shape, uint64_t seed, double scale) {
  int64_t count = 1;
  for (int64_t n : shape) count *= n;
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t k = 0; k < values.size(); ++k) {
    uint64_t z = seed + (k + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    const double u = double(z >> 40) / double(1 << 24);
    values[k] = float(scale * (2 * u - 1));
  }
  return at::from_blob(values.data(), shape, at::kFloat).clone();
}

at::Tensor filled(const Json& of, const std::string& name) {
  const double scale = of.contains(name + "_scale") ? of[name + "_scale"].get<double>() : 1.0;
  return hash_fill(of[name + "_shape"].get<Shape>(), of[name + "_seed"].get<uint64_t>(), scale);
}

at::Tensor numbers(const Json& list) {
  std::vector<double> flat;
  const std::function<void(const Json&)> add = [&](const Json& j) {
    if (!j.is_array()) return flat.push_back(j.get<double>());
    for (const Json& part : j) add(part);
  };
  add(list);
  return at::tensor(flat);
}

// The greatest difference over the greatest expected magnitude.
double apart(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor a = found.detach().reshape(-1).to(at::kDouble), b = expected.reshape(-1);
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

at::Tensor parameter(const train::Parameters& all, const std::string& name) {
  for (const train::Parameter& p : all.all())
    if (p.name == name) return p.value;
  FAIL("the model has no parameter " << name);
  return {};
}

std::string our_name(std::string name) {
  for (const std::string prefix :
       {"temporal_encoder.", "spatial_decoder.", "gmwa_layer.", "autoregressive_model."})
    if (name.rfind(prefix, 0) == 0) name = name.substr(prefix.size());
  return name;
}

// The tensor that a parameter of the reference is, a part of ours where that stacks the patches.
at::Tensor counterpart(const train::Parameters& all, const std::string& reference, bool gradient) {
  const std::string name = our_name(reference);
  const auto of = [&](const std::string& ours) {
    const at::Tensor p = parameter(all, ours);
    return gradient ? p.grad() : p.detach();
  };
  if (name.rfind("mapper.", 0) != 0) return of(name);
  const size_t dot = name.find('.', 7);
  return of("mapper" + name.substr(dot))[std::stoll(name.substr(7, dot - 7))];
}

void load(const train::Parameters& all, const Json& params) {
  const at::NoGradGuard guard;
  for (const Json& p : params) {
    const at::Tensor to = counterpart(all, p["name"], false);
    const at::Tensor value =
        hash_fill(p["shape"].get<Shape>(), p["seed"].get<uint64_t>(), p["scale"].get<double>());
    REQUIRE(to.sizes() == value.sizes());
    to.copy_(value);
  }
}

// One network: eight tensors, weights and biases in turn.
void load_network(const train::Parameters& all, int64_t parcel,
                  const std::function<uint64_t(int64_t)>& seed) {
  const at::NoGradGuard guard;
  for (int64_t i = 0; i < 8; ++i) {
    const std::string layer = "hrf.layer" + std::to_string(i / 2 + 1);
    const at::Tensor weight = parameter(all, layer + ".weight").detach()[parcel],
                     bias = parameter(all, layer + ".bias").detach()[parcel];
    const at::Tensor to = i % 2 == 0 ? weight : bias;
    const double scale = i % 2 == 0 ? 1 / std::sqrt(double(weight.size(1))) : 0.1;
    to.copy_(hash_fill(to.sizes().vec(), seed(i), scale));
  }
}

void load_networks(const train::Parameters& all, const Json& seeds) {
  const bool several = seeds[0].is_array();
  for (size_t p = 0; p < (several ? seeds.size() : 1); ++p) {
    const Json& of = several ? seeds[p] : seeds;
    load_network(all, int64_t(p), [&](int64_t i) { return of[size_t(i)].get<uint64_t>(); });
  }
}

GraphPtr hashed_graph(int64_t nodes, uint64_t seed) {
  const at::Tensor x = hash_fill({nodes, 64}, seed, 1);
  std::vector<double> r = correlations(x.data_ptr<float>(), nodes, 64, 64);
  for (int64_t i = 0; i < nodes; ++i)
    for (int64_t j = 0; j < nodes; ++j)
      if (i != j && (7 * i + 3 * j) % 5 == 0) r[size_t(i * nodes + j)] = 0;
  return graph_of_nonzero(r, nodes);
}

void check_wavelet(const Json& f) {
  const at::Tensor x = filled(f, "x");
  const Wavelet wavelet(x.size(2), 3);
  REQUIRE(wavelet.sizes() == f["sizes"].get<Shape>());
  const at::Tensor c = analysed(wavelet, x);
  int64_t first = 0;
  for (const char* band : {"h1", "h2", "h3", "l3"}) {
    const int64_t size = f["sizes"][band[0] == 'l' ? 3 : size_t(band[1] - '1')].get<int64_t>();
    CHECK(apart(c.narrow(2, first, size), numbers(f[band])) < kExact);
    first += size;
  }
}

void check_gamma(const Json& f) {
  const at::Tensor values = numbers(f["params"]).to(at::kFloat).view({1, 6});
  const double rate = f["rate"];
  const auto taps = int64_t(f["length_s"].get<double>() * rate);
  CHECK(apart(double_gamma(values, rate, taps), numbers(f["kernel"])) < kLayer);
}

void check_hrf_module(const Json& f, double rate) {
  train::Parameters all(0);
  const HrfBank bank(all, HrfSpec(), 1);
  all.flatten(at::kCPU);
  load_networks(all, f["net_seeds"]);
  const at::Tensor values = bank.values(),
                   kernel = double_gamma(values, rate, int64_t(f["kernel"].size()));
  CHECK(apart(values, numbers(f["params_out"])) < kLayer);
  CHECK(apart(kernel, numbers(f["kernel"])) < kLayer);
  const at::Tensor r = hash_fill({kernel.size(1)}, f["r_seed"].get<uint64_t>(), 1);
  torch::autograd::backward({(kernel * r).sum()}, {});
  CHECK(parameter(all, "hrf.layer4.bias").grad().item<double>() ==
        Approx(f["grad_last_bias_of_sum_kernel_times_r"].get<double>()).epsilon(kLayer));
  CHECK(parameter(all, "hrf.theta").grad()[0][0].item<double>() ==
        Approx(f["grad_response_delay_param"].get<double>()).epsilon(kLayer));
}

void check_hrf_conv(const Json& f) {
  train::Parameters all(0);
  const HrfBank bank(all, HrfSpec(), int64_t(f["net_seeds"].size()));
  all.flatten(at::kCPU);
  load_networks(all, f["net_seeds"]);
  const double rate = f["rate"];
  const at::Tensor h =
      double_gamma(bank.values(), rate, int64_t(f["length_s"].get<double>() * rate));
  CHECK(apart(h, numbers(f["kernels"])) < kLayer);
  const at::Tensor x =
      hash_fill({1, h.size(0), f["T"].get<int64_t>()}, f["x_seed"].get<uint64_t>(), 1);
  CHECK(apart(correlated(x, h), numbers(f["out"])) < kLayer);
}

void check_graph_attention(const Json& f) {
  const at::Tensor h = filled(f, "h").unsqueeze(0), adjacency = numbers(f["adj"]);
  std::vector<at::Tensor> weight;
  for (const Json& p : f["params"])
    weight.push_back(
        hash_fill(p["shape"].get<Shape>(), p["seed"].get<uint64_t>(), p["scale"].get<double>()));
  const int64_t nodes = h.size(1);
  const double* a = adjacency.data_ptr<double>();
  const GraphPtr graph = graph_of_nonzero({a, a + nodes * nodes}, nodes);
  const at::Tensor left = at::matmul(h, weight[0].t()), right = at::matmul(h, weight[1].t()),
                   attn = weight[2].view(-1);
  CHECK(apart(graph_attention(left, right, attn, {graph}), numbers(f["out"])) < kLayer);
  const at::Tensor att = graph_attention_weights(left[0], right[0], attn, graph);
  const at::Tensor expected = numbers(f["att"]).view({nodes, nodes, -1});
  for (int64_t i = 0; i < nodes; ++i) {
    for (int32_t e = graph->begin[size_t(i)]; e < graph->begin[size_t(i) + 1]; ++e)
      CHECK(apart(att[e], expected[i][graph->node[size_t(e)]].contiguous()) < kLayer);
  }
}

void check_wavelet_attention(const Json& f) {
  ModelSpec spec;
  const Shape shape = f["x_shape"].get<Shape>();
  spec.parcels = spec.targets = shape[1];
  spec.patches = 1;
  spec.ablate = "no-hrf";
  spec.scale_alpha = false;
  spec.context_frames = 0;
  const EleToHemo model(spec, 0);
  load(model.parameters(), f["params"]);
  CHECK(apart(model.alpha(), numbers(f["alphas"])) < kLayer);
  Batch batch;
  batch.x = filled(f, "x").narrow(2, 0, shape[2] - 1);
  batch.y = at::zeros({1, spec.targets, spec.frames});
  batch.source = batch.target = {graph_of_selves(shape[1])};
  const at::Tensor z = model.forward(batch, std::nullopt)
                           .bands.view({shape[1], spec.frames, model.wavelet().coefficients()});
  CHECK(apart(z[0][0], numbers(f["z_0_0"])) < kLayer);
  CHECK(apart(z[1][14], numbers(f["z_1_14"])) < kLayer);
}

void check_decoder_step(const Json& f) {
  ModelSpec spec;
  spec.parcels = spec.targets = int64_t(f["out"].size());
  spec.patches = spec.frames = 1;
  spec.ablate = "no-hrf";
  spec.context_frames = 0;
  for (const Json& p : f["params"])
    if (p["name"] == "output_layer1.weight") spec.dense = p["shape"][0].get<int64_t>();
  const EleToHemo model(spec, 0);
  load(model.parameters(), f["params"]);
  const double scale = f["hc_scale"];
  const Shape states = {2, 1, spec.targets};
  parameter(model.parameters(), "h0")
      .detach()
      .copy_(hash_fill(states, f["h0_seed"].get<uint64_t>(), scale));
  parameter(model.parameters(), "c0")
      .detach()
      .copy_(hash_fill(states, f["c0_seed"].get<uint64_t>(), scale));
  Batch batch;
  batch.x = at::zeros({1, spec.parcels, spec.window()});
  batch.y = hash_fill({1, spec.targets, 1}, f["x_seed"].get<uint64_t>(), 1);
  batch.true_first_frame = true;
  batch.source = batch.target = {graph_of_selves(spec.parcels)};
  const Activations a = model.forward(batch, std::nullopt);
  CHECK(apart(a.y_hat, numbers(f["out"])) < kExact);
  CHECK(apart(a.hidden, numbers(f["h"]).narrow(0, spec.targets, spec.targets)) < kExact);
}

// Where the file holds them: norms by name, and the last bias of some responses' networks.
void check_gradients(const Json& f, const train::Parameters& all) {
  const std::string begin = "grad_hrf_parcel", end = "_last_bias";
  for (const auto& [key, value] : f.items()) {
    if (key.rfind(begin, 0) != 0 || key.find(end) == std::string::npos) continue;
    CAPTURE(key);
    const int64_t parcel = std::stoll(key.substr(begin.size()));
    const double found = parameter(all, "hrf.layer4.bias").grad()[parcel][0].item<double>();
    CHECK(found == Approx(value.get<double>()).epsilon(kBiasGradient).margin(0));
  }
  if (!f.contains("grad_l2")) return;
  for (const auto& [name, length] : f["grad_l2"].items()) {
    if (length.is_null() || length.get<double>() <= kLeastGradient) continue;
    CAPTURE(name);
    CHECK(counterpart(all, name, true).to(at::kDouble).norm().item<double>() ==
          Approx(length.get<double>()).epsilon(kGradient));
  }
}

void check_whole(const Json& f) {
  ModelSpec spec;  // the sizes of the paper
  spec.hrf_conv = "reference";
  spec.scale_alpha = false;
  const Shape x_shape = f["x"]["shape"].get<Shape>(), y_shape = f["y"]["shape"].get<Shape>();
  REQUIRE(x_shape == Shape{1, spec.parcels, spec.window()});
  REQUIRE(y_shape == Shape{1, spec.targets, spec.frames});
  const EleToHemo model(spec, 0);
  load(model.parameters(), f["params"]);
  const uint64_t base = f["seed_base"];
  for (int64_t p = 0; p < spec.parcels; ++p) {
    load_network(model.parameters(), p,
                 [&](int64_t i) { return base + 5000 + uint64_t(8 * p + i); });
  }
  Batch batch;
  batch.x = hash_fill(x_shape, f["x"]["seed"].get<uint64_t>(), f["x"]["scale"].get<double>());
  batch.y = hash_fill(y_shape, f["y"]["seed"].get<uint64_t>(), 1);
  batch.source = {hashed_graph(spec.parcels, f["adj_ele_seed"])};
  batch.target = {hashed_graph(spec.targets, f["adj_hemo_seed"])};
  batch.true_first_frame = true;
  const Activations a = model.forward(batch, std::nullopt);
  const at::Tensor loss = cosine_loss(a.y_hat, batch.y);
  CHECK(loss.item<double>() == Approx(f["loss"].get<double>()).margin(kLoss).epsilon(0));

  const at::Tensor h = double_gamma(model.hrf_values(), spec.rate, 6000);
  const at::Tensor responses = correlated(batch.x, h).detach();
  for (const int64_t p : {int64_t(0), spec.parcels - 1}) {
    const std::string key = "hrf_out_p" + std::to_string(p) + "_every500";
    CHECK(apart(responses[0][p].slice(0, 0, responses.size(2), 500), numbers(f[key])) < kLayer);
  }
  const at::Tensor alpha = model.alpha();
  CHECK(apart(alpha.narrow(0, 0, 10), numbers(f["alphas_first10"])) < kLayer);
  CHECK(alpha.argmax().item<int64_t>() == f["alphas_argmax"].get<int64_t>());
  const int64_t n = model.wavelet().coefficients();
  const at::Tensor bands = a.bands[0];
  CHECK(apart(bands[0].narrow(0, 0, 20), numbers(f["wavelet_out_row0_block0_first20"])) < kWhole);
  CHECK(apart(bands[199].narrow(0, 15 * n - 20, 20),
              numbers(f["wavelet_out_row199_block14_last20"])) < kWhole);
  CHECK(apart(a.gat1[0][0], numbers(f["gat1_out_parcel0"])) < kWhole);
  CHECK(apart(a.gat1[0][199], numbers(f["gat1_out_parcel199"])) < kWhole);
  CHECK(apart(a.upsampled[0][0], numbers(f["upsampled_node0"])) < kWhole);
  CHECK(apart(a.upsampled[0][499], numbers(f["upsampled_node499"])) < kWhole);
  CHECK(apart(a.gat2[0][0], numbers(f["gat2_out_node0"])) < kWhole);
  CHECK(apart(a.gat2[0][499], numbers(f["gat2_out_node499"])) < kWhole);
  CHECK(apart(a.y_hat[0][0], numbers(f["y_hat_parcel0"])) < kWhole);
  CHECK(apart(a.y_hat[0][499], numbers(f["y_hat_parcel499"])) < kWhole);
  CHECK(apart(a.y_hat[0].select(1, 14).slice(0, 0, 500, 25), numbers(f["y_hat_t14_every25"])) <
        kWhole);
  const auto norm = [](const at::Tensor& t) {
    return t.detach().to(at::kDouble).norm().item<double>();
  };
  CHECK(norm(a.gat1) == Approx(f["gat1_out_l2"].get<double>()).epsilon(kWhole));
  CHECK(norm(a.gat2) == Approx(f["gat2_out_l2"].get<double>()).epsilon(kWhole));
  CHECK(norm(a.y_hat) == Approx(f["y_hat_l2"].get<double>()).epsilon(kWhole));
  const at::Tensor attention = model.graph_weights(a, batch, 0).hemo.detach();
  const at::Tensor expected = numbers(f["target_att_row0_first8_head0"]);
  int64_t neighbours = 0;
  for (int64_t j = 0; j < expected.numel(); ++j) neighbours += expected[j].item<double>() != 0;
  for (int32_t e = 0; e < batch.target[0]->begin[1]; ++e) {
    const int32_t j = batch.target[0]->node[size_t(e)];
    if (j >= expected.numel()) break;
    --neighbours;
    CHECK(attention[e][0].item<double>() == Approx(expected[j].item<double>()).epsilon(kWhole));
  }
  CHECK(neighbours == 0);  // no edge of the reference's is missing

  torch::autograd::backward({loss}, {});
  check_gradients(f, model.parameters());
}

}  // namespace

TEST_CASE("every layer is the reference's") {
  const at::NoGradGuard guard;
  for (const Json& file : files(false)) {
    for (const auto& [name, section] : file.items()) {
      CAPTURE(name);
      const auto begins = [&name = name](const char* with) { return name.rfind(with, 0) == 0; };
      if (begins("dwt_")) check_wavelet(section);
      if (begins("double_gamma_")) check_gamma(section);
      if (begins("hrf_conv")) check_hrf_conv(section);
      if (begins("gatv2")) check_graph_attention(section);
      if (begins("wavelet_attention")) check_wavelet_attention(section);
      if (begins("autoregressive_step")) check_decoder_step(section);
      if (begins("cosine_loss")) {
        const Shape shape = section["shape_b_parcel_time"].get<Shape>();
        const at::Tensor loss = cosine_loss(hash_fill(shape, section["pred_seed"], 1),
                                            hash_fill(shape, section["target_seed"], 1));
        CHECK(loss.item<double>() == Approx(section["loss"].get<double>()).epsilon(kExact));
      }
    }
  }
}

TEST_CASE("the gradient of a haemodynamic response is the reference's") {
  for (const Json& file : files(false))
    if (file.contains("hrf_module_10Hz")) check_hrf_module(file["hrf_module_10Hz"], 10);
}

TEST_CASE("the whole model at 200 and 500 parcels is the reference's") {
  for (const Json& file : files(true)) check_whole(file);
}

TEST_CASE("parameters are counted as in the specification") {
  const EleToHemo model(ModelSpec(), 0);
  CHECK(model.parameters().count("hrf.") == 26420600);
  CHECK(model.parameters().count() == 26420600 + 5035190);
  CHECK(model.parameters().count("wavelet_attentions") +
            model.parameters().count("attention_embedding.") ==
        126032);
}

}  // namespace tenfold::samba_align
