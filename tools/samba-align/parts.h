// Which frames train, validate and test, and the windows in them (specification, section 2.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::samba_align {

// Every `stride`-th frame of first .. end - 1, from the first on.
struct Frames {
  int64_t first = 0, end = 0, stride = 1;
  int64_t count() const { return end > first ? (end - first + stride - 1) / stride : 0; }
};

// Stretches of frames; a window lies in one of them.
using Part = std::vector<Frames>;
// Their numbers, stretch after stretch.
std::vector<int64_t> frame_numbers(const Part& part);

struct Parts {
  Part train, valid, test;
  // train, valid or test.
  const Part& named(const std::string& name) const;
};

// Frames first, first + stride, ... of a window.
struct Window {
  int64_t first = 0, stride = 1;
};
Frames frames_of(const Window& window, int64_t length);

// Contiguous 70, 10 and 20 % of `frames`; what lies `gap` frames before the end of the first two
// belongs to no part, since responses reach over it. Throws DataError where a part is empty.
Parts blocked_parts(int64_t frames, int64_t gap);

// Windows of `length` frames, `step` of its stretch's frames apart, from every stretch's first one
// on; a window whose `context` frames would begin before the recording is left out. With a step of
// `length` they are the part's grid, of 1 all its windows (from the first that has its context on).
std::vector<Window> windows_in(const Part& part, int64_t length, int64_t context, int64_t step);

}  // namespace tenfold::samba_align
