// `translate`: a whole recording of one modality into the other.

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/array_file.h"
#include "common/io/npy.h"
#include "common/io/npy_writer.h"
#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/ele_feature.h"
#include "tools/samba-align/opened_run.h"
#include "tools/samba-align/recording_translation.h"

namespace tenfold::samba_align {
namespace {

// What stands in messages of a file of one modality.
struct Expected {
  int64_t rows, columns;  // parcels; columns of a window
  std::string of;
};

// [rows, time] float32, finite.
std::vector<float> read_series(const std::string& path, const Expected& expected,
                               int64_t& columns) {
  const io::Bytes file = io::read_file(path);
  io::refuse_pickle(file, path);
  const io::Tensor t = io::parse_npy(file, path);
  if (t.shape.size() != 2 || t.shape[0] != expected.rows) {
    std::string found;
    for (const int64_t n : t.shape) found += fmt::format("{}{}", found.empty() ? "" : ", ", n);
    throw DataError(fmt::format("{}: found the shape [{}], expected [{}, {}]", path, found,
                                expected.rows, expected.of));
  }
  if (t.shape[1] < expected.columns) {
    throw DataError(fmt::format("{}: found {} columns, expected a window's {} at least", path,
                                t.shape[1], expected.columns));
  }
  columns = t.shape[1];
  std::vector<float> values = t.to_float32(path);
  const auto wrong =
      std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  if (wrong == values.end()) return values;
  const int64_t at = wrong - values.begin();
  throw DataError(fmt::format("{}: found {} at row {}, column {}, expected finite numbers", path,
                              *wrong, at / columns, at % columns));
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

}  // namespace

int translate_file(const TranslateConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const OpenedRun opened = open_run(config.run, config.data, config.weights);
  const ModelSpec& spec = opened.stored.spec;
  const bool back = spec.direction == "hemo2ele";
  if (back != config.ele.empty()) {
    throw UsageError(fmt::format("{}: the run's model translates {}, expected {}",
                                 back ? "--ele" : "--hemo", spec.direction,
                                 back ? "--hemo" : "--ele"));
  }
  const size_t subject = subject_of(config.subject, opened.recordings);
  const std::string& path = back ? config.hemo : config.ele;
  const Expected expected =
      back ? Expected{spec.targets, spec.frames, "frames"}
           : Expected{spec.parcels, spec.window(), fmt::format("samples at {} Hz", spec.rate)};
  int64_t columns = 0;
  std::vector<float> values = read_series(path, expected, columns);
  if (!back) {
    make_ele_feature(values, spec.parcels, columns, spec.rate,
                     dataset_options(opened.stored.config, opened.recordings));
  }
  const int64_t frames = back ? columns : columns / spec.block;
  const at::Tensor series =
      data::to_torch(io::Tensor::from_float32({expected.rows, columns}, values.data()))
          .narrow(1, 0, back ? frames : frames * spec.block);
  log::Result result = opened_result(opened);
  result.data.emplace_back(back ? "hemo" : "ele", path);
  result.data.emplace_back("translated_frames", frames);
  if (!back) {
    result.data.emplace_back("frames_without_whole_context", std::min(frames, spec.context_frames));
  }
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
  const Dataset& known = *opened.dataset;
  const TranslationSetting setting{known.source_graph(subject), known.target_graph(subject),
                                   back ? known.hemo_moments(subject) : known.ele_moments(subject),
                                   path};
  at::Tensor sum;
  for (const auto& model : opened.models) {
    const at::Tensor one = translate_recording(*model, series, setting);
    sum = sum.defined() ? sum + one : one;
  }
  const at::Tensor mean = (sum / double(opened.models.size())).contiguous();
  io::write_npy(config.out, io::DType::kF32, mean.sizes().vec(), mean.data_ptr<float>());
  log::Table files{{"file", "parcels", "times", "seeds"}, {}};
  files.rows.push_back({config.out, mean.size(0), mean.size(1), int64_t(opened.models.size())});
  result.tables.emplace_back("files", files);
  run.emit(result, "translate/1");
  return 0;
}

}  // namespace tenfold::samba_align
