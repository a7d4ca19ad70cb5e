#include "tools/samba-align/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/log/logger.h"

namespace tenfold::samba_align {
namespace {

using Json = nlohmann::json;

constexpr int64_t kEegWindows = 200;
// As the released code lists them, where 126 stands twice.
const std::vector<int64_t> kEegTest = {2,   4,   57,  88,  89,  39,  42,  131, 133, 126,
                                       137, 178, 199, 194, 192, 182, 174, 161, 180};
const std::vector<int64_t> kEegValid = {184, 149, 100, 90, 131, 95, 20};

struct HalfMinute {
  int64_t minute = 0, half = 0;
};
const std::vector<HalfMinute> kMegTest = {
    {79, 1}, {66, 1}, {21, 0}, {45, 1}, {12, 1}, {63, 0}, {80, 0}, {65, 1}, {84, 1},  {77, 0},
    {48, 1}, {42, 1}, {7, 0},  {91, 0}, {32, 1}, {75, 1}, {60, 0}, {4, 1},  {103, 1}, {100, 0}};
const std::vector<HalfMinute> kMegValid = {{30, 1}, {40, 0}, {19, 1}, {89, 0},
                                           {52, 0}, {2, 1},  {102, 1}};

Frames window_of(int64_t number, int64_t length) {
  return {(number - 1) * length, number * length};
}

Frames half_minute(const HalfMinute& h, int64_t length) {
  const int64_t first = (h.minute - 1) * 2 * length;
  return {first + h.half, first + 2 * length, 2};
}

bool contains(const std::vector<HalfMinute>& all, int64_t minute, int64_t half) {
  return std::any_of(all.begin(), all.end(),
                     [&](const HalfMinute& h) { return h.minute == minute && h.half == half; });
}

// Stretches in order, joined where one goes on where another ends.
Part joined(Part part) {
  const auto key = [](const Frames& f) {
    return std::make_tuple(f.stride, f.first % f.stride, f.first);
  };
  std::sort(part.begin(), part.end(),
            [&](const Frames& a, const Frames& b) { return key(a) < key(b); });
  Part out;
  for (const Frames& f : part) {
    if (!out.empty() && out.back().stride == f.stride &&
        out.back().first + out.back().count() * f.stride == f.first) {
      out.back().end = f.end;
    } else {
      out.push_back(f);
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Frames& a, const Frames& b) { return a.first < b.first; });
  return out;
}

Parts joined(const Parts& parts) {
  return {joined(parts.train), joined(parts.valid), joined(parts.test)};
}

Parts reference_eeg(int64_t frames, int64_t length) {
  if (frames < kEegWindows * length) {
    throw DataError(fmt::format("--split reference-eeg: found {} windows of {} frames, expected {}",
                                frames / length, length, kEegWindows));
  }
  Parts p;
  for (int64_t w = 1; w <= kEegWindows; ++w) {
    if (std::find(kEegTest.begin(), kEegTest.end(), w) == kEegTest.end())
      p.train.push_back(window_of(w, length));
  }
  for (const int64_t w : kEegTest) p.test.push_back(window_of(w, length));
  for (const int64_t w : kEegValid) p.valid.push_back(window_of(w, length));
  log::warning(
      "--split reference-eeg: as released, window 131 validates and tests, and the other six "
      "windows that validate also train");
  return joined(p);
}

Parts reference_meg(int64_t frames, int64_t length) {
  const int64_t minutes = frames / (2 * length);
  int64_t needed = 0;
  for (const auto& list : {kMegTest, kMegValid})
    for (const HalfMinute& h : list) needed = std::max(needed, h.minute);
  if (minutes < needed) {
    throw DataError(
        fmt::format("--split reference-meg: found {} minutes of {} frames, expected {} at least",
                    minutes, 2 * length, needed));
  }
  Parts p;
  for (int64_t m = 1; m <= minutes; ++m) {
    for (int64_t half = 0; half < 2; ++half) {
      Part& part = contains(kMegTest, m, half)    ? p.test
                   : contains(kMegValid, m, half) ? p.valid
                                                  : p.train;
      part.push_back(half_minute({m, half}, length));
    }
  }
  return joined(p);
}

// One entry of a file's part; `where` begins the message of what is thrown.
Frames entry_of(const Json& entry, int64_t frames, int64_t length, const std::string& where) {
  Frames f;
  const auto number = [&](const Json& value) {
    return std::clamp<int64_t>(value.get<int64_t>(), -1, frames + 1);  // which no product overflows
  };
  if (entry.is_number_integer()) {
    f = window_of(number(entry), length);
  } else if (entry.is_array() && entry.size() == 2 && entry[0].is_number_integer() &&
             entry[1].is_number_integer()) {
    f = {entry[0].get<int64_t>(), entry[1].get<int64_t>()};
  } else if (entry.is_string()) {
    const std::string text = entry.get<std::string>();
    const size_t line = text.find('_');
    const bool digits = !text.empty() && line != std::string::npos && line > 0 && line < 10 &&
                        text.find_first_not_of("0123456789") == line &&
                        (text.substr(line + 1) == "0" || text.substr(line + 1) == "1");
    if (digits)
      f = half_minute({std::min<int64_t>(std::atoll(text.c_str()), frames), text[line + 1] - '0'},
                      length);
  }
  if (f.count() == 0) {
    throw DataError(
        fmt::format("{}: found {}, expected a window's number, a half minute \"012_1\" "
                    "or frames [first, end]",
                    where, entry.dump()));
  }
  if (f.first < 0 || f.end > frames) {
    throw DataError(fmt::format("{}: found {}, which is frames {} to {}, expected 0 to {}", where,
                                entry.dump(), f.first, f.end, frames));
  }
  return f;
}

Parts parts_of_file(const std::string& path, int64_t frames, int64_t length) {
  Json file;
  try {
    file = Json::parse(io::read_text(path));
  } catch (const Json::exception&) {
    throw DataError(fmt::format("--split {}: found no JSON", path));
  }
  if (!file.is_object()) throw DataError(fmt::format("--split {}: expected an object", path));
  for (const auto& [key, value] : file.items()) {
    if (key == "train" || key == "valid" || key == "test") continue;
    throw DataError(
        fmt::format("--split {}: found '{}', expected train, valid and test", path, key));
  }
  Parts parts;
  std::vector<std::string> owner(static_cast<size_t>(frames));  // of every frame
  const std::pair<const char*, Part*> all[] = {
      {"train", &parts.train}, {"valid", &parts.valid}, {"test", &parts.test}};
  for (const auto& [name, part] : all) {
    const std::string where = fmt::format("--split {}: {}", path, name);
    if (!file.contains(name) || !file[name].is_array() || file[name].empty())
      throw DataError(fmt::format("{}: found {}, expected a list of windows or frames", where,
                                  file.contains(name) ? file[name].dump() : "nothing"));
    for (const Json& entry : file[name]) {
      const Frames f = entry_of(entry, frames, length, where);
      for (int64_t k = f.first; k < f.end; k += f.stride) {
        std::string& other = owner[size_t(k)];
        if (!other.empty()) {
          throw DataError(fmt::format("{}: found frame {} (of {}) in {} already", where, k,
                                      entry.dump(), other));
        }
        other = name;
      }
      part->push_back(f);
    }
  }
  return joined(parts);
}

}  // namespace

Parts split_parts(const std::string& split, int64_t frames, int64_t length, int64_t gap) {
  if (split == "blocked") return blocked_parts(frames, gap);
  if (split == "reference-eeg") return reference_eeg(frames, length);
  if (split == "reference-meg") return reference_meg(frames, length);
  if (split.find_first_of("/.") == std::string::npos) {
    throw UsageError(fmt::format(
        "--split: found '{}', expected blocked, reference-eeg, reference-meg or a JSON file",
        split));
  }
  return parts_of_file(split, frames, length);
}

int64_t greatest_stride(const Parts& parts) {
  int64_t stride = 1;
  for (const Part& part : {parts.train, parts.valid, parts.test})
    for (const Frames& f : part) stride = std::max(stride, f.stride);
  return stride;
}

}  // namespace tenfold::samba_align
