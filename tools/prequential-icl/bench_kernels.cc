#include "tools/prequential-icl/bench_kernels.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/autograd.h>

#include <memory>

#include "common/core/philox.h"
#include "common/kernels/causal_attention.h"
#include "common/kernels/selective_scan.h"
#include "common/kernels/ssd_scan.h"
#include "tools/prequential-icl/hmm.h"
#include "tools/prequential-icl/hmm_oracle.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kState = 8;

at::Tensor normal(const std::vector<int64_t>& shape, const Stream& stream, double mean,
                  double stddev) {
  at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  stream.fill_normal(t.data_ptr<float>(), t.numel(), mean, stddev);
  return t;
}

std::vector<KernelCall> attention_calls(const StepCase& c, const std::string& shape,
                                        uint64_t seed) {
  struct Operands {
    kernels::AttentionShape shape;
    at::Tensor qkv, d_qkv, out, d_out, norms;
  };
  const int64_t heads = c.spec.n_heads, h = c.spec.h_dim, rows = c.batch * c.points;
  const auto o = std::make_shared<Operands>();
  o->shape = {c.batch, c.points, heads, h / heads, 3 * h, 3 * h, 3 * h, h};
  o->qkv = normal({rows, 3 * h}, Stream(seed, "bench-attention"), 0, 1);
  o->d_out = normal({rows, h}, Stream(seed, "bench-attention", 1), 0, 1);
  o->d_qkv = at::empty_like(o->qkv);
  o->out = at::empty_like(o->d_out);
  o->norms = at::empty({rows * heads * 2});
  const auto forward = [o, h] {
    const float* q = o->qkv.data_ptr<float>();
    at::parallel_for(0, o->shape.tasks(), 1, [&](int64_t first, int64_t end) {
      kernels::causal_attention(o->shape, {q, q + h, q + 2 * h}, first, end,
                                o->out.data_ptr<float>(), o->norms.data_ptr<float>());
    });
  };
  const auto both = [o, h, forward] {
    forward();
    const float* q = o->qkv.data_ptr<float>();
    float* dq = o->d_qkv.data_ptr<float>();
    at::parallel_for(0, o->shape.tasks(), 1, [&](int64_t first, int64_t end) {
      kernels::causal_attention_backward(o->shape, {q, q + h, q + 2 * h}, o->out.data_ptr<float>(),
                                         o->d_out.data_ptr<float>(), o->norms.data_ptr<float>(),
                                         first, end, dq, dq + h, dq + 2 * h);
    });
  };
  const double pairs = double(c.batch * heads) * double(c.points) * double(c.points + 1) / 2;
  return {{"attention", shape, "forward", pairs, forward},
          {"attention", shape, "both", pairs, both}};
}

// Both scans: `compute` from leaves that all want gradients.
std::vector<KernelCall> scan_calls(const std::string& kernel, const StepCase& c,
                                   const std::string& shape, const std::vector<at::Tensor>& leaves,
                                   at::Tensor (*compute)(const std::vector<at::Tensor>&)) {
  const auto forward = [leaves, compute] {
    const at::NoGradGuard guard;
    compute(leaves);
  };
  const auto both = [leaves, compute] {
    const at::Tensor out = compute(leaves);
    torch::autograd::grad({out}, leaves, {out.detach()});
  };
  const double elements = double(c.batch * c.points) * 2 * double(c.spec.h_dim) * kState;
  return {{kernel, shape, "forward", elements, forward}, {kernel, shape, "both", elements, both}};
}

std::vector<at::Tensor> scan_leaves(const std::string& kernel, const StepCase& c, uint64_t seed) {
  const int64_t channels = 2 * c.spec.h_dim, heads = channels / c.spec.mamba_head_dim;
  const bool second = kernel == "ssd-scan";
  const int64_t steps = second ? heads : channels;
  std::vector<at::Tensor> leaves;
  const auto add = [&](const std::vector<int64_t>& shape, double mean, double stddev) {
    const Stream stream(seed, "bench-" + kernel, leaves.size());
    leaves.push_back(normal(shape, stream, mean, stddev).set_requires_grad(true));
  };
  add({c.batch, c.points, channels}, 0, 1);  // x
  add({c.batch, c.points, steps}, 0, 1);     // dt
  if (second) {
    add({heads}, -4, 0.1);  // A
  } else {
    add({channels, kState}, -4, 0.1);
  }
  add({c.batch, c.points, kState}, 0, 1);                 // B
  add({c.batch, c.points, kState}, 0, 1);                 // C
  add({steps}, 1, 0);                                     // D
  if (!second) add({c.batch, c.points, channels}, 0, 1);  // z
  add({steps}, -4, 0.5);                                  // dt_bias
  return leaves;
}

}  // namespace

std::vector<KernelCall> kernel_calls(const std::string& kernel, const std::string& shape,
                                     uint64_t seed) {
  const StepCase c = step_case("transformer", shape);
  if (kernel == "attention") return attention_calls(c, shape, seed);
  const std::vector<at::Tensor> leaves = scan_leaves(kernel, c, seed);
  if (kernel == "ssd-scan") {
    return scan_calls(kernel, c, shape, leaves, [](const std::vector<at::Tensor>& t) {
      return kernels::ssd_scan(t[0], t[1], t[2], t[3], t[4], t[5], t[6]);
    });
  }
  return scan_calls(kernel, c, shape, leaves, [](const std::vector<at::Tensor>& t) {
    return kernels::selective_scan(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]);
  });
}

KernelCall oracle_call(uint64_t seed) {
  constexpr int64_t kLength = 200;
  const HmmFamily family = make_hmm_family(hmm_sizes("small"), seed);
  const auto oracle = std::make_shared<HmmOracle>(family);
  const auto tokens = std::make_shared<std::vector<int64_t>>(size_t(kLength));
  HmmSampler(family).draw(family.held_out_latents, seed, "bench-hmm", 0, kLength, tokens->data());
  const auto probabilities =
      std::make_shared<std::vector<double>>(size_t(kLength * oracle->observations()));
  return {"hmm-oracle", "small", "forward", double(kLength),
          [=] { oracle->predict(tokens->data(), kLength, probabilities->data()); }};
}

}  // namespace tenfold::prequential_icl
