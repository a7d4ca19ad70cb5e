// What a result says of haemodynamic responses (specification, sections 3.2 and 5).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/log/result.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/recording.h"

namespace tenfold::samba_align {

// Table hrf: the six parameters of every parcel, time to peak, width and undershoot, with the true
// times to peak where one subject's are known, and then metrics hrf_peak_r and hrf_peak_mae; series
// responses, of the first seed. Nothing where the model has none.
void add_responses(log::Result& result, const RecordingSet& recordings,
                   const std::vector<std::pair<int64_t, const Model*>>& models);

// From the table hrf: series histograms, how many parcels of all seeds lie in each of 20 parts of
// a parameter's reach.
void add_histograms(log::Result& result, const HrfSpec& spec);

}  // namespace tenfold::samba_align
