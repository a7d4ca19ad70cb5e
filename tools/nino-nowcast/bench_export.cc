#include "tools/nino-nowcast/bench_export.h"

#include <fmt/format.h>

#include "common/data/tensor_io.h"
#include "common/io/safetensors.h"

namespace tenfold::nino_nowcast {

void export_nowcast(const std::string& folder, const NowcastCase& c, const NeuralGraph& graph,
                    const at::Tensor& pos, const at::Tensor& states, int64_t k,
                    const at::Tensor& prediction) {
  std::vector<int32_t> index = graph.source;
  index.insert(index.end(), graph.target.begin(), graph.target.end());
  std::vector<int64_t> sizes;
  for (const ParamSpec& p : c.arch.params) sizes.push_back(p.numel());
  const int64_t edges = graph.num_edges();
  io::SafeTensors out;
  out.metadata = {{"name", c.name}, {"k", std::to_string(k)}};
  out.tensors["edge_index"] = io::Tensor::from_int32({2, edges}, index.data());
  out.tensors["edge_type"] = io::Tensor::from_int32({edges}, graph.type.data());
  out.tensors["slots"] = io::Tensor::from_int64({edges, graph.feature_size}, graph.slots.data());
  out.tensors["param_sizes"] = io::Tensor::from_int64({int64_t(sizes.size())}, sizes.data());
  out.tensors["pos"] = data::from_torch(pos);
  out.tensors["states"] = data::from_torch(states);
  out.tensors["prediction"] = data::from_torch(prediction);
  io::write_safetensors(fmt::format("{}/nowcast-{}.safetensors", folder, c.name), out);
}

void export_meta_model(const std::string& folder, const MetaModel& model) {
  io::SafeTensors out;
  for (const auto& [name, w] : model.weights) out.tensors[name] = data::from_torch(w);
  out.metadata = {{"source", model.source}, {"layers", std::to_string(model.config.layers)}};
  io::write_safetensors(folder + "/meta.safetensors", out);
}

void export_training(const std::string& folder, const TrainingBatches& batches,
                     const at::Tensor& initial, double lr) {
  io::SafeTensors out;
  out.metadata = {{"data", batches.data}, {"lr", fmt::format("{}", lr)}};
  out.tensors["x"] = data::from_torch(batches.x);
  out.tensors["y"] = data::from_torch(batches.y);
  out.tensors["initial"] = data::from_torch(initial);
  io::write_safetensors(folder + "/training.safetensors", out);
}

}  // namespace tenfold::nino_nowcast
