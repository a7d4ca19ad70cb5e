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

// What an atlas says of a parcel; empty: nothing.
struct ParcelPlace {
  std::string name, hemisphere, network, lobe;
};

// `parcels` of a data folder's manifest.json; empty where it has none of `count` parcels. Throws
// DataError for an entry that is no object of texts.
std::vector<ParcelPlace> parcel_places(const std::string& folder, int64_t count);

// From the table hrf: table regions, means by hemisphere, network and lobe, seed by seed.
void add_regions(log::Result& result, const std::vector<ParcelPlace>& places);

}  // namespace tenfold::samba_align
