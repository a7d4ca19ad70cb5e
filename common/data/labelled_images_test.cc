#include "common/data/labelled_images.h"

#include <catch2/catch.hpp>

#include "common/core/error.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::data {
namespace {

io::Bytes idx(const std::vector<uint32_t>& header, const io::Bytes& content) {
  io::Bytes out;
  for (const uint32_t value : header)
    for (const int shift : {24, 16, 8, 0}) out.push_back(uint8_t(value >> shift));
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

void write(const std::string& path, const io::Bytes& bytes) {
  io::write_file_atomic(path, bytes.data(), bytes.size());
}

void write_images(const std::string& path, uint32_t count, uint32_t size) {
  write(path, idx({0x803, count, size, size}, io::Bytes(count * size * size, 7)));
}

void write_labels(const std::string& path, const io::Bytes& labels) {
  write(path, idx({0x801, uint32_t(labels.size())}, labels));
}

}  // namespace

TEST_CASE("images and labels of a part are found without .gz, and both files' digests named") {
  const io::Scratch scratch;
  write_images(scratch / "t10k-images-idx3-ubyte", 2, 28);
  write_labels(scratch / "t10k-labels-idx1-ubyte", {9, 0});
  const LabelledImages read = read_images_of_folder(scratch.path(), "t10k", "");
  CHECK(read.images.count == 2);
  CHECK(read.images.pixels.size() == 2 * 784);
  CHECK(read.labels == io::Bytes{9, 0});
  REQUIRE(read.digests.size() == 2);
  CHECK(read.digests[0].first == "t10k-images-idx3-ubyte");
  CHECK(read.digests[1].first == "t10k-labels-idx1-ubyte");
  CHECK(read.digests[0].second != read.digests[1].second);
}

TEST_CASE("a part that is not there is named with the advice") {
  const io::Scratch scratch;
  const auto done =
      io::outcome_of([&] { read_images_of_folder(scratch.path(), "train", "install it"); });
  CHECK(done.code == ExitCode::kInputMissing);
  CHECK(done.says("/train-images-idx3-ubyte.gz: not found; install it"));
}

TEST_CASE("another size, another number of labels and a label above 9 are refused") {
  const io::Scratch scratch;
  const std::string images = scratch / "images", labels = scratch / "labels";
  const auto read = [&] { return io::outcome_of([&] { read_labelled_images(images, labels); }); };
  write_images(images, 1, 14);
  write_labels(labels, {1});
  CHECK(read().code == ExitCode::kBadData);
  CHECK(read().says("images: found images of 14x14, expected 28x28"));
  write_images(images, 2, 28);
  CHECK(read().says("labels: found 1 labels, expected 2 as in"));
  write_labels(labels, {1, 10});
  CHECK(read().says("labels: label 1 is 10, expected 0..9"));
}

}  // namespace tenfold::data
