// What no fixture covers: the way back, the first version, graph convolution, our linear skip.

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "tools/samba-align/ele_to_hemo.h"
#include "tools/samba-align/hemo_to_ele.h"

namespace tenfold::samba_align {
namespace {

at::Tensor drawn(const std::vector<int64_t>& shape, uint64_t seed) {
  const at::Tensor t = at::zeros(shape);
  Stream(seed, "test").fill_normal(t.data_ptr<float>(), t.numel(), 0, 1);
  return t;
}

GraphPtr ring(int64_t nodes) {
  std::vector<double> a(size_t(nodes * nodes), 0.0);
  for (int64_t i = 0; i < nodes; ++i) {
    const int64_t next = (i + 1) % nodes;
    a[size_t(i * nodes + next)] = a[size_t(next * nodes + i)] = i % 2 == 0 ? -0.5 : 0.25;
    a[size_t(i * nodes + i)] = 1;
  }
  return graph_of_nonzero(a, nodes);
}

ModelSpec small_spec() {
  ModelSpec s;
  s.parcels = 4;
  s.targets = 6;
  s.block = 40;
  s.rate = 20;
  s.frames = 5;
  s.context_frames = 3;
  s.levels = 2;
  s.hrf.hidden = {8};
  s.hrf.seconds = 6;
  s.patches = 2;
  s.mlp_hidden = 12;
  s.dense = 7;
  return s;
}

Batch batch_of(const ModelSpec& s, int64_t samples, uint64_t seed) {
  Batch b;
  b.x = drawn({samples, s.parcels, s.context() + s.window()}, seed);
  b.y = drawn({samples, s.targets, s.frames}, seed + 1);
  b.source.assign(size_t(samples), ring(s.parcels));
  b.target.assign(size_t(samples), ring(s.targets));
  return b;
}

Batch sample_of(const Batch& all, int64_t i) {
  Batch b;
  b.x = all.x.narrow(0, i, 1);
  b.y = all.y.narrow(0, i, 1);
  b.source = {all.source[size_t(i)]};
  b.target = {all.target[size_t(i)]};
  return b;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a - b).abs().max().item<double>();
}

at::Tensor loss_of(const Model& model, const Batch& batch) {
  const Activations a = model.forward(batch, std::nullopt);
  const at::Tensor loss = cosine_loss(a.y_hat, model.truth(batch));
  return a.skip_loss.defined() ? loss + a.skip_loss : loss;
}

// Along the gradient itself, where the change is largest over rounding; steps are short, for a unit
// of a ReLU must not change its side.
void require_gradient_of_differences(const Model& model, const Batch& batch) {
  const train::Parameters& p = model.parameters();
  p.gradient().zero_();
  torch::autograd::backward({loss_of(model, batch)}, {});
  const at::Tensor g = p.gradient().clone();
  const double length = g.norm().item<double>(), step = 4e-4;
  REQUIRE(length > 1e-4);
  const at::NoGradGuard guard;
  const auto at_place = [&](double along) {
    p.values().add_(g, along / length);
    const double loss = loss_of(model, batch).item<double>();
    p.values().add_(g, -along / length);
    return loss;
  };
  CHECK((at_place(step) - at_place(-step)) / (2 * step) == Approx(length).epsilon(0.02));
}

}  // namespace

TEST_CASE("the way back at the paper's size has the parameters that the specification counts") {
  ModelSpec s;
  s.direction = "hemo2ele";
  s.dense = 100;
  const HemoToEle model(s, 0);
  const train::Parameters& p = model.parameters();
  CHECK(p.count("level") + p.count("parcel_embedding") == 10851672);
  CHECK(p.count("gat_layer") == 930);
  CHECK(p.count("mapper") == 5200);
  CHECK(p.count("deconvolution") + p.count("norm.weight") + p.count("norm.bias") == 120600);
  CHECK(p.count("rnn") == 643200);
  CHECK(p.count("output_layer") == 40300);
  CHECK(p.count("h0") + p.count("c0") == 800);
  CHECK(p.count() - model.buffers() == 10851672 + 930 + 5200 + 120600 + 643200 + 40300 + 800);
}

