#include "tools/samba-align/dataset.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "common/core/error.h"
#include "tools/samba-align/ele_feature.h"
#include "tools/samba-align/split.h"

namespace tenfold::samba_align {
namespace {

at::Tensor tensor_of(const std::vector<float>& values, int64_t rows, int64_t columns) {
  return at::from_blob(const_cast<float*>(values.data()), {rows, columns}, at::kFloat).clone();
}

// Frames first, first + stride, ... of `columns` each: a view where they are neighbours.
at::Tensor of_frames(const at::Tensor& series, int64_t first, int64_t stride, int64_t count,
                     int64_t columns) {
  if (stride == 1) return series.narrow(1, first * columns, count * columns);
  const int64_t all = ((count - 1) * stride + 1) * columns;
  return series.narrow(1, first * columns, all).unfold(1, columns, stride * columns).flatten(1);
}

// `used` [parcels, time], rows apart.
GraphPtr graph_of(const at::Tensor& used, const DatasetOptions& o) {
  const int64_t nodes = used.size(0);
  if (o.no_graph) return graph_of_selves(nodes);
  const std::vector<double> r =
      correlations(used.data_ptr<float>(), nodes, used.size(1), used.stride(0));
  return o.graph_degree > 0 ? graph_of_degree(r, nodes, o.graph_degree)
                            : graph_of_density(r, nodes, o.graph_density);
}

// Indices of the subjects that are trained, and of those that are tested.
std::pair<std::vector<size_t>, std::vector<size_t>> sides(const RecordingSet& recordings,
                                                          const std::vector<std::string>& tested) {
  std::vector<size_t> in, out;
  const auto& all = recordings.subjects;
  for (size_t s = 0; s < all.size(); ++s) {
    const bool test = std::find(tested.begin(), tested.end(), all[s].subject) != tested.end();
    (test ? out : in).push_back(s);
  }
  for (const std::string& name : tested) {
    if (std::any_of(out.begin(), out.end(), [&](size_t s) { return all[s].subject == name; }))
      continue;
    throw UsageError(fmt::format("--test-subjects: found no '{}' in {}", name, recordings.path));
  }
  if (tested.empty()) return {in, in};
  if (in.empty())
    throw UsageError("--test-subjects: found every subject, expected one to be left for training");
  return {in, out};
}

}  // namespace

Dataset::Dataset(const RecordingSet& recordings, const DatasetOptions& options)
    : options_(options), block_(recordings.block) {
  std::tie(trained_, tested_) = sides(recordings, options.test_subjects);
  int64_t frames = recordings.subjects[0].frames;
  for (const Recording& r : recordings.subjects) frames = std::min(frames, r.frames);
  const auto gap = int64_t(std::ceil(options.gap_s / recordings.tr - 1e-9));
  parts_ = split_parts(options.split, frames, options.frames, gap);
  if (greatest_stride(parts_) > 1 && options.context_frames > 0) {
    throw UsageError(fmt::format(
        "--context: found {} frames, expected 0: windows of --split {} are not contiguous",
        options.context_frames, options.split));
  }
  for (const Recording& r : recordings.subjects) {
    const std::string where = recordings.path + "/" + r.subject;
    std::vector<float> feature = r.ele;
    make_ele_feature(feature, r.parcels, r.samples, recordings.rate, options);
    at::Tensor ele = tensor_of(feature, r.parcels, r.samples),
               hemo = tensor_of(r.hemo, r.targets, r.frames);
    const Part used = options.graph_from == "all" ? Part{{0, r.frames}} : parts_.train;
    source_.push_back(graph_of(of_part(ele, used, block_), options));
    target_.push_back(graph_of(of_part(hemo, used, 1), options));
    std::unique_ptr<const Moments> ele_moments, hemo_moments;
    if (options.normalise == "recording") {
      ele_moments =
          std::make_unique<Moments>(of_part(ele, parts_.train, block_), where + "/ele.npy");
      hemo_moments = std::make_unique<Moments>(of_part(hemo, parts_.train, 1), where + "/hemo.npy");
      ele = ele_moments->normalised(ele);
      hemo = hemo_moments->normalised(hemo);
    }
    ele_moments_.push_back(std::move(ele_moments));
    hemo_moments_.push_back(std::move(hemo_moments));
    ele_.push_back(ele.contiguous());
    hemo_.push_back(hemo.contiguous());
    folders_.push_back(where);
  }
  training_starts_ = windows_in(parts_.train, options.frames, options.context_frames,
                                options.window_start == "any" ? 1 : options.frames);
  for (const char* part : {"train", "valid", "test"}) {
    if (!windows(part).empty()) continue;
    throw DataError(
        fmt::format("{}: the {} part holds no window of {} frames with {} frames of context before "
                    "it (of {} frames in all)",
                    recordings.path, part, options.frames, options.context_frames, frames));
  }
}

std::vector<WindowPlace> Dataset::windows(const std::string& part) const {
  const std::vector<Window> starts =
      windows_in(parts_.named(part), options_.frames, options_.context_frames, options_.frames);
  const bool test = part == "test", cross = options_.pairing == "cross";
  const std::vector<size_t>& subjects = test ? tested_ : trained_;
  const size_t n = subjects.size();
  std::vector<WindowPlace> places;
  for (size_t s = 0; s < n; ++s) {
    for (size_t w = 0; w < starts.size(); ++w) {
      const auto add = [&](size_t hemo) {
        places.push_back({subjects[s], subjects[hemo], starts[w].first, starts[w].stride});
      };
      if (!cross) add(s);
      if (cross && !test) add((s + w) % n);
      for (size_t partner = 0; cross && test && partner < n; ++partner) add(partner);
    }
  }
  return places;
}

std::vector<WindowPlace> Dataset::drawn(const Stream& stream, uint64_t first, int64_t count) const {
  std::vector<WindowPlace> places;
  const auto below = [&](uint64_t draw, size_t n) {
    return std::min(n - 1, size_t(stream.uniform(draw) * double(n)));
  };
  for (int64_t k = 0; k < count; ++k) {
    const uint64_t draw = 3 * (first + uint64_t(k));
    WindowPlace p;
    const Window& w = training_starts_[below(draw, training_starts_.size())];
    p.start = w.first;
    p.stride = w.stride;
    p.ele = p.hemo = trained_[below(draw + 1, trained_.size())];
    if (options_.pairing == "cross") p.hemo = trained_[below(draw + 2, trained_.size())];
    places.push_back(p);
  }
  return places;
}

at::Tensor Dataset::of_part(const at::Tensor& series, const Part& part, int64_t columns) {
  std::vector<at::Tensor> stretches;
  for (const Frames& f : part)
    stretches.push_back(of_frames(series, f.first, f.stride, f.count(), columns));
  return stretches.size() == 1 ? stretches[0] : at::cat(stretches, 1);
}

at::Tensor Dataset::window_of(const at::Tensor& series, const WindowPlace& place, int64_t columns,
                              int64_t context, const std::string& what) const {
  const int64_t count = options_.frames;
  // Where there is context, frames are neighbours.
  const at::Tensor whole =
      of_frames(series, place.start - context, place.stride, context + count, columns);
  if (options_.normalise == "recording") return whole;
  const at::Tensor own = whole.narrow(1, context * columns, count * columns);
  return Moments(own, what).normalised(whole);
}

Batch Dataset::batch(const std::vector<WindowPlace>& places) const {
  Batch b;
  std::vector<at::Tensor> x, y;
  for (const WindowPlace& p : places) {
    const auto named = [&](size_t subject, const char* file) {
      return fmt::format("{}/{}: window at frame {}", folders_[subject], file, p.start);
    };
    x.push_back(
        window_of(ele_[p.ele], p, block_, options_.context_frames, named(p.ele, "ele.npy")));
    y.push_back(window_of(hemo_[p.hemo], p, 1, 0, named(p.hemo, "hemo.npy")));
    b.source.push_back(source_[p.ele]);
    b.target.push_back(target_[p.hemo]);
  }
  b.x = at::stack(x);
  b.y = at::stack(y);
  return b;
}

}  // namespace tenfold::samba_align
