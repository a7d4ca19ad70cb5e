// What a decoder learned about its units, and what the units do (arXiv 2310.16046, section 3;
// specification, section 5, experiment 6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

struct PrincipalComponents {
  std::vector<double> coordinates;  // [rows, components]
  std::vector<double> share;        // [components] of the variance, descending
};

// Of rows [rows, width] around their mean. A component points to where its greatest loading is
// positive. At most min(rows, width) components.
PrincipalComponents principal_components(const float* rows, int64_t count, int64_t width,
                                         int64_t components);

// How a unit's rate follows the velocity v: rate = base + gain |v| cos(angle - direction), by least
// squares over samples at least 50 ms apart; the rate is of the 100 ms around the sample's time
// less `lag`, by which motor cortex leads (specification, section 2.3).
struct UnitTuning {
  double rate = 0;                  // Hz over the recording's domain
  std::optional<double> direction;  // rad in (-pi, pi]; none without spikes or movement
  std::optional<double> gain;       // Hz per unit of velocity
  std::optional<double> r2;         // of the fit
};
constexpr double kTuningLag = 0.1, kTuningWidth = 0.1, kTuningStep = 0.05;  // seconds
std::vector<UnitTuning> unit_tuning(const Recording& recording);

// How well angles on the map follow directions, whichever way round and from wherever the map
// turns: the length of the mean of exp(i (direction -+ angle)), the greater of the two. 1 is
// perfect, about sqrt(1 / n) is chance. Both rad and equally long.
double ring_resultant(const std::vector<double>& angles, const std::vector<double>& directions);

// The one of `sessions` whose name and a slash begin the unit's id; "" where none does.
std::string session_of_unit(const std::string& unit, const std::vector<std::string>& sessions);

// The part of SUBJECT_YYYYMMDD_... before the date; "" for another form of name.
std::string subject_of_session(const std::string& session);

}  // namespace tenfold::poyo_decode
