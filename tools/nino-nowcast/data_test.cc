#include "tools/nino-nowcast/data.h"

#include <ATen/TensorOperators.h>

#include <catch2/catch.hpp>
#include <numeric>

#include "common/io/file.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::nino_nowcast {
namespace {

using io::Bytes;

void append_big_endian(Bytes& out, uint32_t value) {
  for (int shift : {24, 16, 8, 0}) out.push_back(uint8_t(value >> shift));
}

// `count` images whose pixel i of image n is n + i, and labels n mod 10.
void write_fashion(const std::string& folder, const std::string& part, uint32_t count) {
  Bytes images, labels;
  for (uint32_t value : {0x803u, count, 28u, 28u}) append_big_endian(images, value);
  for (uint32_t value : {0x801u, count}) append_big_endian(labels, value);
  for (uint32_t n = 0; n < count; ++n) {
    for (uint32_t i = 0; i < 28 * 28; ++i) images.push_back(uint8_t(n + i));
    labels.push_back(uint8_t(n % 10));
  }
  io::write_file_atomic(folder + "/" + part + "-images-idx3-ubyte", images.data(), images.size());
  io::write_file_atomic(folder + "/" + part + "-labels-idx1-ubyte", labels.data(), labels.size());
}

float gray(double level) { return float((level / 255 - 0.1307) / 0.3081); }

Bytes cifar_record(const Bytes& labels, uint8_t red, uint8_t green, uint8_t blue) {
  Bytes record = labels;
  for (uint8_t level : {red, green, blue}) record.insert(record.end(), 1024, level);
  return record;
}

}  // namespace

TEST_CASE("the last twelfth of the training images is dropped, no test image is") {
  const io::Scratch scratch;
  write_fashion(scratch.path(), "train", 30);
  write_fashion(scratch.path(), "t10k", 12);
  const ImageData data = load_images("fashion-mnist", scratch.path(), 28);
  REQUIRE(data.train_x.sizes() == at::IntArrayRef({28, 1, 28, 28}));
  REQUIRE(data.test_x.size(0) == 12);
  REQUIRE(data.train_y[27].item<int64_t>() == 7);
  REQUIRE(data.digests.size() == 4);
}

TEST_CASE("pixels are scaled to 0..1 and normalised with MNIST's numbers") {
  const io::Scratch scratch;
  write_fashion(scratch.path(), "train", 2);
  write_fashion(scratch.path(), "t10k", 1);
  const ImageData data = load_images("fashion-mnist", scratch.path(), 28);
  REQUIRE(data.train_x[0][0][0][5].item<float>() == Approx(gray(5)));
  REQUIRE(data.train_x[1][0][1][0].item<float>() == Approx(gray(29)));
}

TEST_CASE("14x14 images are means of 2x2 pixels, normalised afterwards") {
  const io::Scratch scratch;
  write_fashion(scratch.path(), "train", 1);
  write_fashion(scratch.path(), "t10k", 1);
  const ImageData data = load_images("fashion-mnist", scratch.path(), 14);
  REQUIRE(data.train_x.sizes() == at::IntArrayRef({1, 1, 14, 14}));
  // Pixels 2, 3 and, a row below, 30, 31.
  REQUIRE(data.train_x[0][0][0][1].item<float>() == Approx(gray((2 + 3 + 30 + 31) / 4.0)));
}

TEST_CASE("more labels than images are refused with both numbers") {
  const io::Scratch scratch;
  write_fashion(scratch.path(), "train", 3);
  write_fashion(scratch.path(), "t10k", 1);
  Bytes labels;
  for (uint32_t value : {0x801u, 4u}) append_big_endian(labels, value);
  labels.insert(labels.end(), {0, 1, 2, 3});
  io::write_file_atomic(scratch / "train-labels-idx1-ubyte", labels.data(), labels.size());
  const auto done = io::outcome_of([&] { load_images("fashion-mnist", scratch.path(), 28); });
  REQUIRE(done.code == ExitCode::kBadData);
  REQUIRE(done.says("found 4 labels, expected 3"));
}

TEST_CASE("CIFAR records are label, red, green, blue; CIFAR-100 counts the fine label") {
  Bytes ten = cifar_record({3}, 1, 2, 3), hundred = cifar_record({7, 42}, 4, 5, 6), pixels;
  std::vector<int64_t> labels;
  parse_cifar(ten, 1, 10, "a.bin", pixels, labels);
  parse_cifar(hundred, 2, 100, "b.bin", pixels, labels);
  REQUIRE(labels == std::vector<int64_t>{3, 42});
  REQUIRE(pixels.size() == 2 * 3072);
  REQUIRE(pixels[1023] == 1);
  REQUIRE(pixels[1024] == 2);
  REQUIRE(pixels[3071] == 3);
  REQUIRE(pixels[3072] == 4);
}

TEST_CASE("a CIFAR file of another length or with a label out of range is refused") {
  Bytes pixels;
  std::vector<int64_t> labels;
  Bytes cut = cifar_record({3}, 1, 2, 3);
  cut.pop_back();
  const auto parse = [&](const Bytes& bytes) {
    return io::outcome_of([&] { parse_cifar(bytes, 1, 10, "a.bin", pixels, labels); });
  };
  REQUIRE(parse(cut).says("a.bin: found 3072 bytes, expected a multiple of 3073"));
  REQUIRE(parse({}).code == ExitCode::kBadData);
  REQUIRE(parse(cifar_record({10}, 0, 0, 0)).says("record 0 has label 10, expected 0..9"));
}

}  // namespace tenfold::nino_nowcast
