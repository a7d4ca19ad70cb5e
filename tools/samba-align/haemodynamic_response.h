// The haemodynamic response as a difference of two gamma curves (specification, section 3.2).
#pragma once

#include <vector>

namespace tenfold::samba_align {

// Delays (d) and dispersions (s) of response (1) and undershoot (2): the curves peak at d s
// seconds, with heights c.
struct DoubleGamma {
  double d1, d2, s1, s2, c1, c2;
};

// Of the baselines (section 6).
constexpr DoubleGamma kCanonicalResponse{6, 12, 0.9, 0.9, 1, 0.35};

constexpr double kResponseSeconds = 30;

// h(n / rate) for n = 0 .. round(seconds rate) - 1, with h(0) = 0; not normalised.
std::vector<double> response_kernel(const DoubleGamma& response, double rate,
                                    double seconds = kResponseSeconds);

// Time of the largest value, refined by the parabola through it and its two neighbours, so that it
// is not tied to the grid; an end of the kernel has no parabola. The kernel is not empty.
double time_to_peak_s(const std::vector<double>& kernel, double rate);

// Width at half of the largest value around it, between linear interpolations; a side that never
// falls to the half ends with the kernel. 0 for a kernel without a positive value.
double fwhm_s(const std::vector<double>& kernel, double rate);

// -min / max. 0 for a kernel without a positive value.
double undershoot_ratio(const std::vector<double>& kernel);

}  // namespace tenfold::samba_align
