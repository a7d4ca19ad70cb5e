// A whole recording, translated window by window in either direction.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/graph.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/normalisation.h"

namespace tenfold::samba_align {

// First frames of the windows that cover `frames` frames: on the grid from 0 on; what is left at
// the end is covered by a window that ends with the recording.
std::vector<int64_t> covering_windows(int64_t frames, int64_t length);

// What a window is given beside the recording.
struct TranslationSetting {
  GraphPtr source, target;
  const Moments* moments = nullptr;  // of the training; null: every window's own
  std::string name;                  // stands before messages
};

// Electrophysiology [parcels, frames * block] as recorded -> [targets, frames] on the normalised
// scale; of a model of the other direction fMRI [targets, frames] -> [parcels, frames * block].
// Each frame is taken from the first window that holds it. What a window's context lacks before the
// recording is the mean. The decoder begins with zeros. Throws DataError where a window that is
// normalised by itself does not vary. `frames` is a window's at least.
at::Tensor translate_recording(const Model& model, const at::Tensor& series,
                               const TranslationSetting& setting);

}  // namespace tenfold::samba_align
