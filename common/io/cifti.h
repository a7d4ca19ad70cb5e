// CIFTI-2 time series (.dtseries.nii, .ptseries.nii; specification of samba-align, section 2.2.2):
// parcels or brainordinates over time, on the NIfTI-2 reader.
#pragma once

#include <string>

#include "common/io/file.h"
#include "common/io/signals.h"

namespace tenfold::io {

// [parcels or brainordinates, times]; `rate_hz` is 1 over the series' step, names are the parcels'
// or "CORTEX_LEFT/12" (structure and vertex or voxel's place). Throw DataError: no CIFTI, other
// maps than a series along the first and parcels or brainordinates along the second dimension, a
// unit other than seconds, counts that do not fit.
Signals parse_cifti(const Bytes& file, const std::string& name);
Signals read_cifti(const std::string& path);

// A NIfTI-2 file with the extension of CIFTI.
bool is_cifti(const Bytes& file);

}  // namespace tenfold::io
