#include "tools/poyo-decode/bench_export.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/data/tensor_io.h"
#include "common/io/safetensors.h"
#include "tools/poyo-decode/objective.h"

namespace tenfold::poyo_decode {
namespace {

template <class Value>
io::Tensor numbers(int64_t windows, int64_t columns, const Value& value) {
  at::Tensor t = at::empty({windows, columns}, at::TensorOptions().dtype(at::kLong));
  for (int64_t i = 0; i < windows * columns; ++i) t.data_ptr<int64_t>()[i] = value(size_t(i));
  return data::from_torch(t);
}

io::Tensor times(int64_t windows, int64_t columns, const std::vector<double>& values) {
  at::Tensor t = at::empty({windows, columns}, at::TensorOptions().dtype(at::kDouble));
  for (int64_t i = 0; i < windows * columns; ++i) t.data_ptr<double>()[i] = values[size_t(i)];
  return data::from_torch(t);
}

}  // namespace

void export_case(const std::string& folder, const BenchCase& c, const TokenBatch& batch,
                 const Model& model) {
  const train::Parameters& p = model.parameters();
  p.gradient().zero_();
  const at::Tensor output = model.forward(batch, std::nullopt);
  const at::Tensor loss = weighted_loss(output, batch);
  torch::autograd::backward({loss}, {});
  const ModelSpec& s = c.spec;
  io::SafeTensors out;
  out.metadata = {
      {"depth", std::to_string(s.depth)},
      {"dim_head", std::to_string(s.dim_head)},
      {"cross_heads", std::to_string(s.cross_heads)},
      {"self_heads", std::to_string(s.self_heads)},
      {"latents_per_step", std::to_string(s.latents_per_step)},
      {"latent_step", fmt::format("{}", s.latent_step)},
      {"window", fmt::format("{}", s.window)},
      {"ffn_dropout", fmt::format("{}", s.ffn_dropout)},
      {"lin_dropout", fmt::format("{}", s.lin_dropout)},
      {"atn_dropout", fmt::format("{}", s.atn_dropout)},
      {"loss", fmt::format("{}", loss.item<double>())},
      {"gradient_norm", fmt::format("{}", p.gradient().to(at::kDouble).norm().item<double>())}};
  const auto pair = [&](size_t i) { return size_t(batch.token_pair[i]); };
  out.tensors["unit"] =
      numbers(c.windows, c.tokens(), [&](size_t i) { return batch.pair_unit[pair(i)]; });
  out.tensors["type"] =
      numbers(c.windows, c.tokens(), [&](size_t i) { return batch.pair_type[pair(i)]; });
  out.tensors["time"] = times(c.windows, c.tokens(), batch.token_time);
  out.tensors["query_session"] = numbers(c.windows, c.queries, [&](size_t i) {
    return batch.sessions[size_t(batch.query_session[i])];
  });
  out.tensors["query_time"] = times(c.windows, c.queries, batch.query_time);
  out.tensors["target"] = data::from_torch(batch.target);
  out.tensors["output"] = data::from_torch(output.detach());
  out.tensors["frequencies"] = data::from_torch(model.frequencies());
  for (const train::Parameter& each : p.all())
    out.tensors["weight/" + each.name] = data::from_torch(each.value.detach());
  io::write_safetensors(fmt::format("{}/{}.safetensors", folder, c.model), out);
}

}  // namespace tenfold::poyo_decode
