// `encode`: a latent of every window as arrays, to be analysed elsewhere (specification, section
// 3.9).

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/io/npz_writer.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/opened_run.h"
#include "tools/samba-align/window_features.h"

namespace tenfold::samba_align {

int encode(const EncodeConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: samba-align computes on the CPU");
  const OpenedRun opened = open_run(config.run, config.data, config.weights);
  const ModelSpec& spec = opened.stored.spec;
  const std::vector<std::string> names = latent_names(spec);
  if (std::find(names.begin(), names.end(), config.latent) == names.end())
    throw UsageError(no_latent(config.latent, names));
  const std::vector<LabelledWindow> windows = labelled_windows(
      opened.recordings, opened.dataset->parts(), spec.frames, config.stride, spec.context_frames);
  std::vector<int64_t> start;
  std::vector<int32_t> part, label, subject;
  for (const LabelledWindow& w : windows) {
    start.push_back(w.start);
    part.push_back(int32_t(w.part));
    label.push_back(int32_t(w.label));
    subject.push_back(int32_t(w.subject));
  }
  const std::string folder = run.options().out.empty() ? config.run : run.options().out;
  log::Result result = opened_result(opened);
  result.data.emplace_back("windows", int64_t(windows.size()));
  if (run.options().dry_run) {
    run.emit(result, "encode/1");
    return 0;
  }
  log::Table files{{"seed", "file", "windows", "dimensions"}, {}};
  for (const auto& [seed, model] : opened.seed_models()) {
    const std::string end = opened.models.size() == 1 ? "" : fmt::format("-{}", seed);
    const std::string path = fmt::format("{}/latent_{}{}.npz", folder, config.latent, end);
    const FeatureSet set = latent_features(*model, *opened.dataset, windows, {config.latent})[0];
    const FloatMatrix x = set.x.cast<float>();
    const auto count = int64_t(windows.size());
    using io::DType;
    io::write_npz(path, {{"x", DType::kF32, {count, x.cols()}, x.data()},
                         {"start_frame", DType::kI64, {count}, start.data()},
                         {"part", DType::kI32, {count}, part.data()},
                         {"label", DType::kI32, {count}, label.data()},
                         {"subject", DType::kI32, {count}, subject.data()}});
    files.rows.push_back({seed, path, count, int64_t(x.cols())});
  }
  result.tables.emplace_back("files", files);
  run.emit(result, "encode/1");
  return 0;
}

}  // namespace tenfold::samba_align
