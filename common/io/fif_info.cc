#include "common/io/fif_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/core/error.h"
#include "common/io/big_endian.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kRecordBytes = 96, kNameAt = 80, kNameBytes = 16;
constexpr const char *kMagnetometer = "magnetometer", *kGradiometer = "gradiometer", *kEeg = "EEG";

constexpr int32_t kTesla = 112, kTeslaPerMetre = 201, kVolt = 107;

std::string unit_name(int32_t unit) {
  switch (unit) {
    case kVolt:
      return "V";
    case kTesla:
      return "T";
    case kTeslaPerMetre:
      return "T/m";
    case -1:
      return "";
    default:
      return fmt::format("unit {}", unit);
  }
}

std::string kind_name(int32_t kind, int32_t unit) {
  switch (kind) {
    case 1:
      return unit == kTeslaPerMetre ? kGradiometer : kMagnetometer;
    case 2:
      return kEeg;
    case 3:
      return "stimulus";
    case 202:
      return "EOG";
    case 301:
      return "reference MEG";
    case 302:
      return "EMG";
    case 402:
      return "ECG";
    case 502:
      return "misc";
    default:
      return fmt::format("kind {}", kind);
  }
}

FifChannel read_channel(const FifTree& tree, const FifTag& tag) {
  if (tag.type != fif_type::kChannel || tag.size != kRecordBytes) {
    tree.fail(tag, fmt::format("found type {} of {} bytes, expected a channel record (type 30) of "
                               "96",
                               tag.type, grouped(tag.size)));
  }
  const uint8_t* at = tree.data(tag);
  const int32_t kind = big_endian<int32_t>(at + 8), unit = big_endian<int32_t>(at + 72);
  const double range = big_endian<float>(at + 12), cal = big_endian<float>(at + 16);
  const char* name = reinterpret_cast<const char*>(at + kNameAt);
  FifChannel channel;
  channel.record_name = utf8_of({name, ::strnlen(name, kNameBytes)});
  channel.name = channel.record_name;
  channel.kind = kind_name(kind, unit);
  channel.unit = unit_name(unit);
  channel.scale = range * cal;
  if (!std::isfinite(channel.scale)) {
    tree.fail(tag, fmt::format("channel '{}': found range {} and cal {}, expected finite ones",
                               shown(channel.name), range, cal));
  }
  return channel;
}

void read_channels(const FifTree& tree, int32_t block, FifInfo& info) {
  const FifTag& count = tree.require(block, fif_kind::kChannels, "number of channels");
  for (const FifTag& tag : tree.block(block).tags) {
    if (tag.kind == fif_kind::kChannelRecord) info.channels.push_back(read_channel(tree, tag));
  }
  const int32_t stated = tree.integer(count);
  if (stated < 1 || info.channels.size() != size_t(stated)) {
    tree.fail(count, fmt::format("found {} channels and {} channel records, expected as many "
                                 "records, at least one",
                                 stated, info.channels.size()));
  }
  const std::vector<int32_t> extended = tree.blocks(fif_block::kChannel, block);
  if (extended.empty()) return;
  if (extended.size() != info.channels.size()) {
    tree.fail_at(tree.block(extended[0]).offset,
                 fmt::format("found {} blocks of channel names, expected {}", extended.size(),
                             info.channels.size()));
  }
  for (size_t i = 0; i < extended.size(); ++i) {
    const FifTag* name = tree.find(extended[i], fif_kind::kChannelName);
    if (name != nullptr) info.channels[i].name = tree.text(*name);
  }
}

void mark_bads(const FifTree& tree, int32_t block, FifInfo& info) {
  std::vector<std::string> bads;
  for (const int32_t in : tree.blocks(fif_block::kBads, block)) {
    const FifTag* tag = tree.find(in, fif_kind::kBadNames);
    if (tag == nullptr || tag->size == 0) continue;
    const std::vector<std::string> names = split_fif_names(tree.text(*tag));
    bads.insert(bads.end(), names.begin(), names.end());
  }
  std::sort(bads.begin(), bads.end());
  for (FifChannel& channel : info.channels) {
    channel.bad = std::binary_search(bads.begin(), bads.end(), channel.name) ||
                  std::binary_search(bads.begin(), bads.end(), channel.record_name);
  }
}

bool is_picked(const FifChannel& channel, FifPicks picks) {
  const bool magnetometer = channel.kind == kMagnetometer;
  const bool gradiometer = channel.kind == kGradiometer;
  switch (picks) {
    case FifPicks::kMagnetometers:
      return magnetometer;
    case FifPicks::kGradiometers:
      return gradiometer;
    case FifPicks::kEeg:
      return channel.kind == kEeg;
    case FifPicks::kAll:
      return true;
    case FifPicks::kAuto:
    case FifPicks::kMeg:
      break;
  }
  return magnetometer || gradiometer;
}

