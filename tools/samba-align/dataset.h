// Recordings as training sees them: normalised, cut into parts and windows, with the graphs of
// their parcels (specification, section 2.1).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/core/philox.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/normalisation.h"
#include "tools/samba-align/parts.h"
#include "tools/samba-align/recording.h"
#include "tools/samba-align/training_options.h"

namespace tenfold::samba_align {

// Which window of whom: electrophysiology and fMRI may be of two subjects at the same time.
struct WindowPlace {
  size_t ele = 0, hemo = 0;
  int64_t start = 0, stride = 1;  // its frames: start, start + stride, ...
};

class Dataset {
 public:
  // Throws DataError where a part holds no window or a signal does not vary.
  Dataset(const RecordingSet& recordings, const DatasetOptions& options);

  const Parts& parts() const { return parts_; }
  // Subjects that are trained and validated, and those that are tested.
  const std::vector<size_t>& trained() const { return trained_; }
  const std::vector<size_t>& tested() const { return tested_; }
  // The windows of a part (train, valid, test) on its grid, subject by subject. With cross pairing
  // a test window is given once for every pair, one of another part with one partner in turn.
  std::vector<WindowPlace> windows(const std::string& part) const;
  // `count` places of training windows, draws number first .. of a stream.
  std::vector<WindowPlace> drawn(const Stream& stream, uint64_t first, int64_t count) const;
  int64_t training_windows() const { return int64_t(training_starts_.size()); }

  // Without truth for the decoder.
  Batch batch(const std::vector<WindowPlace>& places) const;

  // As windows are cut from them: normalised where that is done by recording.
  const at::Tensor& ele(size_t subject) const { return ele_[subject]; }    // [parcels, samples]
  const at::Tensor& hemo(size_t subject) const { return hemo_[subject]; }  // [targets, frames]

  // Of the training part, where series are normalised by them; null: by every window's own.
  const Moments* ele_moments(size_t subject) const { return ele_moments_[subject].get(); }
  const Moments* hemo_moments(size_t subject) const { return hemo_moments_[subject].get(); }

  // The frames of a part, `columns` of the series each, one after the other: a view where it is one
  // stretch.
  static at::Tensor of_part(const at::Tensor& series, const Part& part, int64_t columns);

  const GraphPtr& source_graph(size_t subject) const { return source_[subject]; }
  const GraphPtr& target_graph(size_t subject) const { return target_[subject]; }

 private:
  // The place's frames of `columns` each and `context` frames before; `what` stands in the message
  // where the window does not vary.
  at::Tensor window_of(const at::Tensor& series, const WindowPlace& place, int64_t columns,
                       int64_t context, const std::string& what) const;

  DatasetOptions options_;
  int64_t block_;
  Parts parts_;
  std::vector<at::Tensor> ele_, hemo_;  // [parcels, samples], [targets, frames]
  std::vector<std::unique_ptr<const Moments>> ele_moments_, hemo_moments_;
  std::vector<GraphPtr> source_, target_;
  std::vector<Window> training_starts_;
  std::vector<size_t> trained_, tested_;  // subjects
  std::vector<std::string> folders_;      // of the subjects
};

}  // namespace tenfold::samba_align
