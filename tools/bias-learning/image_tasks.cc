#include "tools/bias-learning/image_tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/data/labelled_images.h"

namespace tenfold::bias_learning {
namespace {

using data::LabelledImages;

constexpr const char* kMnistTest = "t10k-images-idx3-ubyte";
constexpr int64_t kSide = 28;

std::string mnist_folder(const std::string& data_folder) {
  std::vector<std::string> places = {data_folder};
  if (const char* fixtures = std::getenv("TENFOLD_FIXTURES")) {
    places.push_back(std::string(fixtures) + "/bias-learning");
    places.emplace_back(fixtures);
  }
  for (const std::string& place : places)
    for (const char* ending : {".gz", ""})
      if (io::exists(place + "/" + kMnistTest + ending)) return place;
  throw MissingInput(
      fmt::format("{}/{}[.gz]: not found, nor in a folder named by TENFOLD_FIXTURES; give --data "
                  "mnist=IMAGES,LABELS[,IMAGES,LABELS] (train pair, test pair)",
                  places.front(), kMnistTest));
}

Images taken(const LabelledImages& from, int64_t first, int64_t count) {
  Images out;
  out.count = count;
  const uint8_t* bytes = from.images.pixels.data() + first * kPixels;
  out.pixels.resize(size_t(count * kPixels));
  for (size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = float(bytes[i]) / 255.0f;
  out.labels.assign(from.labels.begin() + first, from.labels.begin() + first + count);
  return out;
}

int64_t at_most(int64_t wanted, int64_t there, const std::string& option, const std::string& name) {
  if (wanted > there) {
    throw UsageError(fmt::format("--{}: found {}, but {} has {}", option, wanted, name, there));
  }
  return wanted == 0 ? there : wanted;
}

}  // namespace

std::vector<Source> parse_sources(const std::vector<std::string>& cells) {
  std::vector<Source> sources;
  for (const std::string& cell : cells) {
    const size_t equals = cell.find('=');
    if (equals != std::string::npos) {
      sources.push_back({cell.substr(0, equals), {cell.substr(equals + 1)}});
    } else if (cell == "mnist" || cell == "fashion") {
      sources.push_back({cell, {}});
    } else if (!sources.empty() && !sources.back().files.empty()) {
      sources.back().files.push_back(cell);
    } else {
      throw UsageError(fmt::format(
          "--data: found '{}', expected mnist, fashion or NAME=IMAGES,LABELS[,IMAGES,LABELS]",
          cell));
    }
  }
  std::set<std::string> names;
  for (const Source& s : sources) {
    if (s.name.empty() || s.name.find_first_of("-/") != std::string::npos)
      throw UsageError(
          fmt::format("--data: found the name '{}', expected one without - and /", s.name));
    if (!names.insert(s.name).second)
      throw UsageError(fmt::format("--data: {} is there twice", s.name));
    if (!s.files.empty() && s.files.size() != 2 && s.files.size() != 4)
      throw UsageError(fmt::format("--data: {} has {} files, expected images,labels or two pairs",
                                   s.name, s.files.size()));
  }
  return sources;
}

TaskName parse_task(const std::string& name, const std::vector<Source>& sources) {
  TaskName task;
  task.name = name;
  const size_t dash = name.find('-');
  task.source = name.substr(0, dash);
  const std::string suffix = dash == std::string::npos ? "" : name.substr(dash + 1);
  const bool known = std::any_of(sources.begin(), sources.end(),
                                 [&](const Source& s) { return s.name == task.source; });
  std::vector<std::string> names;
  for (const Source& s : sources) names.push_back(s.name);
  if (!known)
    throw UsageError(fmt::format(
        "--tasks: found '{}', expected a source of --data ({}) with or without a suffix", name,
        fmt::join(names, ", ")));
  if (suffix == "relabel" || suffix == "parity") {
    task.labelling = suffix;
  } else if (suffix == "permute" || suffix == "invert" || suffix == "rot90") {
    task.view = suffix;
  } else if (dash != std::string::npos) {
    throw UsageError(
        fmt::format("--tasks: found '{}', expected {} or it with -permute, -invert, -rot90, "
                    "-relabel or -parity",
                    name, task.source));
  }
  return task;
}

DataSet load_source(const Source& source, int64_t train, int64_t test,
                    const std::string& data_folder) {
  DataSet set;
  set.origin = source.files.empty() ? "real" : "user";
  LabelledImages first, second;
  if (source.files.empty()) {
    const bool fashion = source.name == "fashion";
    const std::string folder = fashion ? data::kFashionMnistFolder : mnist_folder(data_folder);
    const std::string advice = fashion ? "install the Debian package dataset-fashion-mnist"
                                       : "give --data mnist=IMAGES,LABELS[,IMAGES,LABELS]";
    first = data::read_images_of_folder(folder, "train", advice);
    second = data::read_images_of_folder(folder, "t10k", advice);
  } else {
    first = data::read_labelled_images(source.files[0], source.files[1]);
    if (source.files.size() == 4)
      second = data::read_labelled_images(source.files[2], source.files[3]);
  }
  set.digests = first.digests;
  set.digests.insert(set.digests.end(), second.digests.begin(), second.digests.end());
  const bool split = source.files.size() == 2;
  const int64_t all = first.images.count, of_test = split ? all / 6 : second.images.count;
  const int64_t of_train = split ? all - of_test : all;
  if (of_train == 0 || of_test == 0)
    throw DataError(fmt::format("{}: found {} training and {} test images, expected some",
                                source.name, of_train, of_test));
  set.train = taken(first, 0, at_most(train, of_train, "train-images", source.name));
  set.test = taken(split ? first : second, split ? of_train : 0,
                   at_most(test, of_test, "test-images", source.name));
  return set;
}

void apply_view(Images& images, const std::string& view, uint64_t seed) {
  if (view.empty()) return;
  if (view == "invert") {
    for (float& p : images.pixels) p = 1.0f - p;
    return;
  }
  std::vector<int64_t> from;  // where each pixel comes from
  if (view == "permute") {
    from = Stream(seed, "permute").permutation(kPixels);
  } else {
    for (int64_t r = 0; r < kSide; ++r)
      for (int64_t c = 0; c < kSide; ++c) from.push_back(c * kSide + kSide - 1 - r);
  }
  std::vector<float> image(kPixels);
  for (int64_t n = 0; n < images.count; ++n) {
    float* pixels = images.pixels.data() + n * kPixels;
    for (int64_t i = 0; i < kPixels; ++i) image[size_t(i)] = pixels[from[size_t(i)]];
    std::copy(image.begin(), image.end(), pixels);
  }
}

std::vector<int64_t> labels_of(const Images& images, const TaskName& task) {
  std::vector<int64_t> labels = images.labels;
  for (int64_t& y : labels) y = task.label(y);
  return labels;
}

}  // namespace tenfold::bias_learning
