#include "tools/prequential-icl/bench_export.h"

#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include "common/data/tensor_io.h"
#include "common/io/safetensors.h"

namespace tenfold::prequential_icl {

void export_step(const std::string& folder, const StepCase& c, const std::vector<Batch>& batches,
                 const train::Parameters& parameters) {
  const ModelSpec& s = c.spec;
  io::SafeTensors out;
  out.metadata = {{"model", s.arch},
                  {"layers", std::to_string(s.n_layers)},
                  {"heads", std::to_string(s.n_heads)},
                  {"head_layers", std::to_string(s.pred_layers)},
                  {"mamba_head_dim", std::to_string(s.mamba_head_dim)},
                  {"lr", fmt::format("{}", c.lr)}};
  std::vector<at::Tensor> points;
  for (const Batch& b : batches) points.push_back(b.points);
  out.tensors["points"] = data::from_torch(at::stack(points));
  for (const train::Parameter& p : parameters.all())
    out.tensors["weight/" + p.name] = data::from_torch(p.value.detach());
  io::write_safetensors(fmt::format("{}/step-{}-{}.safetensors", folder, s.arch, c.shape), out);
}

void export_sgd(const std::string& folder, const SgdCase& c, uint64_t seed, int64_t fits) {
  const MlpFitOptions& o = c.options;
  io::SafeTensors out;
  out.metadata = {
      {"lr", fmt::format("{}", o.lr)},      {"clip", fmt::format("{}", o.clip)},
      {"batch", std::to_string(o.batch)},   {"width", std::to_string(o.width)},
      {"layers", std::to_string(o.layers)}, {"points", std::to_string(SgdCase::kPoints)}};
  std::vector<float> x, y;
  std::vector<int64_t> order;
  for (int64_t f = 0; f < fits; ++f) {
    x.insert(x.end(), c.x[size_t(f)].begin(), c.x[size_t(f)].end());
    y.insert(y.end(), c.y[size_t(f)].begin(), c.y[size_t(f)].end());
    for (int64_t e = 0; e < SgdCase::kEpochs; ++e) {
      const auto visits = mlp_fit_order({seed, uint64_t(f)}, e, SgdCase::kTrain);
      order.insert(order.end(), visits.begin(), visits.end());
    }
  }
  const int64_t points = SgdCase::kPoints + SgdCase::kTest;
  out.tensors["x"] = io::Tensor::from_float32({fits, points, o.inputs}, x.data());
  out.tensors["y"] = io::Tensor::from_float32({fits, points, o.outputs}, y.data());
  out.tensors["order"] =
      io::Tensor::from_int64({fits, SgdCase::kEpochs, SgdCase::kTrain}, order.data());
  out.tensors["initial"] = io::Tensor::from_float32({int64_t(c.initial.size())}, c.initial.data());
  io::write_safetensors(folder + "/sgd.safetensors", out);
}

}  // namespace tenfold::prequential_icl
