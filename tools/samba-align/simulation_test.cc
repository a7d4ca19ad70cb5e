#include "tools/samba-align/simulation.h"

#include <Eigen/Cholesky>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "tools/samba-align/haemodynamics.h"

namespace tenfold::samba_align {
namespace {

SimulationOptions brief(double minutes) {
  SimulationOptions o = small_preset();
  o.minutes = minutes;
  return o;
}

SimulatedSubject first_of(const SimulationOptions& o, const SimulationInputs& in = {}) {
  return Simulation(o, in).subject(0);
}

double correlation(const Eigen::RowVectorXd& a, const Eigen::RowVectorXd& b) {
  const Eigen::RowVectorXd x = a.array() - a.mean(), y = b.array() - b.mean();
  return x.dot(y) / x.norm() / y.norm();
}

// Section 8's ridge: signals convolved with the canonical response, one overall scale, lambda 10;
// the first 1440 frames fit, 345 frames from there on test. Mean r over targets.
double canonical_ridge(const SimulatedSubject& s, double fs, int64_t block) {
  const Matrix kernels =
      response_kernels(std::vector<DoubleGamma>(size_t(s.ele.rows()), kCanonicalResponse), fs);
  const Matrix filtered = convolved(s.ele.cast<double>(), kernels, fs);
  const int64_t frames = s.hemo.cols();
  Matrix z(filtered.rows(), frames), y = s.hemo.cast<double>();
  for (int64_t j = 0; j < frames; ++j) z.col(j) = filtered.col((j + 1) * block - 1);
  z /= std::sqrt((z.array() - z.mean()).square().mean());
  y = 0.7188 * (y.array() - y.mean()) / std::sqrt((y.array() - y.mean()).square().mean());
  const Eigen::MatrixXd train = z.leftCols(1440), test = z.middleCols(1440, 345);
  Eigen::MatrixXd gram = train * train.transpose();
  gram.diagonal().array() += 10;
  const Eigen::MatrixXd weights = gram.llt().solve(train * y.leftCols(1440).transpose());
  const Matrix predicted = weights.transpose() * test;
  double sum = 0;
  for (int64_t q = 0; q < y.rows(); ++q) {
    sum += correlation(predicted.row(q), y.row(q).segment(1440, 345));
  }
  return sum / double(y.rows());
}

}  // namespace

TEST_CASE("canonical ridge translates the small preset as well as the prototype's data") {
  double mean = 0;
  for (const uint64_t seed : {0, 1, 2}) {
    SimulationOptions o = small_preset();
    o.seed = seed;
    const SimulatedSubject s = first_of(o);
    REQUIRE((s.ele.rows() == 20 && s.ele.cols() == 180000));
    REQUIRE((s.hemo.rows() == 40 && s.hemo.cols() == 1800));
    const double r = canonical_ridge(s, 50, 100);
    CAPTURE(seed, r);
    CHECK(r > 0.66);
    CHECK(r < 0.78);
    mean += r / 3;
  }
  CHECK(mean == Approx((0.743 + 0.715 + 0.707) / 3).margin(0.03));
}

TEST_CASE("the small preset's fMRI is clean BOLD of its children, crosstalk and white noise") {
  const SimulatedSubject s = first_of(brief(60));
  // Written as section 2.4.6 has it, from the stored drive and kernels.
  for (const int64_t q : {0, 1, 17, 39}) {
    const int64_t p = q / 2;
    double worst = 0;
    const double mean = s.bold_clean.row(p).mean();
    const double deviation =
        std::sqrt((s.bold_clean.row(p).array() - mean).square().sum() / (180000 - 1));
    for (const int64_t frame : {0, 5, 900, 1799}) {
      const int64_t t = (frame + 1) * 100 - 1;
      double sum = 0;
      for (int64_t k = 0; k < 1500 && k <= t; ++k) sum += s.kernels(p, k) * s.drive(p, t - k) / 50;
      worst = std::max(worst, std::abs((sum - mean) / deviation - s.bold_clean_frames(q, frame)));
    }
    CHECK(worst < 1e-10);
  }
  const Matrix rest =
      s.hemo.cast<double>() - s.bold_clean_frames - 0.2 * s.crosstalk * s.bold_clean_frames;
  CHECK(std::sqrt(rest.squaredNorm() / double(rest.size())) == Approx(0.4).epsilon(0.02));
  CHECK(rest.leftCols(1799).cwiseProduct(rest.rightCols(1799)).mean() == Approx(0).margin(0.005));
  CHECK(rest.row(0).dot(s.bold_clean_frames.row(0)) / 1800 == Approx(0).margin(0.03));
}

TEST_CASE("the default's fMRI has AR(1) noise of 0.5, and drifts") {
  SimulationOptions o = brief(60);
  o.target_map = "sphere";
  o.crosstalk = 0;
  o.fmri_noise_ar = 0.5;
  const SimulatedSubject flat = first_of(o);
  const Matrix noise = flat.hemo.cast<double>() - flat.bold_clean_frames;
  o.drift = 0.5;
  const SimulatedSubject drifting = first_of(o);
  const Matrix drift = (drifting.hemo - flat.hemo).cast<double>();
  for (int64_t q = 0; q < 40; ++q) {
    const auto clean = flat.bold_clean_frames.row(q);
    const double signal = std::sqrt((clean.array() - clean.mean()).square().sum() / 1799);
    CHECK(std::sqrt(noise.row(q).squaredNorm() / 1800) == Approx(0.4 * signal).epsilon(0.1));
    CHECK(noise.row(q).head(1799).dot(noise.row(q).tail(1799)) / noise.row(q).squaredNorm() ==
          Approx(0.5).margin(0.08));
    CHECK(std::abs(drift(q, 1799)) <= 0.5 * signal);
    CHECK(drift(q, 900) == Approx(drift(q, 1799) * 900 / 1799).margin(1e-5));
  }
  CHECK(drift.col(1799).cwiseAbs().maxCoeff() > 0.1);
  CHECK(flat.mixing.rowwise().sum().isApproxToConstant(1));
}

TEST_CASE("labels are the categories at the ends of the frames") {
  const Simulation simulation(brief(20), {});
  const SimulatedSubject s = simulation.subject(0);
  for (size_t j = 0; j < s.labels.size(); ++j) {
    const double end = 2 * double(j + 1) - 0.02;
    for (const StimulusSegment& seen : simulation.stimulus()) {
      if (seen.onset <= end && end < seen.onset + seen.duration) {
        CHECK(s.labels[j] == seen.category);
      }
    }
  }
}

TEST_CASE("subjects see the same and differ in all else; each is a function of seed and number") {
  SimulationOptions o = brief(4);
  o.subjects = 2;
  const Simulation simulation(o, {});
  const SimulatedSubject a = simulation.subject(0), b = simulation.subject(1);
  CHECK((a.name == "sub-01" && b.name == "sub-02"));
  CHECK(a.labels == b.labels);
  CHECK(a.responses[0].d1 != b.responses[0].d1);
  CHECK((a.stim_pattern - b.stim_pattern).norm() > 0.05 * a.stim_pattern.norm());
  CHECK((a.stim_pattern - b.stim_pattern).norm() < 0.25 * a.stim_pattern.norm());
  CHECK(std::abs(correlation(a.drive.row(0), b.drive.row(0))) < 0.9);
  CHECK(first_of(brief(4)).hemo == a.hemo);  // whatever the number of subjects
  SimulationOptions other = o;
  other.seed = 1;
  CHECK(first_of(other).labels != a.labels);
}

TEST_CASE("neural mass, sensors and balloons go together") {
  SimulationOptions o = brief(1);
  o.neural = "jansen-rit";
  o.hrf = "balloon";
  o.target_map = o.positions = "sphere";
  const SimulatedSubject direct = first_of(o);
  CHECK(direct.ele.mean() == Approx(7.4).margin(0.5));  // mV, section 2.4.4
  CHECK(direct.drive.rowwise().mean().cwiseAbs().maxCoeff() < 1e-10);
  CHECK(direct.responses.empty());
  CHECK(direct.kernels.size() == 0);
  CHECK(direct.balloons.size() == 20);
  // A sphere of 140 mm at 6 m/s.
  CHECK(direct.delays.maxCoeff() <= 24);
  CHECK(direct.delays.maxCoeff() > 18);
  for (const bool meg : {true, false}) {
    o.sensors = meg ? "meg" : "eeg";
    const SimulatedSubject s = first_of(o);
    CHECK(s.sensors.rows() == (meg ? 100 : 64));
    CHECK(s.hemo == direct.hemo);  // sensors do not touch fMRI
    CHECK(
        (s.inverse * s.sensors.cast<double>() * 1e9 - s.ele.cast<double>()).cwiseAbs().maxCoeff() <
        1e-3);
    double own = 0;
    for (int64_t p = 0; p < 20; ++p) {
      own += correlation(s.ele.row(p).cast<double>(), direct.ele.row(p).cast<double>()) / 20;
    }
    CHECK(own > 0.3);
  }
}

TEST_CASE("matrices of the user take the place of drawn ones") {
  SimulationOptions o = brief(1);
  o.neural = "jansen-rit";
  SimulationInputs in;
  in.connectome = Matrix::Constant(20, 20, 3);
  in.lengths = Matrix::Constant(20, 20, 60);
  in.fmri_noise_series = Matrix::Random(40, 70);
  const SimulatedSubject s = first_of(o, in);
  CHECK(s.connectome.rowwise().sum().isApproxToConstant(1));
  CHECK(s.connectome.diagonal().isZero());
  CHECK((s.connectome.array() > 0).count() == 380);
  CHECK((s.delays.array() == 10).all());
  const SimulatedSubject white = first_of(o, {in.connectome, in.lengths, {}, {}});
  CHECK(white.drive == s.drive);
  CHECK(white.hemo != s.hemo);
  o.sensors = "meg";
  in.leadfield = Matrix::Random(7, 20);
  CHECK(first_of(o, in).leadfield == *in.leadfield);
  o.neural = "envelope";
  CHECK(first_of(o, in).connectome.diagonal().minCoeff() > 0.5);
}

TEST_CASE("options that no simulation can have are refused by name") {
  const auto refused = [](auto change, const SimulationInputs& in, const std::string& word) {
    SimulationOptions o = small_preset();
    change(o);
    CHECK_THROWS_WITH(Simulation(o, in), Catch::Contains(word));
    CHECK_THROWS_AS(Simulation(o, in), Error);
  };
  using Options = SimulationOptions&;
  refused([](Options o) { o.neural = "hopf"; }, {}, "--neural: found hopf");
  refused([](Options o) { o.tr = 2.005; }, {}, "--tr: 2.005 s at 50 Hz");
  refused([](Options o) { o.fs = 50.5; }, {}, "whole Hz");
  refused([](Options o) { o.minutes = 0.0001; }, {}, "--minutes");
  refused([](Options o) { o.hemo_parcels = 0; }, {}, "--hemo-parcels");
  refused([](Options o) { o.fmri_noise_ar = 1; }, {}, "--fmri-noise-ar");
  refused([](Options o) { o.drift = std::nan(""); }, {}, "--drift");
  SimulationInputs in;
  in.lengths = Matrix::Ones(20, 20);
  refused([](Options) {}, in, "--lengths: expected --connectome");
  in.connectome = Matrix::Ones(19, 20);
  refused([](Options) {}, in, "--connectome: found 19 x 20 numbers, expected 20 x 20");
  in.connectome = Matrix::Ones(20, 20);
  in.lengths = -Matrix::Ones(20, 20);
  refused([](Options) {}, in, "--lengths: found a number");
  in = {};
  in.leadfield = Matrix::Ones(5, 20);
  refused([](Options) {}, in, "--sensors");
  in = {};
  in.fmri_noise_series = Matrix::Ones(40, 1799);
  refused([](Options) {}, in, "at least 1800");
}

}  // namespace tenfold::samba_align
