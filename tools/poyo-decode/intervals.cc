#include "tools/poyo-decode/intervals.h"

#include <algorithm>

namespace tenfold::poyo_decode {

bool contains(const Intervals& intervals, double t) {
  const auto after = std::upper_bound(intervals.begin(), intervals.end(), t,
                                      [](double x, const Interval& i) { return x < i.start; });
  return after != intervals.begin() && (after - 1)->contains(t);
}

double total_length(const Intervals& intervals) {
  double total = 0;
  for (const Interval& i : intervals) total += i.length();
  return total;
}

Intervals merged(Intervals intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.start < b.start; });
  Intervals out;
  for (const Interval& i : intervals) {
    if (!(i.start < i.end)) continue;
    if (!out.empty() && i.start <= out.back().end) {
      out.back().end = std::max(out.back().end, i.end);
    } else {
      out.push_back(i);
    }
  }
  return out;
}

Intervals intersection(const Intervals& first, const Intervals& second) {
  const Intervals a = merged(first), b = merged(second);
  Intervals out;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const Interval common = {std::max(a[i].start, b[j].start), std::min(a[i].end, b[j].end)};
    if (common.start < common.end) out.push_back(common);
    ++(a[i].end < b[j].end ? i : j);
  }
  return out;
}

Intervals difference(const Intervals& first, const Intervals& second) {
  const Intervals a = merged(first), b = merged(second);
  Intervals out;
  size_t j = 0;
  for (Interval rest : a) {
    while (j < b.size() && b[j].end <= rest.start) ++j;
    // What ends inside `rest` is done with; the last one may reach into the next interval.
    for (size_t k = j; k < b.size() && b[k].start < rest.end; ++k) {
      if (rest.start < b[k].start) out.push_back({rest.start, b[k].start});
      rest.start = std::max(rest.start, b[k].end);
    }
    if (rest.start < rest.end) out.push_back(rest);
  }
  return out;
}

Intervals dilated(const Intervals& intervals, double seconds) {
  Intervals out = intervals;
  for (Interval& i : out) i = {i.start - seconds, i.end + seconds};
  return out;
}

}  // namespace tenfold::poyo_decode
