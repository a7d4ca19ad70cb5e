// Matrices as NumPy's arrays lie: a row after the other.
#pragma once

#include <Eigen/Core>

namespace tenfold::samba_align {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace tenfold::samba_align
