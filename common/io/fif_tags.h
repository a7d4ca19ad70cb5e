// Internal to common/io: a FIF file as its tree of blocks and tags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

// Kinds of tags; what a kind means depends on its block.
namespace fif_kind {
constexpr int32_t kFileId = 100, kBlockStart = 104, kBlockEnd = 105;
constexpr int32_t kRefRole = 115, kRefName = 118;
constexpr int32_t kChannels = 200, kRate = 201, kChannelRecord = 203, kText = 206;
constexpr int32_t kFirstSample = 208, kLastSample = 209, kName = 233, kChannelName = 258;
constexpr int32_t kBuffer = 300, kSkipBuffers = 301, kEpochs = 302, kSkipSamples = 303;
constexpr int32_t kBadNames = 3507, kEventList = 3561, kOnsets = 3568, kEnds = 3569;
}  // namespace fif_kind

namespace fif_block {
constexpr int32_t kMeasurement = 100, kInfo = 101, kRaw = 102, kProcessed = 103;
constexpr int32_t kContinuous = 112, kChannel = 113, kReference = 118, kShieldedRaw = 119;
constexpr int32_t kProjectorItem = 314, kBads = 359, kEvents = 361, kCompensation = 371;
constexpr int32_t kEpochs = 373, kAnnotations = 3810;
}  // namespace fif_block

namespace fif_type {
constexpr uint32_t kInt16 = 2, kInt32 = 3, kFloat32 = 4, kFloat64 = 5, kString = 10;
constexpr uint32_t kPacked16 = 16, kComplex64 = 20, kComplex128 = 21, kChannel = 30, kId = 31;
constexpr uint32_t kMatrix = 0x40000000;
}  // namespace fif_type

struct FifTag {
  int32_t kind;
  uint32_t type;
  uint64_t offset;  // of its header
  uint64_t size;    // bytes of its data
};

struct FifBlock {
  int32_t id;
  int32_t parent;  // number of the enclosing block; -1 for the root
  uint64_t offset;
  std::vector<FifTag> tags;  // its own, not those of blocks inside
};

// The file's bytes must outlive the tree. All messages name the file and the tag's offset.
class FifTree {
 public:
  static FifTree parse(const Bytes& file, const std::string& name);

  const std::string& name() const { return name_; }

  // Blocks of this id inside `under`, in file order; block 0 is the whole file.
  std::vector<int32_t> blocks(int32_t id, int32_t under = 0) const;
  const FifBlock& block(int32_t number) const { return blocks_[size_t(number)]; }

  // The first tag of this kind in the block itself; null where there is none.
  const FifTag* find(int32_t block, int32_t kind) const;
  // The same, but throws where there is none; `what` says what it would hold.
  const FifTag& require(int32_t block, int32_t kind, const char* what) const;

  const uint8_t* data(const FifTag& tag) const { return file_->data() + tag.offset + kHeader; }
  int32_t integer(const FifTag& tag) const;
  double real(const FifTag& tag) const;
  std::string text(const FifTag& tag) const;  // UTF-8
  // int32, float32 or float64; of a matrix its elements as they lie.
  std::vector<double> numbers(const FifTag& tag) const;
  // Sizes of a dense matrix, slowest first; throws unless they fill the tag with such elements.
  std::vector<int64_t> matrix_shape(const FifTag& tag, uint64_t element_bytes) const;

  [[noreturn]] void fail(const FifTag& tag, const std::string& problem) const;
  [[noreturn]] void fail_at(uint64_t offset, const std::string& problem) const;

 private:
  static constexpr uint64_t kHeader = 16;

  FifTree(const Bytes& file, const std::string& name) : file_(&file), name_(name) {}
  FifTag read_header(uint64_t at, int32_t& next) const;
  void walk();
  void open_or_close(const FifTag& tag, int32_t& current, int& depth);

  const Bytes* file_;
  std::string name_;
  std::vector<FifBlock> blocks_;
};

// A list of names joined by ":", in which "{COLON}" stands for a colon.
std::vector<std::string> split_fif_names(const std::string& joined);

}  // namespace tenfold::io
