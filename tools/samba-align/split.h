// Parts by name: contiguous ones, the released code's lists, or a file of one's own (specification,
// section 2.1).
#pragma once

#include <cstdint>
#include <string>

#include "tools/samba-align/parts.h"

namespace tenfold::samba_align {

// blocked: see blocked_parts.
// reference-eeg: windows 001 .. 200 of `length` contiguous frames, with the released lists' faults:
// one of them validates and tests, and those that validate also train.
// reference-meg: half minutes MMM_0 (the even frames of the MMM-th 2 `length` frames, from 001 on)
// and MMM_1 (the odd ones).
// Else a JSON file {"train": [...], "valid": [...], "test": [...]} of windows (from 1 on), half
// minutes ("012_1") and stretches of frames ([first, end]); no frame may be in two parts.
// Throws DataError where a part is empty, reaches beyond `frames` or overlaps, MissingInput.
Parts split_parts(const std::string& split, int64_t frames, int64_t length, int64_t gap);

// The distance between the frames of a window, the greatest of any part.
int64_t greatest_stride(const Parts& parts);

}  // namespace tenfold::samba_align
