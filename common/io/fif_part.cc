#include "common/io/fif_part.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/io/fif_data.h"
#include "common/io/fif_events.h"
#include "common/io/fif_info.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr int32_t kNextFile = 2;  // the role of a reference

// The base name of the file that continues this one.
std::string next_file(const FifTree& tree) {
  for (const int32_t block : tree.blocks(fif_block::kReference)) {
    const FifTag* role = tree.find(block, fif_kind::kRefRole);
    if (role == nullptr || tree.integer(*role) != kNextFile) continue;
    const FifTag& tag = tree.require(block, fif_kind::kRefName, "name of the next file");
    const std::string path = tree.text(tag);
    const std::string base = path.substr(path.find_last_of("/\\") + 1);
    if (base.empty() || base == "." || base == ".." || base.find('\0') != std::string::npos)
      tree.fail(tag, fmt::format("found '{}' as the next file, expected a name", shown(path)));
    return base;
  }
  return "";
}

void add_raw(const FifTree& tree, const FifData& data, Signals& out) {
  out.events = read_fif_events(tree, out.rate_hz);
  for (const SignalEvent& event : read_fif_annotations(tree)) out.events.push_back(event);
  for (SignalEvent& event : out.events) event.onset_s -= out.start_s;
  std::stable_sort(out.events.begin(), out.events.end(),
                   [](const auto& a, const auto& b) { return a.onset_s < b.onset_s; });
  out.facts.push_back({"first sample", std::to_string(data.first_sample)});
  if (data.missing_samples > 0) {
    out.notes.push_back(
        fmt::format("{} missing samples became zeros", grouped(uint64_t(data.missing_samples))));
  }
}

void add_epochs(const FifTree& tree, const std::string& name, Signals& out) {
  out.events = read_fif_events(tree, out.rate_hz);
  if (!out.events.empty() && int64_t(out.events.size()) != out.epochs) {
    throw DataError(fmt::format("{}: found {} events, expected one for each of {} epochs", name,
                                out.events.size(), out.epochs));
  }
}

}  // namespace

FifPart parse_fif_part(const Bytes& file, const std::string& name, const FifOptions& options) {
  const FifTree tree = FifTree::parse(file, name);
  const int32_t raw = find_fif_raw(tree, options);
  const std::vector<int32_t> epochs = tree.blocks(fif_block::kEpochs);
  if (raw < 0 && epochs.size() != 1) {
    throw DataError(
        fmt::format("{}: found {} blocks of epochs and none of raw data, expected a "
                    "raw recording or one block of epochs",
                    name, epochs.size()));
  }
  const FifInfo info = read_fif_info(tree);
  const std::vector<size_t> picks = pick_fif_channels(info, options, name);
  FifData data = raw >= 0 ? read_fif_raw(tree, raw, info, picks, options)
                          : read_fif_epochs(tree, epochs[0], info, picks, options);
  FifPart part;
  Signals& out = part.signals;
  out.format = "FIF";
  out.values = std::move(data.values);
  out.samples = data.samples;
  out.epochs = data.epochs;
  out.rate_hz = info.rate_hz;
  out.start_s = double(data.first_sample) / info.rate_hz;
  out.facts.push_back({"content", raw >= 0 ? "raw" : "epochs"});
  describe_fif(info, picks, out);
  if (raw >= 0) {
    add_raw(tree, data, out);
  } else {
    add_epochs(tree, name, out);
  }
  part.first_sample = data.first_sample;
  part.next = next_file(tree);
  return part;
}

void require_continuation(const FifPart& before, const FifPart& more, const std::string& name) {
  const Signals &a = before.signals, &b = more.signals;
  const auto refuse = [&](const std::string& problem) {
    throw DataError(fmt::format("{}: does not continue the part before: {}", name, problem));
  };
  if (a.names != b.names || a.rate_hz != b.rate_hz || a.unit != b.unit)
    refuse("other channels, units or sampling rate");
  if ((a.epochs == 0) != (b.epochs == 0)) refuse("raw data and epochs");
  if (a.epochs > 0) {
    if (a.samples != b.samples || before.first_sample != more.first_sample)
      refuse("epochs of other times");
    if (a.events.empty() != b.events.empty()) refuse("events in one of them only");
    return;
  }
  if (more.first_sample != before.first_sample + a.samples) {
    refuse(fmt::format("found first sample {}, expected {}", more.first_sample,
                       before.first_sample + a.samples));
  }
}

Signals join_fif_parts(std::vector<FifPart> parts) {
  Signals out = std::move(parts[0].signals);
  if (parts.size() == 1) return out;
  out.facts.push_back({"parts", std::to_string(parts.size())});
  std::vector<std::vector<double>> values = {std::move(out.values)};
  for (size_t i = 1; i < parts.size(); ++i) {
    Signals& part = parts[i].signals;
    values.push_back(std::move(part.values));
    out.epochs += part.epochs;
    out.notes.insert(out.notes.end(), part.notes.begin(), part.notes.end());
    if (out.epochs == 0) {
      out.samples += part.samples;  // the first part holds the annotations of all
    } else {
      out.events.insert(out.events.end(), part.events.begin(), part.events.end());
    }
  }
  out.notes = distinct(out.notes);  // most notes are the same in every part
  out.values.clear();
  out.values.reserve(out.names.size() * size_t(out.samples) *
                     size_t(std::max<int64_t>(1, out.epochs)));
  const size_t rows = out.epochs == 0 ? out.names.size() : 1;
  for (size_t c = 0; c < rows; ++c) {
    for (const std::vector<double>& part : values) {
      const auto length = std::ptrdiff_t(part.size() / rows);
      const auto begin = part.begin() + std::ptrdiff_t(c) * length;
      out.values.insert(out.values.end(), begin, begin + length);
    }
  }
  return out;
}

}  // namespace tenfold::io