const char* picks_name(FifPicks picks) {
  switch (picks) {
    case FifPicks::kAuto:
      return "MEG or EEG";
    case FifPicks::kMeg:
      return "MEG";
    case FifPicks::kMagnetometers:
      return kMagnetometer;
    case FifPicks::kGradiometers:
      return kGradiometer;
    case FifPicks::kEeg:
      return kEeg;
    case FifPicks::kAll:
      break;
  }
  return "any";
}

std::string kinds_of(const std::vector<FifChannel>& channels) {
  std::vector<std::string> kinds;
  for (const FifChannel& channel : channels) kinds.push_back(channel.kind);
  return tally(kinds);
}

}  // namespace

FifInfo read_fif_info(const FifTree& tree) {
  const std::vector<int32_t> measurements = tree.blocks(fif_block::kMeasurement);
  const std::vector<int32_t> infos =
      measurements.empty() ? measurements : tree.blocks(fif_block::kInfo, measurements[0]);
  if (infos.empty()) {
    throw DataError(tree.name() + ": found no measurement info (block 101), expected a recording");
  }
  const int32_t block = infos[0];
  FifInfo info;
  const FifTag& rate = tree.require(block, fif_kind::kRate, "sampling rate");
  info.rate_hz = tree.real(rate);
  if (!(info.rate_hz > 0) || !std::isfinite(info.rate_hz))
    tree.fail(rate, fmt::format("found a sampling rate of {} Hz, expected > 0", info.rate_hz));
  read_channels(tree, block, info);
  mark_bads(tree, measurements[0], info);
  for (const int32_t item : tree.blocks(fif_block::kProjectorItem, measurements[0])) {
    const FifTag* name = tree.find(item, fif_kind::kName);
    info.projectors.push_back(name == nullptr ? "unnamed" : shown(tree.text(*name)));
  }
  info.compensations = int64_t(tree.blocks(fif_block::kCompensation, measurements[0]).size());
  return info;
}

std::vector<size_t> pick_fif_channels(const FifInfo& info, const FifOptions& options,
                                      const std::string& name) {
  FifPicks picks = options.picks;
  if (picks == FifPicks::kAuto) {
    const bool meg = std::any_of(info.channels.begin(), info.channels.end(),
                                 [](const auto& c) { return is_picked(c, FifPicks::kMeg); });
    picks = meg ? FifPicks::kMeg : FifPicks::kEeg;
  }
  std::vector<size_t> out;
  bool bads = false;
  for (size_t i = 0; i < info.channels.size(); ++i) {
    if (!is_picked(info.channels[i], picks)) continue;
    if (info.channels[i].bad && !options.keep_bads) {
      bads = true;
      continue;
    }
    out.push_back(i);
  }
  if (out.empty()) {
    throw DataError(
        fmt::format("{}: found {}{}, expected {} channels", name, shown(kinds_of(info.channels)),
                    bads ? " (those wanted are marked bad)" : "", picks_name(options.picks)));
  }
  return out;
}

void describe_fif(const FifInfo& info, const std::vector<size_t>& picks, Signals& out) {
  std::vector<std::string> units, bads, left_out;
  for (const size_t i : picks) {
    out.names.push_back(info.channels[i].name);
    units.push_back(info.channels[i].unit);
  }
  for (size_t i = 0; i < info.channels.size(); ++i) {
    const std::string name = shown(info.channels[i].name);
    if (!info.channels[i].bad) continue;
    bads.push_back(name);
    if (!std::binary_search(picks.begin(), picks.end(), i)) left_out.push_back(name);
  }
  out.unit = joined(distinct(units), ", ");
  out.facts.push_back({"channels in the file", kinds_of(info.channels)});
  out.facts.push_back({"units", tally(units)});
  if (!bads.empty()) out.facts.push_back({"bad channels", joined(bads, ", ")});
  if (!left_out.empty()) out.notes.push_back("bad channels left out: " + joined(left_out, ", "));
  if (!info.projectors.empty()) {
    out.facts.push_back({"projectors", joined(info.projectors, "; ") + " (not applied)"});
    out.notes.push_back(fmt::format("{} projectors in the file are not applied: {}",
                                    info.projectors.size(), joined(info.projectors, "; ")));
  }
  if (info.compensations > 0) {
    const std::string n = std::to_string(info.compensations);
    out.facts.push_back({"compensation", n + " matrices (not applied)"});
    out.notes.push_back(n + " compensation matrices in the file are not applied");
  }
}

}  // namespace tenfold::io
