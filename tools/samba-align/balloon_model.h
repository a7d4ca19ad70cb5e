// The balloon model of the haemodynamic response (specification, section 2.4.6).
#pragma once

#include <vector>

namespace tenfold::samba_align {

struct Balloon {
  double kappa = 0.65;  // 1/s, decay of the flow-inducing signal
  double gamma = 0.41;  // 1/s^2, feedback of the flow
  double tau = 0.98;    // s, transit time
};

constexpr double kBalloonStep = 0.01;  // seconds
constexpr double kBalloonDrive = 0.5;  // what a drive of standard deviation 1 is scaled by

// BOLD signal at the steps 0 .. drive.size(), from rest, by Euler steps of 10 ms with the drive
// [steps] held over each; flow, volume and deoxyhaemoglobin stay at or above 0.05.
std::vector<double> balloon_bold(const Balloon& balloon, const std::vector<double>& drive);

// The same for a drive sampled at `rate` Hz [n] and scaled by kBalloonDrive: samples are averaged
// or held to the steps, and BOLD is interpolated back to the samples [n].
std::vector<double> balloon_response(const Balloon& balloon, const std::vector<double>& z,
                                     double rate);

}  // namespace tenfold::samba_align
