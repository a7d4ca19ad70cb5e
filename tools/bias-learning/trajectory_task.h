// One trajectory to be generated: cosine, van der Pol, or columns of a file.
#pragma once

#include <memory>

#include "tools/bias-learning/dynamical_systems.h"
#include "tools/bias-learning/rnn_task.h"

namespace tenfold::bias_learning {

struct Trajectory {
  Rows target;  // [steps][outputs]
  Rows x;       // [steps][inputs], what is shown as row t is asked for; empty: nothing
  Rows states;  // of the system itself, under `state_names`; empty: none
  std::vector<std::string> state_names;
  Figures facts;
};

Trajectory cosine_trajectory(int64_t steps, double period);

// x divided by its largest |x| among the steps that are kept.
Trajectory van_der_pol_trajectory(int64_t steps, const Integration& how);

// CSV with the header t,y1..ym[,x1..xd], one row a step: targets y standardised per column, inputs
// x. The first `steps` rows; 0: all. Throws DataError naming the file for another header, too few
// rows, or a target that does not vary.
Trajectory csv_trajectory(const std::string& path, int64_t steps);

std::unique_ptr<RnnTask> trajectory_task(const Trajectory& trajectory);

// Mean over all entries of (y - target)^2 from row `first` on; writes its gradient.
double mean_squared_error(const Trials& trials, int64_t outputs, int64_t first, const float* y,
                          float* d_y);

}  // namespace tenfold::bias_learning
