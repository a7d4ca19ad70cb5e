// Image tasks (specification, section 2.1): a data set of 28 x 28 images, a view of its pixels, and
// a labelling.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenfold::bias_learning {

constexpr int64_t kPixels = 784, kClasses = 10;

// What --solver ntk works on unless asked otherwise (specification, section 5.2).
constexpr int64_t kNtkSide = 10, kNtkPerClass = 20, kNtkTestImages = 500;

// Where MNIST is looked for first.
constexpr const char* kMnistFolder = "data/mnist";

// Where a data set's files are: "mnist", "fashion", or NAME=images,labels[,images,labels].
struct Source {
  std::string name;
  std::vector<std::string> files;  // 0: the usual place; 2 or 4: train pair, test pair
};

// From the cells of --data, which a comma separates as it does the files of one source. Throws
// UsageError for a name without files that is not known, one given twice, or one or three files.
std::vector<Source> parse_sources(const std::vector<std::string>& cells);

// "mnist-rot90": the source, then at most one suffix.
struct TaskName {
  std::string name, source, view;  // view: "", permute, invert or rot90
  std::string labelling;           // "", relabel: (y + 3) mod 10, or parity: y mod 2
  int64_t classes() const { return labelling == "parity" ? 2 : kClasses; }
  int64_t label(int64_t y) const {
    return labelling == "relabel" ? (y + 3) % kClasses : labelling == "parity" ? y % 2 : y;
  }
  std::string image_set() const { return view.empty() ? source : source + "-" + view; }
};

// Throws UsageError where the source is not among `sources`.
TaskName parse_task(const std::string& name, const std::vector<Source>& sources);

struct Images {
  int64_t count = 0;
  std::vector<float> pixels;  // [count, 784], 0..1, row by row (shrunk: [count, side * side])
  std::vector<int64_t> labels;
};

struct DataSet {
  Images train, test;
  std::string origin;                                        // "real" or "user"
  std::vector<std::pair<std::string, std::string>> digests;  // file name -> xxh3
};

// The first `train` and `test` images (0: all). `data_folder` is looked in for mnist first. With
// one pair the last sixth of the images is the test set. Throws MissingInput naming the file,
// DataError.
DataSet load_source(const Source& source, int64_t train, int64_t test,
                    const std::string& data_folder);

// The pixels as a task sees them: permute by one permutation of the 784 pixels from `seed`, invert
// 1 - x, rot90 counter-clockwise.
void apply_view(Images& images, const std::string& view, uint64_t seed);

// The labels of a task.
std::vector<int64_t> labels_of(const Images& images, const TaskName& task);

}  // namespace tenfold::bias_learning
