// Internal to the reading of recordings: the parts of an NWB file.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/poyo-decode/recording_layouts.h"

namespace tenfold::poyo_decode {

// Rows of a ragged column: [first, last) of each, from the cumulative ends in `path`_index.
std::vector<std::pair<int64_t, int64_t>> ragged_rows(const io::Hdf5File& file,
                                                     const std::string& path, int64_t values);

// Samples of the readout: the series GROUP_SERIES, or velocity derived from a position (GROUP_pos,
// or Position/Group). Returns false where the file holds neither.
bool read_nwb_behaviour(const io::Hdf5File& file, const ReadOptions& options, Recording& recording);

// Trials, phases and the split, as the data set says; the recording has its domain and samples.
// Throws DataError naming a column that is missing.
void prepare_nwb_trials(const io::Hdf5File& file, const DatasetDescription& dataset,
                        Recording& recording);

}  // namespace tenfold::poyo_decode
