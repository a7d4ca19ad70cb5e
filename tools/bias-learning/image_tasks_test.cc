#include "tools/bias-learning/image_tasks.h"

#include <catch2/catch.hpp>

#include "common/core/error.h"
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

TEST_CASE("invert and relabel are 1 - x and y + 3 mod 10") {
  Images images = ramp();
  apply_view(images, "invert", 0);
  CHECK(images.pixels[0] == 1.0f);
  CHECK(images.pixels[783] == 0.0f);
  TaskName task;
  task.relabel = true;
  CHECK(labels_of(images, task) == std::vector<int64_t>{2, 5});
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
  const DataSet set =
      load_source({"mnist",
                   {folder + "/train-images-idx3-ubyte.gz", folder + "/train-labels-idx1-ubyte.gz",
                    folder + "/t10k-images-idx3-ubyte.gz", folder + "/t10k-labels-idx1-ubyte.gz"}},
                  0, 0, "");
  CHECK(set.train.count == 60000);
  CHECK(set.test.count == 10000);
  // As every copy of the data set has them.
  CHECK(std::vector<int64_t>(set.train.labels.begin(), set.train.labels.begin() + 10) ==
        std::vector<int64_t>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4});
  CHECK(std::vector<int64_t>(set.test.labels.begin(), set.test.labels.begin() + 5) ==
        std::vector<int64_t>{7, 2, 1, 0, 4});
  double sum = 0;
  for (const float p : set.train.pixels) sum += p;
  CHECK(sum / double(set.train.pixels.size()) == Approx(0.13066).epsilon(1e-4));
}

}  // namespace tenfold::bias_learning
