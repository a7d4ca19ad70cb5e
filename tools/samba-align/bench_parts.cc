#include "tools/samba-align/bench_parts.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/autograd.h>

#include <memory>

#include "common/core/error.h"
#include "common/train/flat_optimizer.h"
#include "tools/samba-align/graph_layer.h"
#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/low_rate_convolution.h"
#include "tools/samba-align/wavelet_transform.h"

namespace tenfold::samba_align {
namespace {

at::Tensor weight(const EleToHemo& model, const std::string& name) {
  for (const train::Parameter& p : model.parameters().all())
    if (p.name == name) return p.value;
  throw UsageError("bench: found no parameter " + name);
}

// To 20 samples a second, or as near as the sizes of the preset small let it come.
int64_t low_rate_factor(const ModelSpec& s) { return s.rate == 200 ? 10 : 2; }

at::Tensor leaf(const at::Tensor& t) { return t.detach().contiguous().requires_grad_(true); }

}  // namespace

at::Tensor responses_of(const EleToHemo& model) {
  const ModelSpec& s = model.spec();
  return double_gamma(model.hrf_values(), s.rate, int64_t(s.hrf.seconds * s.rate));
}

void Parts::add(const std::string& name, const std::function<at::Tensor()>& forward) {
  all_.push_back({name, "forward", [forward] {
                    const at::NoGradGuard guard;
                    forward();
                  }});
  const at::Tensor out = forward(), d_out = at::ones_like(out);
  all_.push_back(
      {name, "backward", [out, d_out] { torch::autograd::backward({out}, {d_out}, true); }});
}

Parts::Parts(const BenchCase& c, uint64_t seed) : model_(c.spec, seed) {
  const ModelSpec& s = model_.spec();
  const Batch batch = bench_batch(c, seed);
  Activations a;
  {
    const at::NoGradGuard guard;
    a = model_.forward(batch, std::nullopt);
  }
  add("responses", [this] { return responses_of(model_); });
  const at::Tensor h = leaf(responses_of(model_));
  add("convolution", [x = batch.x, h, window = s.window(), scale = 1 / s.rate] {
    return convolved(x, h, window, scale);
  });
  const int64_t factor = low_rate_factor(s);
  const auto taps = int64_t(s.hrf.seconds * s.rate);
  add("responses_at_low_rate", [this, factor, taps, rate = s.rate] {
    return double_gamma(model_.hrf_values(), rate / double(factor), taps / factor);
  });
  const at::Tensor low =
      leaf(double_gamma(model_.hrf_values().detach(), s.rate / double(factor), taps / factor));
  add("convolution_at_low_rate",
      [x = batch.x, low, factor, window = s.window(), scale = 1 / s.rate] {
        return convolved_at_low_rate(x, low, factor, window, scale);
      });
  const at::Tensor blocks = leaf(a.responses.reshape({c.batch, s.parcels, s.frames, s.block}));
  add("wavelets", [this, blocks] { return analysed(model_.wavelet(), blocks) * model_.alpha(); });
  const auto graph_layer = [&](const std::string& name, const at::Tensor& nodes,
                               const std::vector<GraphPtr>& graphs) {
    add(name, [this, name, nodes = leaf(nodes), graphs] {
      const auto projected = [&](const char* side) {
        return at::linear(nodes, weight(model_, name + side + ".weight"));
      };
      return graph_attention(projected(".linear_l"), projected(".linear_r"),
                             weight(model_, name + ".attn.weight").view(-1), graphs);
    });
  };
  graph_layer("gat_layer1", a.bands, batch.source);
  graph_layer("gat_layer2", a.upsampled, batch.target);
  const at::Tensor frames = leaf(a.gat2.permute({2, 0, 1}));
  add("decoder", [this, frames, batch = c.batch] {
    at::Tensor state = frames;
    for (int64_t l = 0; l < model_.spec().lstm_layers; ++l) {
      const auto of = [&](const char* name) {
        return weight(model_, std::string("rnn.") + name + "_l" + std::to_string(l));
      };
      const auto from = [&](const char* name) {
        return weight(model_, name)
            .narrow(0, l, 1)
            .expand({1, batch, model_.spec().targets})
            .contiguous();
      };
      state = std::get<0>(at::lstm(state, {from("h0"), from("c0")},
                                   {of("weight_ih"), of("weight_hh"), of("bias_ih"), of("bias_hh")},
                                   true, 1, 0.0, false, false, false));
    }
    const at::Tensor inner = at::relu(at::linear(state, weight(model_, "output_layer1.weight"),
                                                 weight(model_, "output_layer1.bias")));
    return at::linear(inner, weight(model_, "output_layer2.weight"),
                      weight(model_, "output_layer2.bias"));
  });
  const train::Parameters& p = model_.parameters();
  const auto optimizer = std::make_shared<train::FlatOptimizer>(train::OptimizerOptions(),
                                                                p.values().numel(), at::kCPU);
  all_.push_back({"adam", "update", [this, optimizer] {
                    const train::Parameters& all = model_.parameters();
                    all.gradient().zero_();
                    optimizer->step(all.values(), all.gradient());
                  }});
}

}  // namespace tenfold::samba_align
