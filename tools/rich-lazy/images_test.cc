#include "tools/rich-lazy/images.h"

#include <array>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>

#include "common/io/scratch_for_test.h"
#include "tools/rich-lazy/trial_source.h"

namespace tenfold::rich_lazy {
namespace {

void put_number(io::Bytes& file, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(uint8_t(value >> shift));
}

// Image k has the pixel (k + 3 row + column) mod 256, and label k mod 10.
void write_images(const io::Scratch& folder, uint32_t count, uint32_t side = 28,
                  uint32_t labels = 0) {
  io::Bytes images, names;
  for (const uint32_t word : {0x803u, count, side, side}) put_number(images, word);
  for (uint32_t k = 0; k < count; ++k) {
    for (uint32_t r = 0; r < side; ++r) {
      for (uint32_t c = 0; c < side; ++c) images.push_back(uint8_t(k + 3 * r + c));
    }
  }
  const uint32_t named = labels == 0 ? count : labels;
  put_number(names, 0x801u);
  put_number(names, named);
  for (uint32_t k = 0; k < named; ++k) names.push_back(uint8_t(k % 10));
  io::write_file_atomic(folder / "train-images-idx3-ubyte", images.data(), images.size());
  io::write_file_atomic(folder / "train-labels-idx1-ubyte", names.data(), names.size());
}

}  // namespace

TEST_CASE("a step of sequential MNIST is a row of pixels over 255") {
  const io::Scratch folder;
  write_images(folder, 24);
  const Images images = read_images(folder.path());
  std::vector<int64_t> order(24);
  std::iota(order.begin(), order.end(), 0);
  Trials t;
  image_trials(images, order, 5, 3, t);
  REQUIRE((t.steps == 28 && t.inputs == 28 && t.batch == 3));
  for (const auto [step, trial, column] :
       {std::array<int64_t, 3>{0, 0, 0}, {27, 2, 27}, {9, 1, 4}}) {
    const float pixel = t.x[size_t((step * 3 + trial) * 28 + column)];
    CHECK(pixel == float((5 + trial + 3 * step + column) % 256) / 255.0f);
  }
  for (int64_t step = 0; step < 28; ++step) CHECK(t.labels[size_t(step * 3 + 2)] == 7);
}

TEST_CASE("a twelfth of the images is held back, the others keep one order") {
  const ImageSplit split = split_images(1, 60000), other = split_images(2, 60000);
  CHECK(split.training.size() == 55000);
  CHECK(split.held_back.size() == 5000);
  std::set<int64_t> all(split.training.begin(), split.training.end());
  all.insert(split.held_back.begin(), split.held_back.end());
  CHECK(all.size() == 60000);
  CHECK(split.training != other.training);
  CHECK(split.training == split_images(1, 60000).training);
}

TEST_CASE("training begins behind the evaluation batch and meets it at the end of an epoch") {
  const io::Scratch folder;
  write_images(folder, 24);  // 22 to train on: 11 batches of 2
  const Images images = read_images(folder.path());
  const TrialSource source(Task::kSequentialDigits, 1, 2, &images);
  const Trials evaluation = source.evaluation(10);
  CHECK(evaluation.batch == 2);
  Trials first, last, again;
  source.training(0, first);
  source.training(10, last);
  source.training(11, again);
  CHECK(first.x != evaluation.x);
  CHECK(last.x == evaluation.x);
  CHECK(again.x == first.x);
  CHECK(source.fresh(7).batch == 2);
  CHECK_THROWS_WITH(TrialSource(Task::kSequentialDigits, 1, 23, &images),
                    "--batch: found 23, expected at most 22 training images");
}

TEST_CASE("generated trials of training, evaluation and fresh ones differ") {
  const TrialSource source(Task::kTwoAlternatives, 1, 4, nullptr);
  Trials first, second;
  source.training(0, first);
  source.training(1, second);
  CHECK(first.x != second.x);
  const Trials evaluation = source.evaluation(1), fresh = source.fresh(4);
  CHECK(source.evaluation(10).batch == 40);
  CHECK(evaluation.x != first.x);
  CHECK(fresh.x != first.x);
  CHECK(fresh.x != evaluation.x);
}

TEST_CASE("images that are no MNIST are refused") {
  const io::Scratch folder;
  CHECK(io::outcome_of([&] { read_images(folder.path()); }).code == ExitCode::kInputMissing);
  write_images(folder, 3, 14);
  CHECK(io::outcome_of([&] { read_images(folder.path()); }).says("found images of 14x14"));
  write_images(folder, 3, 28, 2);
  CHECK(io::outcome_of([&] { read_images(folder.path()); }).says("found 2 labels, expected 3"));
}

}  // namespace tenfold::rich_lazy
