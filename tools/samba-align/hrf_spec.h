// Learned haemodynamic responses in numbers (specification, section 3.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::samba_align {

// Response delay, undershoot delay, response dispersion, undershoot dispersion, response scale,
// undershoot scale: the order of the six everywhere.
constexpr int64_t kHrfParameters = 6;

struct HrfSpec {
  std::vector<int64_t> hidden = {128, 512, 128};
  std::string form = "sigmoid";  // one number at a time; tanh: all six at once, the first version's
  bool centred = false;          // ours: begins in the middle of the parameters' ranges
  bool shared = false;           // one network for all parcels
  double seconds = 30;           // length of a kernel
};

}  // namespace tenfold::samba_align
