// Means over the parcels of a hemisphere, network or lobe (specification, section 5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/log/result.h"

namespace tenfold::samba_align {

// What an atlas says of a parcel; empty: nothing.
struct ParcelPlace {
  std::string name, hemisphere, network, lobe;
};

// `parcels` of a data folder's manifest.json, those of `modality` (ele or hemo); empty where it has
// none of `count` parcels. Throws DataError for an entry that is no object of texts.
std::vector<ParcelPlace> parcel_places(const std::string& folder, const std::string& modality,
                                       int64_t count);

// From the table `of`, whose columns are seed, parcel and numbers: table `name`, the means of its
// numbers by hemisphere, network and lobe, seed by seed. Nothing where no place is known.
void add_regions(log::Result& result, const std::string& of, const std::string& name,
                 const std::vector<ParcelPlace>& places);

}  // namespace tenfold::samba_align
