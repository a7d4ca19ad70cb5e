// Internal to the reading of recordings: one function a layout, and what they share.
#pragma once

#include <string>
#include <vector>

#include "common/io/hdf5.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

Recording read_temporaldata(const io::Hdf5File& file, const ReadOptions& options);
Recording read_nwb(const io::Hdf5File& file, const ReadOptions& options);
Recording read_matlab(const io::Hdf5File& file, const ReadOptions& options);

// Throws DataError "FILE: GROUP: what".
[[noreturn]] void refuse(const io::Hdf5File& file, const std::string& group,
                         const std::string& what);

// A series as a file has it: gaps and NaN are still inside.
struct Samples {
  std::vector<double> times;                           // [samples] seconds
  std::vector<double> target, position, acceleration;  // [samples, 2]; the latter two or empty
};

// Into the recording, without samples whose time or target is NaN or whose `kept` is false; an
// empty `kept` keeps all.
void keep_samples(const Samples& samples, const std::vector<char>& kept, Recording& recording);

// [rows, 2] of a dataset, `rows` many. Throws DataError for another shape.
std::vector<double> read_pairs(const io::Hdf5File& file, const std::string& dataset, int64_t rows);

// Unit ids that are unique across recordings begin with the session's id.
std::string unit_id(const std::string& session, const std::string& id);

// Group and series of a readout such as cursor.vel. Throws UsageError without a dot.
std::pair<std::string, std::string> split_readout(const std::string& readout);

}  // namespace tenfold::poyo_decode