TEST_CASE("the fixed response is the double gamma of the specification's six numbers") {
  const std::vector<double> g = fixed_response(50);
  REQUIRE(g.size() == 1600);
  double sum = 0;
  for (const double v : g) sum += v;
  CHECK(sum == Approx(1));
  const at::Tensor six = at::tensor({17.0 / 3, 37.0 / 3, 0.9, 0.9, 1.0, 0.3279526670721964});
  const at::Tensor h = double_gamma(six.unsqueeze(0).to(at::kDouble), 50, 1600)[0];
  const double scale = g[250] / h[250].item<double>();
  for (int64_t n = 0; n < 1600; n += 13)
    CHECK(g[size_t(n)] == Approx(scale * h[n].item<double>()).margin(1e-9));
  // The released one: the same curve 1/94 s later at 32 n / 3007 s, without its last nine points.
  const std::vector<double> released = released_fixed_response();
  CHECK(released.size() == 2999);
  CHECK(released[0] == 0);
  const auto curve = [](double t) {
    const auto term = [&](double d, double c) {
      return c * std::pow(t / (d * 0.9), d) * std::exp(-(t - d * 0.9) / 0.9);
    };
    return term(17.0 / 3, 1) - term(37.0 / 3, 0.3279526670721964);
  };
  const auto time = [](int64_t n) { return 32.0 * double(n) / 3007 - 1.0 / 94; };
  for (int64_t n = 1; n < 2999; n += 71)
    CHECK(released[size_t(n)] / released[500] ==
          Approx(curve(time(n)) / curve(time(500))).margin(1e-9));
}

TEST_CASE("shapes, gradients and independent samples of the way back") {
  for (const char* networks : {"shared", "separate"}) {
    CAPTURE(networks);
    ModelSpec s = small_spec();
    s.direction = "hemo2ele";
    s.hemo_to_ele_mlp = networks;
    const HemoToEle model(s, 4);
    const Batch batch = batch_of(s, 2, 7);
    const Activations a = model.forward(batch, std::nullopt);
    CHECK(a.y_hat.sizes() == at::IntArrayRef({2, s.parcels, s.window()}));
    CHECK(a.gat1.sizes() == at::IntArrayRef({2, s.targets, s.frames}));
    CHECK(a.gat2.sizes() == at::IntArrayRef({2, s.parcels, s.frames}));
    CHECK(distance(a.y_hat.narrow(0, 1, 1),
                   model.forward(sample_of(batch, 1), std::nullopt).y_hat) < 1e-5);
    require_gradient_of_differences(model, batch);
  }
}

TEST_CASE("normalisation learns running moments in training and uses them in evaluation") {
  ModelSpec s = small_spec();
  s.direction = "hemo2ele";
  const HemoToEle model(s, 3);
  const Batch batch = batch_of(s, 3, 7);
  const auto moments = [&] {
    const train::Parameters& p = model.parameters();
    return p.values().narrow(0, p.count() - model.buffers(), model.buffers()).detach().clone();
  };
  const at::Tensor before = moments();
  model.forward(batch, std::nullopt);
  CHECK(distance(before, moments()) == 0);
  const Activations a = model.forward(batch, Dropouts{DropoutKeys(0, 0), true});
  CHECK(distance(before, moments()) > 1e-4);
  model.parameters().gradient().zero_();
  torch::autograd::backward({a.y_hat.square().mean()}, {});
  CHECK(model.parameters()
            .gradient()
            .narrow(0, model.parameters().count() - model.buffers(), model.buffers())
            .abs()
            .max()
            .item<double>() == 0);
}

