#include "common/data/labelled_images.h"

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/hash.h"

namespace tenfold::data {
namespace {

constexpr int64_t kPixels = 28, kClasses = 10;

std::string locate(const std::string& folder, const std::string& name, const std::string& advice) {
  const std::string packed = name + ".gz";
  for (const std::string& file : {packed, name})
    if (io::exists(folder + "/" + file)) return folder + "/" + file;
  throw MissingInput(fmt::format("{}/{}: not found; {}", folder, packed, advice));
}

}  // namespace

LabelledImages read_labelled_images(const std::string& images_path,
                                    const std::string& labels_path) {
  LabelledImages read{
      io::read_idx_images(images_path), io::read_idx_labels(labels_path).labels, {}};
  if (read.images.rows != kPixels || read.images.columns != kPixels) {
    throw DataError(fmt::format("{}: found images of {}x{}, expected 28x28", images_path,
                                read.images.rows, read.images.columns));
  }
  if (read.images.count != int64_t(read.labels.size())) {
    throw DataError(fmt::format("{}: found {} labels, expected {} as in {}", labels_path,
                                read.labels.size(), read.images.count, images_path));
  }
  for (size_t i = 0; i < read.labels.size(); ++i) {
    if (read.labels[i] >= kClasses) {
      throw DataError(
          fmt::format("{}: label {} is {}, expected 0..9", labels_path, i, read.labels[i]));
    }
  }
  for (const std::string& path : {images_path, labels_path})
    read.digests.emplace_back(path.substr(path.rfind('/') + 1), io::xxh3_file(path));
  return read;
}

LabelledImages read_images_of_folder(const std::string& folder, const std::string& part,
                                     const std::string& advice) {
  const std::string images = locate(folder, part + "-images-idx3-ubyte", advice);
  return read_labelled_images(images, locate(folder, part + "-labels-idx1-ubyte", advice));
}

}  // namespace tenfold::data
