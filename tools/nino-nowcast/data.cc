#include "tools/nino-nowcast/data.h"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "common/core/error.h"
#include "common/data/labelled_images.h"
#include "common/io/file.h"
#include "common/io/hash.h"

namespace tenfold::nino_nowcast {
namespace {

struct Normalisation {
  std::vector<double> mean, stddev;
};

// FashionMNIST is normalised with MNIST's numbers, CIFAR-100 with CIFAR-10's: as in the official
// code.
const Normalisation kGray = {{0.1307}, {0.3081}};
const Normalisation kColour = {{0.49139968, 0.48215827, 0.44653124},
                               {0.24703233, 0.24348505, 0.26158768}};

at::Tensor normalised(const uint8_t* pixels, int64_t n, int64_t channels, int64_t size,
                      int64_t image_size, const Normalisation& norm) {
  at::Tensor x = at::empty({n, channels, size, size}, at::TensorOptions().dtype(at::kFloat));
  float* out = x.data_ptr<float>();
  for (int64_t i = 0; i < x.numel(); ++i) out[i] = float(pixels[i]) / 255.0f;
  if (image_size != size) x = at::avg_pool2d(x, {2, 2});
  for (int64_t c = 0; c < channels; ++c) x.select(1, c).sub_(norm.mean[c]).div_(norm.stddev[c]);
  return x;
}

at::Tensor label_tensor(const std::vector<int64_t>& labels, int64_t n) {
  at::Tensor y = at::empty({n}, at::TensorOptions().dtype(at::kLong));
  std::memcpy(y.data_ptr<int64_t>(), labels.data(), size_t(n) * sizeof(int64_t));
  return y;
}

int64_t training_examples(int64_t n) { return n - n / 12; }

struct Raw {
  std::vector<uint8_t> pixels;
  std::vector<int64_t> labels;
  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

Raw read_fashion_part(const std::string& folder, const std::string& part, ImageData& data) {
  data::LabelledImages read = data::read_images_of_folder(
      folder, part, "install the Debian package dataset-fashion-mnist or give --data-dir");
  data.digests.insert(data.digests.end(), read.digests.begin(), read.digests.end());
  return {std::move(read.images.pixels), {read.labels.begin(), read.labels.end()}};
}

Raw read_cifar_part(const std::string& folder, const std::vector<std::string>& files,
                    int64_t label_bytes, ImageData& data) {
  Raw raw;
  for (const std::string& name : files) {
    const std::string path = folder + "/" + name;
    if (!io::exists(path)) {
      throw MissingInput(path + ": not found; --data-dir must hold the CIFAR binary batches");
    }
    parse_cifar(io::read_file(path), label_bytes, data.classes, path, raw.pixels, raw.labels);
    data.digests.emplace_back(name, io::xxh3_file(path));
  }
  return raw;
}

void fill(ImageData& data, const Raw& train, const Raw& test, int64_t channels, int64_t size,
          int64_t image_size, const Normalisation& norm) {
  const int64_t n = training_examples(train.count());
  data.train_x = normalised(train.pixels.data(), n, channels, size, image_size, norm);
  data.train_y = label_tensor(train.labels, n);
  data.test_x = normalised(test.pixels.data(), test.count(), channels, size, image_size, norm);
  data.test_y = label_tensor(test.labels, test.count());
}

}  // namespace

void parse_cifar(const std::vector<uint8_t>& bytes, int64_t label_bytes, int64_t classes,
                 const std::string& file, std::vector<uint8_t>& pixels,
                 std::vector<int64_t>& labels) {
  const int64_t pixel_bytes = 3 * 32 * 32, record = label_bytes + pixel_bytes;
  const int64_t total = static_cast<int64_t>(bytes.size());
  if (total == 0 || total % record != 0) {
    throw DataError(fmt::format("{}: found {} bytes, expected a multiple of {} (CIFAR records)",
                                file, total, record));
  }
  for (int64_t i = 0; i < total; i += record) {
    const int64_t label = bytes[i + label_bytes - 1];
    if (label >= classes) {
      throw DataError(fmt::format("{}: record {} has label {}, expected 0..{}", file, i / record,
                                  label, classes - 1));
    }
    labels.push_back(label);
    const auto first = bytes.begin() + i + label_bytes;
    pixels.insert(pixels.end(), first, first + pixel_bytes);
  }
}

ImageData load_images(const std::string& name, const std::string& folder, int64_t image_size) {
  ImageData data;
  data.name = name;
  if (name == "fashion-mnist") {
    const std::string place = folder.empty() ? data::kFashionMnistFolder : folder;
    const Raw train = read_fashion_part(place, "train", data);
    const Raw test = read_fashion_part(place, "t10k", data);
    fill(data, train, test, 1, 28, image_size, kGray);
    return data;
  }
  if (folder.empty()) {
    throw UsageError(fmt::format("--data-dir: missing; {} is read from its binary batches", name));
  }
  const bool fine = name == "cifar100";
  data.classes = fine ? 100 : 10;
  const std::vector<std::string> train_files =
      fine ? std::vector<std::string>{"train.bin"}
           : std::vector<std::string>{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                      "data_batch_4.bin", "data_batch_5.bin"};
  const Raw train = read_cifar_part(folder, train_files, fine ? 2 : 1, data);
  const Raw test =
      read_cifar_part(folder, {fine ? "test.bin" : "test_batch.bin"}, fine ? 2 : 1, data);
  fill(data, train, test, 3, 32, 32, kColour);
  return data;
}

}  // namespace tenfold::nino_nowcast
