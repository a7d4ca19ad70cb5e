#include "tools/samba-align/bench_export.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/data/tensor_io.h"
#include "common/io/safetensors.h"

namespace tenfold::samba_align {

void export_case(const std::string& folder, const BenchCase& c, uint64_t seed) {
  const ModelSpec& s = c.spec;
  const EleToHemo model(s, seed);
  Batch batch = bench_batch(c, seed);
  batch.true_first_frame = true;
  const train::Parameters& p = model.parameters();
  p.gradient().zero_();
  const at::Tensor output = model.forward(batch, std::nullopt).y_hat;
  const at::Tensor loss = cosine_loss(output, batch.y);
  torch::autograd::backward({loss}, {});
  io::SafeTensors out;
  const auto number = [](auto value) { return fmt::format("{}", value); };
  out.metadata = {{"rate", number(s.rate)},
                  {"taps", number(int64_t(s.hrf.seconds * s.rate))},
                  {"block", number(s.block)},
                  {"frames", number(s.frames)},
                  {"levels", number(s.levels)},
                  {"heads", number(s.heads)},
                  {"lstm_layers", number(s.lstm_layers)},
                  {"graph_dropout", number(s.graph_dropout)},
                  {"dropout", number(s.dropout)},
                  {"output_dropout", number(s.output_dropout)},
                  {"lstm_dropout", number(s.lstm_dropout)},
                  {"loss", number(loss.item<double>())},
                  {"gradient_norm", number(p.gradient().to(at::kDouble).norm().item<double>())}};
  out.tensors["x"] = data::from_torch(batch.x);
  out.tensors["y"] = data::from_torch(batch.y);
  out.tensors["teacher"] = data::from_torch(batch.teacher.to(at::kLong));
  out.tensors["output"] = data::from_torch(output.detach().contiguous());
  for (const train::Parameter& each : p.all())
    out.tensors["weight/" + each.name] = data::from_torch(each.value.detach());
  io::write_safetensors(fmt::format("{}/step-{}.safetensors", folder, c.batch), out);
}

}  // namespace tenfold::samba_align
