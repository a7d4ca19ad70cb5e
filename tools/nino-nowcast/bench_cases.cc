#include "tools/nino-nowcast/bench_cases.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/data/batch_order.h"
#include "tools/nino-nowcast/data.h"
#include "tools/nino-nowcast/task.h"

namespace tenfold::nino_nowcast {
namespace {

NetSpec conv_spec(std::vector<int64_t> hidden, int64_t channels, int64_t image_size) {
  NetSpec spec;
  spec.conv = true;
  spec.hidden = std::move(hidden);
  spec.channels = channels;
  spec.image_size = image_size;
  return spec;
}

TrainingBatches noise(int64_t steps, int64_t batch, uint64_t seed) {
  TrainingBatches out{"noise (no FashionMNIST here)", at::empty({steps, batch, 1, 28, 28}),
                      at::empty({steps, batch}, at::TensorOptions().dtype(at::kLong))};
  Stream(seed, "bench-images").fill_normal(out.x.data_ptr<float>(), out.x.numel(), 0, 1);
  const Stream labels(seed, "bench-labels");
  for (int64_t i = 0; i < out.y.numel(); ++i) {
    out.y.data_ptr<int64_t>()[i] = int64_t(labels.below(uint64_t(i), 10));
  }
  return out;
}

}  // namespace

std::vector<NowcastCase> nowcast_cases() {
  const Architecture c10 = TargetNet(conv_spec({32, 64, 64}, 3, 32)).architecture();
  return {{"FM-16", TargetNet(fm16_spec()).architecture(), 0.024, 0.030},
          {"C10-32", c10, 0.083, 0.120},
          {kGpt2Case, gpt2_architecture(2000, 256, 64, 4, 3), 5.84, 1.107}};
}

at::Tensor drifting_states(const Architecture& arch, int64_t ctx, uint64_t seed) {
  constexpr float kSize = 0.05f, kDrift = 0.01f;
  const int64_t p = arch.num_params();
  at::Tensor states = at::empty({p, ctx});
  const Stream stream(seed, "bench-states");
  std::vector<float> start(static_cast<size_t>(p)), drift(start.size());
  stream.fill_normal(start.data(), p, 0, kSize);
  Stream(seed, "bench-states", 1).fill_normal(drift.data(), p, 0, kDrift);
  float* out = states.data_ptr<float>();
  for (size_t i = 0; i < start.size(); ++i) {
    for (int64_t t = 0; t < ctx; ++t) *out++ = start[i] + float(t) * drift[i];
  }
  return states;
}

MetaModel bench_meta_model(MetaKind kind, const std::string& path, uint64_t seed) {
  if (!path.empty()) {
    MetaModel model = load_meta_model(path);
    if (model.config.kind != kind) {
      throw DataError(fmt::format("{}: found {}, expected {}", path, kind_name(model.config.kind),
                                  kind_name(kind)));
    }
    return model;
  }
  MetaConfig config;
  config.kind = kind;
  MetaModel model = initial_meta_model(config, seed);
  model.source = fmt::format("initial weights times {}", kInitialGain);
  for (auto& [name, w] : model.weights) {
    if (w.dim() == 2) w.mul_(kInitialGain);
  }
  return model;
}

NetSpec fm16_spec() { return conv_spec({16, 32, 32}, 1, 28); }

TrainingBatches training_batches(int64_t steps, int64_t batch, uint64_t seed) {
  ImageData images;
  try {
    images = load_images("fashion-mnist", "", 28);
  } catch (const MissingInput&) {
    return noise(steps, batch, seed);
  }
  TrainingBatches out{"fashion-mnist (real)", at::empty({steps, batch, 1, 28, 28}),
                      at::empty({steps, batch}, at::TensorOptions().dtype(at::kLong))};
  const std::vector<int64_t> order =
      Stream(seed, "bench-order").permutation(images.train_x.size(0));
  for (int64_t i = 0; i < steps * batch; ++i) {
    const int64_t row = order[size_t(i) % order.size()];
    out.x[i / batch][i % batch].copy_(images.train_x[row]);
    out.y[i / batch][i % batch].copy_(images.train_y[row]);
  }
  return out;
}

double training_flops(const NetSpec& spec, int64_t batch) {
  double total = 0;
  int64_t in = spec.channels, size = (spec.image_size - 3) / 2 + 1;
  for (int64_t out : spec.hidden) {
    const double forward = 2.0 * double(size * size * 9 * in * out);
    // Gradients of the weights and of the input; the first layer's input needs none.
    total += forward * (in == spec.channels && total == 0 ? 2 : 3);
    in = out;
  }
  return double(batch) * (total + 3 * 2.0 * double(in * spec.classes));
}

}  // namespace tenfold::nino_nowcast
