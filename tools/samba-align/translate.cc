// `translate`: a whole recording of electrophysiology into fMRI.

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/npy.h"
#include "common/io/npy_writer.h"
#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/opened_run.h"
#include "tools/samba-align/recording_translation.h"

namespace tenfold::samba_align {
namespace {

// [parcels, frames * block] float32.
at::Tensor read_ele(const std::string& path, const ModelSpec& spec) {
  const io::Tensor t = io::read_npy(path);
  if (t.shape.size() != 2 || t.shape[0] != spec.parcels) {
    std::string found;
    for (const int64_t n : t.shape) found += fmt::format("{}{}", found.empty() ? "" : ", ", n);
    throw DataError(fmt::format("{}: found the shape [{}], expected [{}, samples at {} Hz]", path,
                                found, spec.parcels, spec.rate));
  }
  if (t.shape[1] < spec.window()) {
    throw DataError(fmt::format("{}: found {} samples, expected a window's {} at least", path,
                                t.shape[1], spec.window()));
  }
  const std::vector<float> values = t.to_float32(path);
  const auto wrong =
      std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  if (wrong != values.end()) {
    const int64_t at = wrong - values.begin();
    throw DataError(fmt::format("{}: found {} at row {}, column {}, expected finite numbers", path,
                                *wrong, at / t.shape[1], at % t.shape[1]));
  }
  const at::Tensor all = data::to_torch(io::Tensor::from_float32(t.shape, values.data()));
  return all.narrow(1, 0, t.shape[1] / spec.block * spec.block);
}

size_t subject_of(const std::string& name, const RecordingSet& recordings) {
  if (name.empty()) return 0;
  std::string known;
  for (size_t s = 0; s < recordings.subjects.size(); ++s) {
    const std::string& subject = recordings.subjects[s].subject;
    if (subject == name) return s;
    known += (known.empty() ? "" : ", ") + subject;
  }
  throw UsageError(fmt::format("--subject: found '{}', expected one of {}", name, known));
}

// A graph that the data set owns, which outlives the translation.
GraphPtr borrowed(const Graph& graph) { return {GraphPtr(), &graph}; }

}  // namespace

int translate_file(const TranslateConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const OpenedRun opened = open_run(config.run, config.data, config.weights);
  const ModelSpec& spec = opened.stored.spec;
  const size_t subject = subject_of(config.subject, opened.recordings);
  const at::Tensor ele = read_ele(config.ele, spec);
  const int64_t frames = ele.size(1) / spec.block;
  log::Result result = opened_result(opened);
  result.data.emplace_back("ele", config.ele);
  result.data.emplace_back("translated_frames", frames);
  result.data.emplace_back("frames_without_whole_context", std::min(frames, spec.context_frames));
  result.data.emplace_back("graphs_and_scale_of", opened.recordings.subjects[subject].subject);
  if (run.options().dry_run) {
    run.emit(result, "translate/1");
    return 0;
  }
  if (opened.stored.config.training.true_first_frame) {
    log::warning(
        "the run's decoder began with the true first frame, which is not known here: "
        "zeros are given");
  }
  TranslationSetting setting{borrowed(opened.dataset->source_graph(subject)),
                             borrowed(opened.dataset->target_graph(subject)), nullptr, config.ele};
  std::optional<Moments> moments;
  if (opened.stored.config.windows.normalise == "recording") {
    const Recording& r = opened.recordings.subjects[subject];
    const Frames& train = opened.dataset->parts().train;
    const at::Tensor known =
        data::to_torch(io::Tensor::from_float32({r.parcels, r.samples}, r.ele.data()))
            .narrow(1, train.first * spec.block, train.count() * spec.block);
    moments.emplace(known, opened.recordings.path + "/" + r.subject + "/ele.npy");
    setting.moments = &*moments;
  }
  at::Tensor sum;
  for (const auto& model : opened.models) {
    const at::Tensor one = translate_recording(*model, ele, setting);
    sum = sum.defined() ? sum + one : one;
  }
  const at::Tensor mean = (sum / double(opened.models.size())).contiguous();
  io::write_npy(config.out, io::DType::kF32, {spec.targets, frames}, mean.data_ptr<float>());
  log::Table files{{"file", "targets", "frames", "seeds"}, {}};
  files.rows.push_back({config.out, spec.targets, frames, int64_t(opened.models.size())});
  result.tables.emplace_back("files", files);
  run.emit(result, "translate/1");
  return 0;
}

}  // namespace tenfold::samba_align
