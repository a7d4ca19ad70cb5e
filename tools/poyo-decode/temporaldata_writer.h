// The objects of a temporaldata HDF5 file (specification, section 2.2 (a)): groups with an
// attribute `object` that says what they are. All throw IoError as Hdf5Writer does.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/io/hdf5_writer.h"
#include "tools/poyo-decode/intervals.h"

namespace tenfold::poyo_decode {

// Says that `group` is an `object`; without time keys, or with them and no texts among its columns.
void describe(io::Hdf5Writer& writer, const std::string& group, const std::string& object);
void describe(io::Hdf5Writer& writer, const std::string& group, const std::string& object,
              const std::vector<std::string>& timekeys);

// `object` "Data", with its texts.
void write_data(io::Hdf5Writer& writer, const std::string& group,
                const std::vector<std::pair<std::string, std::string>>& texts);

// Datasets `start` and `end`; write_intervals also says that the group is an "Interval".
void write_bounds(io::Hdf5Writer& writer, const std::string& group, const Intervals& intervals);
void write_intervals(io::Hdf5Writer& writer, const std::string& group, const Intervals& intervals);

// `object` "IrregularTimeSeries" with its times, the index for lazy readers, and its domain.
void write_series(io::Hdf5Writer& writer, const std::string& group,
                  const std::vector<double>& times, const Intervals& domain);

// [n, 2] as float64; nothing where there are no values.
void write_pairs(io::Hdf5Writer& writer, const std::string& path, const std::vector<float>& values);

}  // namespace tenfold::poyo_decode
