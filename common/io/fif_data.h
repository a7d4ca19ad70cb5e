// Internal to common/io: the samples of one FIF file, raw or epochs.
#pragma once

#include <cstdint>
#include <vector>

#include "common/io/fif_info.h"

namespace tenfold::io {

struct FifData {
  std::vector<double> values;  // [channels, samples] or [epochs, channels, samples]
  int64_t samples = 0, epochs = 0;
  int64_t first_sample = 0;     // since acquisition began; of epochs: since their event
  int64_t missing_samples = 0;  // which became zeros
};

// The block of raw data; -1 where there is none. Throws DataError for more than one, and for data
// with active shielding unless options.allow_maxshield.
int32_t find_fif_raw(const FifTree& tree, const FifOptions& options);

// Values are stored * scale of the picked channels. Sizes are checked before memory is taken.
FifData read_fif_raw(const FifTree& tree, int32_t block, const FifInfo& info,
                     const std::vector<size_t>& picks, const FifOptions& options);
FifData read_fif_epochs(const FifTree& tree, int32_t block, const FifInfo& info,
                        const std::vector<size_t>& picks, const FifOptions& options);

// Throws DataError, naming the file, where channels * samples doubles exceed the limit.
void require_fif_memory(const std::string& name, uint64_t channels, uint64_t samples,
                        const FifOptions& options);

}  // namespace tenfold::io
