// What windows are cut and how a translator is trained (specification, sections 2.1 and 4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::samba_align {

struct DatasetOptions {
  int64_t frames = 15, context_frames = 15;  // of a window
  std::string normalise = "window";          // or recording: one mean and deviation a modality
  std::string graph_from = "train";          // or all: the released code's leak
  double graph_density = 1;
  int64_t graph_degree = 0;  // > 0: instead of the density
  bool no_graph = false;     // every parcel alone
  std::string pairing = "same";
  std::vector<std::string> test_subjects;  // tested and not trained; none: every subject is both
  std::string window_start = "any";        // of training: at any frame, or on the grid
  std::string split = "blocked";           // or another of split_parts
  double gap_s = 30;                       // between parts that are blocked
  // What is made of the electrophysiology first: raw, envelope or bandpower.
  std::string ele_feature = "raw";
  double feature_low = 8, feature_high = 13, feature_cutoff = 1;  // Hz
};

struct TrainerOptions {
  std::string loss = "cosine";
  int64_t batch_size = 10;
  double lr = 3e-4;
  double hrf_lr_multiplier = 1;  // of the responses' parameters
  double teacher_forcing = 0.5;
  bool true_first_frame = false;
  bool eval_dropout = false;  // the released code's dropouts stay on in evaluation
};

}  // namespace tenfold::samba_align
