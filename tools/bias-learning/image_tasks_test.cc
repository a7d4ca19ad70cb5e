#include "tools/bias-learning/image_tasks.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "common/core/error.h"
#include "common/io/sha256.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"

namespace tenfold::bias_learning {
namespace {

// Two images whose pixel i is i / 783 and its complement.
Images ramp() {
  Images images;
  images.count = 2;
  images.labels = {9, 2};
  for (int64_t i = 0; i < kPixels; ++i) images.pixels.push_back(float(i) / 783.0f);
  for (int64_t i = 0; i < kPixels; ++i) images.pixels.push_back(1.0f - float(i) / 783.0f);
  return images;
}

// SHA-256 of the IDX file that holds these images, or their labels.
std::string idx_digest(const Images& images, bool pixels) {
  std::vector<uint8_t> file;
  const auto put = [&](int64_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(uint8_t(v >> shift));
  };
  put(pixels ? 0x803 : 0x801);
  put(images.count);
  if (pixels) {
    put(28);
    put(28);
    for (const float p : images.pixels) file.push_back(uint8_t(std::lround(p * 255)));
  } else {
    for (const int64_t y : images.labels) file.push_back(uint8_t(y));
  }
  return io::Sha256().add(file.data(), file.size()).hex();
}

}  // namespace

TEST_CASE("rot90 turns counter-clockwise: out[r][c] = in[c][27 - r]") {
  Images images = ramp();
  const std::vector<float> before = images.pixels;
  apply_view(images, "rot90", 0);
  // The right edge becomes the top row.
  CHECK(images.pixels[0] == before[27]);
  CHECK(images.pixels[27] == before[27 * 28 + 27]);
  CHECK(images.pixels[27 * 28] == before[0]);
  CHECK(images.pixels[784 + 5 * 28 + 3] == before[784 + 3 * 28 + 22]);
  for (int turn = 0; turn < 3; ++turn) apply_view(images, "rot90", 0);
  CHECK(images.pixels == before);
}

TEST_CASE("permute moves every pixel once, the same way in every image, and by the seed") {
  Images images = ramp(), other = ramp();
  apply_view(images, "permute", 3);
  apply_view(other, "permute", 4);
  std::vector<bool> seen(784, false);
  for (int64_t i = 0; i < kPixels; ++i) {
    const auto from = size_t(images.pixels[size_t(i)] * 783.0f + 0.5f);
    CHECK(!seen[from]);
    seen[from] = true;
    CHECK(images.pixels[size_t(784 + i)] == Approx(1 - images.pixels[size_t(i)]).margin(1e-6));
  }
  CHECK(images.pixels != other.pixels);
}

TEST_CASE("invert, relabel and parity are 1 - x, y + 3 mod 10 and y mod 2") {
  Images images = ramp();
  apply_view(images, "invert", 0);
  CHECK(images.pixels[0] == 1.0f);
  CHECK(images.pixels[783] == 0.0f);
  TaskName task;
  task.labelling = "relabel";
  CHECK(labels_of(images, task) == std::vector<int64_t>{2, 5});
  task.labelling = "parity";
  CHECK(labels_of(images, task) == std::vector<int64_t>{1, 0});
  CHECK(task.classes() == 2);
}

TEST_CASE("names of sources and tasks are taken apart, impossible ones refused") {
  const auto sources = parse_sources({"mnist", "mine=a", "b", "c", "d", "fashion"});
  REQUIRE(sources.size() == 3);
  CHECK(sources[1].files == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(parse_task("mine-rot90", sources).image_set() == "mine-rot90");
  CHECK(parse_task("mnist-relabel", sources).image_set() == "mnist");
  CHECK_THROWS_AS(parse_task("kmnist", sources), UsageError);
  CHECK_THROWS_AS(parse_task("mnist-rot45", sources), UsageError);
  CHECK_THROWS_AS(parse_sources({"a=x"}), UsageError);
  CHECK_THROWS_AS(parse_sources({"kmnist"}), UsageError);
  CHECK_THROWS_AS(parse_sources({"mnist", "mnist"}), UsageError);
}

TEST_CASE("missing MNIST files are named, and nothing else is read instead") {
  CHECK_THROWS_AS(load_source({"mine", {"/nonexistent/a", "/nonexistent/b"}}, 0, 0, ""),
                  MissingInput);
}

TEST_CASE("MNIST's files are read bit for bit") {
  const std::string folder = testing::fixtures_folder("bias-learning", "gz", __FILE__);
  if (folder.empty()) TENFOLD_SKIP("no fixtures of bias-learning");
  const DataSet set = load_source({"mnist", {}}, 0, 0, folder);
  CHECK(set.origin == "real");
  CHECK(set.train.count == 60000);
  CHECK(set.test.count == 10000);
  // SHA-256 by another program, of the files that have these MD5 sums:
  // 6bbc9ace898e44ae57da46a324031adb, a25bea736e30d166cdddb491f175f624,
  // 2646ac647ad5339dbf082846283269ea, 27ae3e4e09519cfbb04c329615203637.
  CHECK(idx_digest(set.train, true) ==
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db");
  CHECK(idx_digest(set.train, false) ==
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5");
  CHECK(idx_digest(set.test, true) ==
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7");
  CHECK(idx_digest(set.test, false) ==
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2");
}

TEST_CASE("mnist is looked for in its folder, then in TENFOLD_FIXTURES, and nowhere else") {
  const std::string folder = testing::fixtures_folder("bias-learning", "gz", __FILE__);
  if (folder.empty()) TENFOLD_SKIP("no fixtures of bias-learning");
  setenv("TENFOLD_FIXTURES", folder.c_str(), 1);
  CHECK(load_source({"mnist", {}}, 5, 5, "/nonexistent").train.labels ==
        std::vector<int64_t>{5, 0, 4, 1, 9});
  setenv("TENFOLD_FIXTURES", "/nonexistent", 1);
  CHECK_THROWS_AS(load_source({"mnist", {}}, 5, 5, "/nonexistent"), MissingInput);
  unsetenv("TENFOLD_FIXTURES");
  CHECK_THROWS_AS(load_source({"mnist", {}}, 5, 5, "/nonexistent"), MissingInput);
}

}  // namespace tenfold::bias_learning
