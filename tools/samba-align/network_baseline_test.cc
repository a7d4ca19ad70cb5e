#include "tools/samba-align/network_baseline.h"

#include <catch2/catch.hpp>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

// Targets that follow the features of the frame before, so that a window's first frame needs lead.
FramePair delayed(uint64_t seed, int64_t frames) {
  const Stream stream(seed, "features");
  FramePair pair{Matrix(frames, 3), Matrix::Zero(frames, 2)};
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t k = 0; k < 3; ++k) pair.features(f, k) = stream.normal(uint64_t(3 * f + k));
  for (int64_t f = 1; f < frames; ++f) {
    pair.targets(f, 0) = pair.features(f - 1, 0);
    pair.targets(f, 1) = pair.features(f - 1, 1) - pair.features(f - 1, 2);
  }
  pair.features.col(2).array() += 100;  // standardised away
  return pair;
}

const Parts kParts{{{0, 280}}, {{290, 350}}, {{355, 400}}};

NetworkBaselineOptions small(const char* kind) {
  NetworkBaselineOptions o;
  o.kind = kind;
  o.frames = 6;
  o.hidden = 24;
  o.width = 64;
  o.lr = 5e-3;
  o.trained = o.asked = {0};
  return o;
}

double mean_r(const Translation& t) {
  double sum = 0;
  for (const ParcelMetrics& m : parcel_metrics(t, 1)) sum += m.pearson.value_or(0);
  return sum / double(t.targets);
}

}  // namespace

TEST_CASE("both networks learn a delayed map, and the windows are the part's") {
  const FramePair pair = delayed(1, 400);
  for (const char* kind : {"mlp", "lstm"}) {
    CAPTURE(kind);
    const NetworkBaseline b = train_network_baseline({pair}, kParts, kParts.test, small(kind), 3);
    CHECK(b.translation.windows == 7);  // 45 frames hold 7 windows of 6
    CHECK(b.translation.truth[0] == Approx(pair.targets(355, 0)));
    CHECK(b.best_valid_loss < 0.6 * b.first_valid_loss);
    CHECK(b.best_iteration > 0);
    CHECK(mean_r(b.translation) > 0.6);
    const NetworkBaseline again =
        train_network_baseline({pair}, kParts, kParts.test, small(kind), 3);
    CHECK(again.translation.translated == b.translation.translated);
  }
}

TEST_CASE("targets of somebody else are not predicted") {
  FramePair pair = delayed(1, 400);
  pair.targets = delayed(2, 400).targets;
  const NetworkBaseline b = train_network_baseline({pair}, kParts, kParts.test, small("lstm"), 3);
  CHECK(std::abs(mean_r(b.translation)) < 0.35);
}

TEST_CASE("parameters are counted as the layers say") {
  NetworkBaselineOptions o = small("mlp");
  o.iterations = 1;
  const FramePair pair = delayed(1, 400);
  CHECK(train_network_baseline({pair}, kParts, kParts.test, o, 0).parameters ==
        (18 * 64 + 64) + (64 * 64 + 64) + (64 * 12 + 12));
  o.kind = "lstm";
  CHECK(train_network_baseline({pair}, kParts, kParts.test, o, 0).parameters ==
        4 * 24 * (3 + 24 + 2) + 4 * 24 * (24 + 24 + 2) + 24 * 2 + 2);
}

}  // namespace tenfold::samba_align
