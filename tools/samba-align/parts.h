// Which frames train, validate and test, and the windows in them (specification, section 2.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::samba_align {

// Frames first .. end - 1.
struct Frames {
  int64_t first = 0, end = 0;
  int64_t count() const { return end - first; }
};

struct Parts {
  Frames train, valid, test;
};

// Contiguous 70, 10 and 20 % of `frames`; what lies `gap` frames before the end of the first two
// belongs to no part, since responses reach over it. Throws DataError where a part is empty.
Parts blocked_parts(int64_t frames, int64_t gap);

// First frames of the windows of `length` frames on the part's grid, from its first frame on; a
// window whose `context` frames would begin before the recording is left out.
std::vector<int64_t> grid_windows(const Frames& part, int64_t length, int64_t context);
// All first frames of windows that lie in the part.
std::vector<int64_t> all_windows(const Frames& part, int64_t length, int64_t context);

}  // namespace tenfold::samba_align