TEST_CASE("the first version: attention of every sample and parcel, gradients, no mixed samples") {
  ModelSpec s = small_spec();
  s.variant = "v1";
  s.hrf.form = "tanh";
  const EleToHemo model(s, 5);
  const Batch batch = batch_of(s, 3, 11);
  const Activations a = model.forward(batch, std::nullopt);
  CHECK(model.wavelet().length() == s.window());
  CHECK(a.band_share.sizes() == at::IntArrayRef({3, s.parcels, 3}));
  CHECK(distance(a.band_share.sum(2), at::ones({3, s.parcels})) < 1e-6);
  CHECK(distance(a.band_share[0], a.band_share[1]) > 1e-4);
  for (int64_t i = 0; i < 3; ++i)
    CHECK(distance(a.y_hat.narrow(0, i, 1),
                   model.forward(sample_of(batch, i), std::nullopt).y_hat) < 1e-5);
  require_gradient_of_differences(model, batch);
}

TEST_CASE("at the paper's size the first version's bands are those of 2000 samples") {
  ModelSpec s;
  s.variant = "v1";
  s.hrf.hidden = {2};
  CHECK(EleToHemo(s, 0).wavelet().sizes() == std::vector<int64_t>{1004, 506, 257, 257});
  CHECK(first_version_stride(6000) == 3);
  CHECK(first_version_stride(1500) == 1);
}

TEST_CASE("a graph convolution is the formula of dense matrices") {
  train::Parameters parameters(1);
  const GraphBlock layer(parameters, "g", 3, 2, 4, GraphKind::kConvolution);
  CHECK(parameters.count() == 6);
  const GraphPtr graph = ring(5);
  const at::Tensor nodes = drawn({2, 5, 3}, 4), w = parameters.all()[0].value;
  const at::Tensor a = at::eye(5);
  // |A| of the ring: 0.5 after even nodes, 0.25 after odd ones.
  for (int64_t i = 0; i < 5; ++i) {
    const int64_t next = (i + 1) % 5;
    a[i][next].fill_(i % 2 == 0 ? 0.5 : 0.25);
    a[next][i].fill_(i % 2 == 0 ? 0.5 : 0.25);
  }
  const at::Tensor d = a.sum(1).rsqrt();
  const at::Tensor expected =
      at::matmul(at::matmul(d.unsqueeze(1) * a * d.unsqueeze(0), nodes), w.t());
  CHECK(distance(layer(nodes, {graph, graph}), expected) < 1e-6);
}

TEST_CASE("a linear skip begins with nothing and learns; coefficient networks have gradients") {
  ModelSpec s = small_spec();
  const EleToHemo plain(s, 9);
  s.linear_skip = true;
  const EleToHemo skipping(s, 9);
  const Batch batch = batch_of(s, 2, 21);
  CHECK(distance(plain.forward(batch, std::nullopt).y_hat,
                 skipping.forward(batch, std::nullopt).y_hat) == 0);
  require_gradient_of_differences(skipping, batch);
  s.coef_mlp = 3;
  require_gradient_of_differences(EleToHemo(s, 9), batch);
}

TEST_CASE("passes under dropout differ, are a function of their seed, and agree without dropout") {
  for (const char* direction : {"ele2hemo", "hemo2ele"}) {
    CAPTURE(direction);
    ModelSpec s = small_spec();
    s.direction = direction;
    const std::unique_ptr<Model> model = make_model(s, 2);
    const Batch batch = batch_of(s, 2, 5);
    const at::NoGradGuard guard;
    const at::Tensor all = model->sampled(batch, 4, 1);
    CHECK(all.size(0) == 4);
    CHECK(distance(all[0], all[1]) > 1e-4);
    CHECK(distance(all, model->sampled(batch, 4, 1)) == 0);
    CHECK(distance(all, model->sampled(batch, 4, 2)) > 1e-4);
    s.graph_dropout = s.dropout = s.output_dropout = 0;
    const std::unique_ptr<Model> certain = make_model(s, 2);
    CHECK(distance(certain->sampled(batch, 2, 1)[1], certain->forward(batch, std::nullopt).y_hat) ==
          0);
  }
}

}  // namespace tenfold::samba_align
