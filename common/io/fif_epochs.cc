#include <fmt/format.h>

#include "common/io/fif_data.h"
#include "common/io/fif_samples.h"
#include "common/io/text.h"

namespace tenfold::io {

FifData read_fif_epochs(const FifTree& tree, int32_t block, const FifInfo& info,
                        const std::vector<size_t>& picks, const FifOptions& options) {
  const FifTag& first = tree.require(block, fif_kind::kFirstSample, "first sample");
  const FifTag& last = tree.require(block, fif_kind::kLastSample, "last sample");
  const FifTag& tag = tree.require(block, fif_kind::kEpochs, "epochs");
  const uint32_t type = tag.type & ~fif_type::kMatrix;
  const uint64_t bytes = fif_sample_bytes(type);
  if (bytes == 0 || type == tag.type) {
    const bool complex = type == fif_type::kComplex64 || type == fif_type::kComplex128;
    tree.fail(tag, fmt::format("found epochs of type 0x{:x}{}, expected a matrix of float32 or "
                               "float64",
                               tag.type, complex ? " (complex)" : ""));
  }
  const std::vector<int64_t> shape = tree.matrix_shape(tag, bytes);  // epochs, channels, times
  const size_t channels = info.channels.size();
  const int64_t stated = int64_t{tree.integer(last)} - tree.integer(first) + 1;
  if (shape.size() != 3 || shape[1] != int64_t(channels) || shape[2] != stated || stated < 1) {
    std::string found;
    for (const int64_t n : shape) found += (found.empty() ? "" : " x ") + std::to_string(n);
    tree.fail(tag, fmt::format("found epochs of {}, expected N x {} channels x {} times", found,
                               channels, stated));
  }
  FifData out;
  out.epochs = shape[0];
  out.samples = shape[2];
  out.first_sample = tree.integer(first);
  if (out.epochs == 0) tree.fail(tag, "found 0 epochs, expected at least 1");
  require_fif_memory(tree.name(), picks.size(), uint64_t(out.epochs) * uint64_t(out.samples),
                     options);
  out.values.resize(size_t(out.epochs) * picks.size() * size_t(out.samples));
  double* to = out.values.data();
  for (size_t e = 0; e < size_t(out.epochs); ++e) {
    for (const size_t pick : picks) {
      const uint8_t* at = tree.data(tag) + (e * channels + pick) * size_t(out.samples) * bytes;
      read_fif_samples(at, type, out.samples, 1, info.channels[pick].scale, to);
      to += out.samples;
    }
  }
  return out;
}

}  // namespace tenfold::io
