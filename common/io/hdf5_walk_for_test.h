// For tests: everything that an HDF5 file holds, read once in every way.
#pragma once

#include <string>

#include "common/core/error.h"
#include "common/io/hdf5.h"

namespace tenfold::io {

struct WalkTally {
  int64_t datasets = 0, attributes = 0;
  int64_t refused = 0;  // datasets of which neither numbers nor strings could be read
};

template <class File>  // Hdf5File or Hdf5Reader
void walk(const File& file, const std::string& group, int depth, WalkTally& tally) {
  constexpr int kDeepest = 8;
  const auto attempt = [](auto action) {
    try {
      action();
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  std::vector<Hdf5Child> children;
  attempt([&] { children = file.children(group); });
  for (const char* name : {"object", "timekeys", "_unicode_keys", "id", "sampling_rate"}) {
    bool there = false;
    attempt([&] { there = file.has_attribute(group, name); });
    if (!there) continue;
    const bool text = attempt([&] { file.text_attribute(group, name); });
    const bool texts = attempt([&] { file.texts_attribute(group, name); });
    const bool number = attempt([&] { file.number_attribute(group, name); });
    tally.attributes += text || texts || number;
  }
  for (const Hdf5Child& child : children) {
    const std::string path = group + "/" + child.name;
    if (child.kind == Hdf5Kind::kGroup && depth < kDeepest) walk(file, path, depth + 1, tally);
    if (child.kind != Hdf5Kind::kDataset) continue;
    ++tally.datasets;
    const bool numbers = attempt([&] { file.doubles(path); });
    const bool strings = attempt([&] { file.strings(path); });
    attempt([&] { file.integers(path); });
    attempt([&] { file.referenced(path); });
    tally.refused += !numbers && !strings;
  }
}

template <class File>
WalkTally walk(const File& file) {
  WalkTally tally;
  walk(file, "", 0, tally);
  return tally;
}

}  // namespace tenfold::io
