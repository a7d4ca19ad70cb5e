#include "tools/samba-align/labelled_windows.h"

#include <map>

namespace tenfold::samba_align {

int64_t window_label(const int32_t* labels, int64_t frames) {
  std::map<int32_t, int64_t> counts;
  for (int64_t f = frames / 3; f < frames - frames / 3; ++f) ++counts[labels[f]];
  int64_t label = -1, most = 0;
  for (const auto& [category, count] : counts) {
    if (count <= most) continue;
    most = count;
    label = category;
  }
  return label;
}

std::vector<LabelledWindow> labelled_windows(const RecordingSet& recordings, const Parts& parts,
                                             int64_t frames, int64_t step, int64_t context) {
  std::vector<LabelledWindow> windows;
  for (size_t s = 0; s < recordings.subjects.size(); ++s) {
    const std::vector<int32_t>& labels = recordings.subjects[s].labels;
    int64_t number = 0;
    for (const Part& part : {parts.train, parts.valid, parts.test}) {
      for (const Window& w : windows_in(part, frames, context, step)) {
        std::vector<int32_t> own;
        for (int64_t k = 0; k < frames && !labels.empty(); ++k)
          own.push_back(labels[size_t(w.first + k * w.stride)]);
        const int64_t label = own.empty() ? -1 : window_label(own.data(), frames);
        windows.push_back({s, w.first, number, label, w.stride});
      }
      ++number;
    }
  }
  return windows;
}

}  // namespace tenfold::samba_align
