#include "common/io/fif_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

// "name:id;name:id"; a name may hold colons.
std::map<int64_t, std::string> read_names(const FifTree& tree, const FifTag& tag) {
  std::map<int64_t, std::string> names;
  const std::string text = tree.text(tag);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(';', at), text.size());
    const std::string item = text.substr(at, end - at);
    at = end + 1;
    const size_t colon = item.rfind(':');
    const std::optional<int64_t> id =
        colon == std::string::npos ? std::nullopt : integer_in(item.substr(colon + 1));
    if (!id) {
      tree.fail(tag, fmt::format("found event name '{}', expected 'name:number'", shown(item)));
    }
    names.emplace(*id, item.substr(0, colon));
  }
  return names;
}

std::vector<double> numbers_or_none(const FifTree& tree, int32_t block, int32_t kind) {
  const FifTag* tag = tree.find(block, kind);
  return tag == nullptr || tag->size == 0 ? std::vector<double>() : tree.numbers(*tag);
}

}  // namespace

std::vector<SignalEvent> read_fif_events(const FifTree& tree, double rate_hz) {
  std::vector<SignalEvent> events;
  for (const int32_t block : tree.blocks(fif_block::kEvents)) {
    const FifTag* list = tree.find(block, fif_kind::kEventList);
    if (list == nullptr || list->size == 0) continue;
    if ((list->type & ~fif_type::kMatrix) != fif_type::kInt32)
      tree.fail(*list, fmt::format("found type 0x{:x}, expected int32 (type 3)", list->type));
    const std::vector<double> numbers = tree.numbers(*list);
    if (numbers.size() % 3 != 0) {
      tree.fail(*list, fmt::format("found {} numbers, expected a multiple of 3 (sample, previous, "
                                   "id)",
                                   numbers.size()));
    }
    const FifTag* text = tree.find(block, fif_kind::kText);
    const std::map<int64_t, std::string> names =
        text == nullptr ? std::map<int64_t, std::string>() : read_names(tree, *text);
    for (size_t i = 0; i < numbers.size(); i += 3) {
      const int64_t id = int64_t(numbers[i + 2]);
      const auto name = names.find(id);
      events.push_back(
          {numbers[i] / rate_hz, 0, name == names.end() ? std::to_string(id) : name->second});
    }
  }
  return events;
}

std::vector<SignalEvent> read_fif_annotations(const FifTree& tree) {
  std::vector<SignalEvent> events;
  for (const int32_t block : tree.blocks(fif_block::kAnnotations)) {
    const std::vector<double> onsets = numbers_or_none(tree, block, fif_kind::kOnsets);
    const std::vector<double> ends = numbers_or_none(tree, block, fif_kind::kEnds);
    const FifTag* text = tree.find(block, fif_kind::kText);
    if (onsets.empty() && ends.empty() && (text == nullptr || text->size == 0)) continue;
    const std::vector<std::string> labels =
        split_fif_names(text == nullptr ? "" : tree.text(*text));
    if (ends.size() != onsets.size() || labels.size() != onsets.size()) {
      tree.fail_at(tree.block(block).offset,
                   fmt::format("annotations: found {} onsets, {} ends and {} descriptions, "
                               "expected as many of each",
                               onsets.size(), ends.size(), labels.size()));
    }
    for (size_t i = 0; i < onsets.size(); ++i) {
      if (!std::isfinite(onsets[i]) || !std::isfinite(ends[i])) {
        tree.fail_at(tree.block(block).offset,
                     fmt::format("annotation {}: found {} s to {} s, expected finite times", i + 1,
                                 onsets[i], ends[i]));
      }
      events.push_back({onsets[i], ends[i] - onsets[i], labels[i]});
    }
  }
  return events;
}

}  // namespace tenfold::io
