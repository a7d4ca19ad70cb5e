// Windows with the stimulus that was shown in them (specification, section 3.9).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/parts.h"
#include "tools/samba-align/recording.h"

namespace tenfold::samba_align {

struct LabelledWindow {
  size_t subject = 0;
  int64_t start = 0;   // first frame
  int64_t part = 0;    // 0 train, 1 valid, 2 test
  int64_t label = -1;  // category; -1: none
  int64_t stride = 1;  // between its frames
};

// The most frequent category of the middle third of a window's frames, the smallest of equals;
// labels [frames].
int64_t window_label(const int32_t* labels, int64_t frames);

// A window every `step` frames inside each part's stretches, from their first frame on: windows
// overlap in a part, never across parts. Those whose `context` frames would begin before the
// recording are left out. Subject by subject; subjects without labels have -1.
std::vector<LabelledWindow> labelled_windows(const RecordingSet& recordings, const Parts& parts,
                                             int64_t frames, int64_t step, int64_t context);

}  // namespace tenfold::samba_align
