#include "tools/samba-align/recording_translation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>

namespace tenfold::samba_align {

std::vector<int64_t> covering_windows(int64_t frames, int64_t length) {
  std::vector<int64_t> starts;
  for (int64_t f = 0; f + length <= frames; f += length) starts.push_back(f);
  if (frames % length != 0) starts.push_back(frames - length);
  return starts;
}

at::Tensor translate_recording(const Model& model, const at::Tensor& series,
                               const TranslationSetting& setting) {
  constexpr int64_t kAtOnce = 16;  // windows of a pass
  const at::NoGradGuard guard;
  const ModelSpec& spec = model.spec();
  const bool back = spec.direction == "hemo2ele";
  // Columns a frame of what is given and of what is made; frames of context.
  const int64_t in = back ? 1 : spec.block, out_of_frame = back ? spec.block : 1,
                context = back ? 0 : spec.context_frames;
  const auto window_at = [&](int64_t start) {
    const int64_t first = std::max<int64_t>(0, start - context);
    const int64_t missing = (first - (start - context)) * in;
    const at::Tensor known = series.narrow(1, first * in, (start + spec.frames - first) * in);
    const Moments moments =
        setting.moments != nullptr
            ? *setting.moments
            : Moments(series.narrow(1, start * in, spec.frames * in),
                      fmt::format("{}: window at frame {}", setting.name, start));
    const at::Tensor before = at::full({series.size(0), missing}, moments.mean, series.options());
    return moments.normalised(at::cat({before, known}, 1));
  };
  const int64_t frames = series.size(1) / in;
  const std::vector<int64_t> starts = covering_windows(frames, spec.frames);
  at::Tensor out = at::zeros({model.series(), frames * out_of_frame}, series.options());
  int64_t done = 0;
  for (size_t at = 0; at < starts.size(); at += kAtOnce) {
    const size_t end = std::min(at + kAtOnce, starts.size());
    Batch batch;
    std::vector<at::Tensor> given;
    for (size_t i = at; i < end; ++i) {
      given.push_back(window_at(starts[i]));
      batch.source.push_back(setting.source);
      batch.target.push_back(setting.target);
    }
    (back ? batch.y : batch.x) = at::stack(given);
    const at::Tensor y_hat = model.forward(batch, std::nullopt).y_hat;
    for (size_t i = at; i < end; ++i) {
      const int64_t next = starts[i] + spec.frames, fresh = next - done;
      out.narrow(1, done * out_of_frame, fresh * out_of_frame)
          .copy_(y_hat[int64_t(i - at)].narrow(1, (spec.frames - fresh) * out_of_frame,
                                               fresh * out_of_frame));
      done = next;
    }
  }
  return out;
}

}  // namespace tenfold::samba_align
