// Image data sets of ten classes in IDX files: MNIST, FashionMNIST and what is laid out like them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/io/file.h"
#include "common/io/idx.h"

namespace tenfold::data {

// Where Debian's dataset-fashion-mnist puts its files.
constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

struct LabelledImages {
  io::IdxImages images;                                      // of 28 x 28 pixels
  io::Bytes labels;                                          // [images.count], 0..9
  std::vector<std::pair<std::string, std::string>> digests;  // file name -> xxh3 of both files
};

// Throws DataError for another size of image, another number of labels than of images, or a label
// above 9; what the readers of IDX files throw besides.
LabelledImages read_labelled_images(const std::string& images_path, const std::string& labels_path);

// PART-images-idx3-ubyte and PART-labels-idx1-ubyte of `folder`, plain or with .gz (which counts
// where both are there). Throws MissingInput that ends in `advice` too.
LabelledImages read_images_of_folder(const std::string& folder, const std::string& part,
                                     const std::string& advice);

}  // namespace tenfold::data
