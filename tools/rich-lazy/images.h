// Sequential MNIST (specification, section 2.2): a row of pixels a step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/rich-lazy/tasks.h"

namespace tenfold::rich_lazy {

struct Images {
  std::vector<std::string> files;  // images, labels
  int64_t count = 0;
  std::vector<float> pixels;    // [count, 28, 28], 0..1
  std::vector<int64_t> labels;  // [count]
};

// train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or .gz, of a folder; "": data/mnist,
// or else bias-learning in the folder that TENFOLD_FIXTURES names. Throws MissingInput telling
// where MNIST is to be had, DataError: images of another size, another number of labels, a label
// above 9.
Images read_images(const std::string& data_dir);

// Which images a seed trains on, in an order that every epoch keeps, and which it holds back: one
// in twelve (5,000 of 60,000).
struct ImageSplit {
  std::vector<int64_t> training, held_back;
};
ImageSplit split_images(uint64_t seed, int64_t count);

// x [28, count, 28], labels [28, count] (the same at every step) of images order[first], ...
void image_trials(const Images& images, const std::vector<int64_t>& order, int64_t first,
                  int64_t count, Trials& out);

}  // namespace tenfold::rich_lazy
