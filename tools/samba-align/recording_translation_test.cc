#include "tools/samba-align/recording_translation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <catch2/catch.hpp>

#include "common/core/philox.h"
#include "tools/samba-align/dataset.h"

namespace tenfold::samba_align {
namespace {

constexpr int64_t kParcels = 4, kTargets = 6, kBlock = 20, kFrames = 200, kLength = 5;

std::vector<float> normal(int64_t count, const char* name) {
  std::vector<float> x(static_cast<size_t>(count));
  Stream(4, name).fill_normal(x.data(), count, 2, 3);
  return x;
}

RecordingSet recordings() {
  RecordingSet set;
  set.path = "memory";
  set.rate = 10;
  set.tr = 2;
  set.block = kBlock;
  Recording r;
  r.parcels = kParcels;
  r.targets = kTargets;
  r.frames = kFrames;
  r.samples = kFrames * kBlock;
  r.ele = normal(r.parcels * r.samples, "ele");
  r.hemo = normal(r.targets * r.frames, "hemo");
  set.subjects.push_back(r);
  return set;
}

ModelSpec spec() {
  ModelSpec s;
  s.parcels = kParcels;
  s.targets = kTargets;
  s.block = kBlock;
  s.rate = 10;
  s.frames = s.context_frames = kLength;
  s.patches = 2;
  s.levels = 1;
  s.dense = 8;
  s.hrf.hidden = {4};
  s.hrf.seconds = 10;
  return s;
}

}  // namespace

TEST_CASE("windows cover a recording, the last one to its end") {
  CHECK(covering_windows(30, 15) == std::vector<int64_t>{0, 15});
  CHECK(covering_windows(32, 15) == std::vector<int64_t>{0, 15, 17});
  CHECK(covering_windows(15, 15) == std::vector<int64_t>{0});
}

TEST_CASE("a recording's translation is that of its windows as the data set cuts them") {
  const at::NoGradGuard guard;
  const RecordingSet set = recordings();
  const std::unique_ptr<Model> made = make_model(spec(), 1);
  const Model& model = *made;
  for (const char* normalise : {"recording", "window"}) {
    CAPTURE(normalise);
    DatasetOptions options;
    options.frames = options.context_frames = kLength;
    options.normalise = normalise;
    options.gap_s = 10;
    const Dataset dataset(set, options);
    const auto expected = [&](int64_t start) {
      return model.forward(dataset.batch({{0, 0, start}}), std::nullopt).y_hat[0];
    };
    const auto same = [](const at::Tensor& a, const at::Tensor& b) {
      return (a - b).abs().max().item<double>() < 1e-5;
    };
    const at::Tensor ele = at::from_blob(const_cast<float*>(set.subjects[0].ele.data()),
                                         {kParcels, kFrames * kBlock}, at::kFloat);
    const Moments moments(Dataset::of_part(ele, dataset.parts().train, kBlock), "memory");
    const TranslationSetting setting{dataset.source_graph(0), dataset.target_graph(0),
                                     std::string(normalise) == "recording" ? &moments : nullptr,
                                     "memory"};
    const at::Tensor whole = translate_recording(model, ele, setting);
    CHECK(whole.sizes() == at::IntArrayRef({kTargets, kFrames}));
    for (const int64_t start : {5, 100, 195})
      CHECK(same(whole.narrow(1, start, kLength), expected(start)));
    // 98 frames: the last three are of a window that begins at frame 93.
    const at::Tensor shorter = translate_recording(model, ele.narrow(1, 0, 98 * kBlock), setting);
    CHECK(shorter.size(1) == 98);
    CHECK(same(shorter.narrow(1, 90, 5), expected(90)));
    CHECK(same(shorter.narrow(1, 95, 3), expected(93).narrow(1, 2, 3)));
  }
}

}  // namespace tenfold::samba_align
