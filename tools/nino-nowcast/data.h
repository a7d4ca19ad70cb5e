// Image data sets: FashionMNIST (IDX files) and CIFAR-10/100 (binary batches), as normalised
// tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenfold::nino_nowcast {

struct ImageData {
  std::string name;  // "fashion-mnist", "cifar10" or "cifar100"
  int64_t classes = 10;
  at::Tensor train_x, test_x;  // [n, channel, row, column] float32, normalised (specification, 2.1)
  at::Tensor train_y, test_y;  // [n] int64
  std::vector<std::pair<std::string, std::string>> digests;  // file name -> xxh3 of every file read
};

// Reads `name` from `folder` ("" for the data set's usual place). The training set is the first
// n - floor(n / 12) examples. `image_size` 14 pools 28x28 images 2x2 by the mean before
// normalising. Throws MissingInput (naming the package or the expected files), DataError,
// UsageError.
ImageData load_images(const std::string& name, const std::string& folder, int64_t image_size);

// CIFAR records: `label_bytes` labels (the last one counts), then 3 x 32 x 32 bytes. For tests.
// Throws DataError when the length is not a multiple of the record or a label is out of range.
void parse_cifar(const std::vector<uint8_t>& bytes, int64_t label_bytes, int64_t classes,
                 const std::string& file, std::vector<uint8_t>& pixels,
                 std::vector<int64_t>& labels);

}  // namespace tenfold::nino_nowcast
