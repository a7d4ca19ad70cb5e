// Baselines that learn, but know nothing of responses, wavelets or graphs (specification, section
// 6): an LSTM over frames of band power, and a perceptron over a window.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/matrix.h"
#include "tools/samba-align/parts.h"
#include "tools/samba-align/translation_metrics.h"

namespace tenfold::samba_align {

struct NetworkBaselineOptions {
  std::string kind = "mlp";  // or lstm
  int64_t frames = 15;       // of a window
  int64_t iterations = 300, batch_size = 16;
  double lr = 1e-3;
  int64_t evaluate_every = 50;
  // lstm: hidden units, layers, frames before a window that it begins with; mlp: hidden width.
  int64_t hidden = 128, layers = 2, lead = 15, width = 512;
  std::vector<size_t> trained, asked;  // subjects
};

// One subject's frames.
struct FramePair {
  Matrix features;  // [frames, n]
  Matrix targets;   // [frames, m]
};

struct NetworkBaseline {
  Translation translation;  // of the windows asked for, subject by subject
  int64_t best_iteration = 0, parameters = 0;
  double first_valid_loss = 0, best_valid_loss = 0;
};

// Trains with the cosine loss and Adam on windows of `parts.train` that begin anywhere, keeps the
// weights of the least loss on the valid part's grid, and translates the windows of frames `asked`
// on its grid, those of the subjects that the options ask for. Features are standardised on the
// training part.
NetworkBaseline train_network_baseline(const std::vector<FramePair>& subjects, const Parts& parts,
                                       const Part& asked, const NetworkBaselineOptions& options,
                                       uint64_t seed);

}  // namespace tenfold::samba_align
