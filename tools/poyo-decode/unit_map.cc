#include "tools/poyo-decode/unit_map.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <complex>
#include <limits>

namespace tenfold::poyo_decode {
namespace {

// Rows (1, vx, vy) and the middles of the windows in which spikes are counted.
struct Design {
  Eigen::MatrixXd x;
  std::vector<double> middle;

  explicit Design(const Recording& r) {
    std::vector<size_t> used;
    double next = -std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < r.sample_times.size(); ++i) {
      const double t = r.sample_times[i], at = t - kTuningLag;
      const Interval window{at - kTuningWidth / 2, at + kTuningWidth / 2};
      if (t < next || total_length(intersection(r.domain, {window})) < kTuningWidth * 0.999)
        continue;
      used.push_back(i);
      middle.push_back(at);
      next = t + kTuningStep - kFitTolerance;
    }
    x.resize(Eigen::Index(used.size()), 3);
    for (size_t k = 0; k < used.size(); ++k)
      x.row(Eigen::Index(k)) << 1, r.target[2 * used[k]], r.target[2 * used[k] + 1];
  }
};

void fit(const Design& design, const std::vector<double>& spikes, UnitTuning& out) {
  Eigen::VectorXd rate(design.x.rows());
  for (Eigen::Index k = 0; k < rate.size(); ++k) {
    const double from = design.middle[size_t(k)] - kTuningWidth / 2;
    const auto first = std::lower_bound(spikes.begin(), spikes.end(), from);
    const auto end = std::lower_bound(first, spikes.end(), from + kTuningWidth);
    rate(k) = double(end - first) / kTuningWidth;
  }
  const double spread = (rate.array() - rate.mean()).square().sum();
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(design.x);
  if (!(spread > 0) || qr.rank() < 3) return;
  const Eigen::Vector3d b = qr.solve(rate);
  out.direction = std::atan2(b(2), b(1));
  out.gain = std::hypot(b(1), b(2));
  out.r2 = 1 - (rate - design.x * b).squaredNorm() / spread;
}

}  // namespace

PrincipalComponents principal_components(const float* rows, int64_t count, int64_t width,
                                         int64_t components) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::MatrixXd x = Eigen::Map<const Matrix>(rows, count, width).cast<double>();
  x.rowwise() -= x.colwise().mean().eval();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(x.transpose() * x);
  const double all = std::max(0.0, solver.eigenvalues().sum());
  const int64_t most = std::min({components, count, width});
  Eigen::MatrixXd axes(width, most);
  PrincipalComponents out;
  for (int64_t c = 0; c < most; ++c) {
    Eigen::VectorXd axis = solver.eigenvectors().col(width - 1 - c);
    Eigen::Index greatest = 0;
    axis.cwiseAbs().maxCoeff(&greatest);
    axes.col(c) = axis(greatest) < 0 ? Eigen::VectorXd(-axis) : axis;
    out.share.push_back(all > 0 ? std::max(0.0, solver.eigenvalues()(width - 1 - c)) / all : 0);
  }
  const Eigen::MatrixXd at = x * axes;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < most; ++c) out.coordinates.push_back(at(i, c));
  return out;
}

std::vector<UnitTuning> unit_tuning(const Recording& r) {
  std::vector<std::vector<double>> spikes(r.units.size());
  for (size_t i = 0; i < r.spike_times.size(); ++i)
    spikes[size_t(r.spike_units[i])].push_back(r.spike_times[i]);
  const double seconds = total_length(r.domain);
  const Design design(r);
  std::vector<UnitTuning> out(r.units.size());
  for (size_t u = 0; u < out.size(); ++u) {
    out[u].rate = seconds > 0 ? double(spikes[u].size()) / seconds : 0;
    if (design.x.rows() > 3) fit(design, spikes[u], out[u]);
  }
  return out;
}

double ring_resultant(const std::vector<double>& angles, const std::vector<double>& directions) {
  double greatest = 0;
  for (const double sense : {1.0, -1.0}) {
    std::complex<double> sum = 0;
    for (size_t i = 0; i < angles.size(); ++i)
      sum += std::polar(1.0, directions[i] - sense * angles[i]);
    greatest = std::max(greatest, std::abs(sum) / double(angles.size()));
  }
  return greatest;
}

std::string session_of_unit(const std::string& unit, const std::vector<std::string>& sessions) {
  std::string found;
  for (const std::string& s : sessions)
    if (s.size() > found.size() && unit.rfind(s + "/", 0) == 0) found = s;
  return found;
}

std::string subject_of_session(const std::string& session) {
  constexpr size_t kDate = 8;
  const size_t end = session.find('_');
  if (end == std::string::npos || session.size() < end + 1 + kDate) return "";
  for (size_t i = end + 1; i <= end + kDate; ++i)
    if (std::isdigit(static_cast<unsigned char>(session[i])) == 0) return "";
  return session.substr(0, end);
}

}  // namespace tenfold::poyo_decode
