#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/fif_data.h"
#include "common/io/fif_samples.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

struct Piece {
  const FifTag* buffer;  // null: missing samples
  int64_t samples;
};

struct Plan {
  std::vector<Piece> pieces;
  int64_t samples = 0, first_sample = 0, missing = 0;
};

int64_t samples_in(const FifTree& tree, const FifTag& tag, size_t channels) {
  const uint64_t bytes = fif_sample_bytes(tag.type);
  if (bytes == 0) {
    const bool complex = tag.type == fif_type::kComplex64 || tag.type == fif_type::kComplex128;
    tree.fail(tag, fmt::format("found samples of type 0x{:x}{}, expected int16, int32, float32 or "
                               "float64",
                               tag.type, complex ? " (complex)" : ""));
  }
  const uint64_t frame = bytes * channels;
  if (tag.size % frame != 0) {
    tree.fail(tag, fmt::format("found a buffer of {} bytes, expected a multiple of {} ({} channels "
                               "of {} bytes)",
                               grouped(tag.size), frame, channels, bytes));
  }
  return int64_t(tag.size / frame);
}

// Collects the pieces of a block of raw data.
class Planner {
 public:
  Planner(const FifTree& tree, size_t channels, const FifOptions& options)
      : tree_(tree), channels_(channels), options_(options) {}

  Plan plan(int32_t block) {
    for (const FifTag& tag : tree_.block(block).tags) {
      if (tag.kind == fif_kind::kFirstSample) {
        plan_.first_sample = tree_.integer(tag);
      } else if (tag.kind == fif_kind::kSkipBuffers || tag.kind == fif_kind::kSkipSamples) {
        skip(tag);
      } else if (tag.kind == fif_kind::kBuffer) {
        add_buffer(tag);
      }
    }
    return std::move(plan_);
  }

 private:
  void skip(const FifTag& tag) {
    const int64_t count = tree_.integer(tag);
    const bool buffers = tag.kind == fif_kind::kSkipBuffers;
    if (count < 0) tree_.fail(tag, fmt::format("found {} missing samples, expected >= 0", count));
    // Before the first buffer nothing is missing: the recording begins later.
    if (!plan_.pieces.empty() && count > 0 && !options_.gaps_zero) {
      tree_.fail(tag, fmt::format("{} {} are missing here; such gaps are read only as zeros", count,
                                  buffers ? "buffers" : "samples"));
    }
    int64_t& skipped = buffers ? skipped_buffers_ : skipped_samples_;
    skipped += count;
    require_fif_memory(tree_.name(), 1, uint64_t(skipped), options_);
  }

  // What was skipped before a buffer counts in buffers of its length.
  void add_buffer(const FifTag& tag) {
    const int64_t samples = samples_in(tree_, tag, channels_);
    const int64_t gap = skipped_buffers_ * samples + skipped_samples_;
    skipped_buffers_ = skipped_samples_ = 0;
    if (plan_.pieces.empty()) {
      plan_.first_sample += gap;
    } else if (gap > 0) {
      plan_.pieces.push_back({nullptr, gap});
      plan_.missing += gap;
      plan_.samples += gap;
    }
    plan_.pieces.push_back({&tag, samples});
    plan_.samples += samples;
    require_fif_memory(tree_.name(), 1, uint64_t(plan_.samples), options_);
  }

  const FifTree& tree_;
  size_t channels_;
  const FifOptions& options_;
  Plan plan_;
  int64_t skipped_buffers_ = 0, skipped_samples_ = 0;
};

}  // namespace

void require_fif_memory(const std::string& name, uint64_t channels, uint64_t samples,
                        const FifOptions& options) {
  const uint64_t room = options.limit / sizeof(double);
  if (samples > room || channels > room || (samples > 0 && channels > room / samples)) {
    throw DataError(fmt::format("{}: found {} samples of {} channels, expected at most {} numbers",
                                name, grouped(samples), grouped(channels), grouped(room)));
  }
}

int32_t find_fif_raw(const FifTree& tree, const FifOptions& options) {
  for (const int32_t id : {fif_block::kRaw, fif_block::kContinuous, fif_block::kShieldedRaw}) {
    const std::vector<int32_t> found = tree.blocks(id);
    if (found.empty()) continue;
    const uint64_t offset = tree.block(found[0]).offset;
    if (found.size() > 1)
      tree.fail_at(offset, fmt::format("found {} blocks of raw data, expected one", found.size()));
    if (id == fif_block::kShieldedRaw && !options.allow_maxshield) {
      tree.fail_at(offset,
                   "found raw data with active shielding (block 119), which need Maxwell filtering "
                   "first; they are read only where that is allowed (--allow-maxshield)");
    }
    return found[0];
  }
  return -1;
}

FifData read_fif_raw(const FifTree& tree, int32_t block, const FifInfo& info,
                     const std::vector<size_t>& picks, const FifOptions& options) {
  const size_t channels = info.channels.size();
  const Plan plan = Planner(tree, channels, options).plan(block);
  if (plan.samples == 0) tree.fail_at(tree.block(block).offset, "found no samples");
  require_fif_memory(tree.name(), picks.size(), uint64_t(plan.samples), options);
  FifData out;
  out.samples = plan.samples;
  out.first_sample = plan.first_sample;
  out.missing_samples = plan.missing;
  out.values.resize(picks.size() * size_t(plan.samples));
  int64_t begin = 0;
  for (const Piece& piece : plan.pieces) {
    for (size_t p = 0; piece.buffer != nullptr && p < picks.size(); ++p) {
      const uint8_t* at =
          tree.data(*piece.buffer) + picks[p] * fif_sample_bytes(piece.buffer->type);
      read_fif_samples(at, piece.buffer->type, piece.samples, channels,
                       info.channels[picks[p]].scale,
                       out.values.data() + p * size_t(plan.samples) + begin);
    }
    begin += piece.samples;
  }
  return out;
}

}  // namespace tenfold::io
