// Training trajectories on disk (specification, section 2.2): NAME.dat, row-major float16
// [run][state][param]; NAME_metrics.dat, float16 [run][state][metric]; NAME.json.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"

namespace tenfold::nino_nowcast {

struct TrajectoryInfo {
  std::string name;
  Architecture arch;
  int64_t runs = 0, states = 0, every = 1;  // `every`: optimiser steps between two states
  std::vector<int64_t> seeds;
  std::vector<std::string> metric_names;
  std::string options_json;  // the resolved options of the runs, an object
  std::string digest;        // xxh3 of NAME.dat
};

// Reads states; the file is mapped, not loaded. Throws MissingInput, DataError when the size of a
// file is not runs * states * P * 2 bytes.
class TrajectoryReader {
 public:
  TrajectoryReader(const std::string& folder, const std::string& name);
  ~TrajectoryReader();
  TrajectoryReader(const TrajectoryReader&) = delete;
  TrajectoryReader& operator=(const TrajectoryReader&) = delete;

  const TrajectoryInfo& info() const { return info_; }

  // One state as float32 into out[i * stride], i = 0..P-1.
  void read(int64_t run, int64_t state, float* out, int64_t stride) const;

  // Some entries of one state: out[i * stride] = value of parameter indices[i].
  void read_some(int64_t run, int64_t state, const std::vector<int64_t>& indices, float* out,
                 int64_t stride) const;

 private:
  const uint16_t* state(int64_t run, int64_t state) const;

  TrajectoryInfo info_;
  const uint16_t* data_ = nullptr;
  int64_t bytes_ = 0;
};

// Writes states in any order into NAME.dat.partial and NAME_metrics.dat.partial; finish() names
// them and writes the JSON last, so that a reader sees all or nothing.
class TrajectoryWriter {
 public:
  // `resume`: go on with files that a stopped run left (Mismatch when they are not there or of
  // another size). Throws CannotCreate when NAME.json exists already.
  TrajectoryWriter(const std::string& folder, TrajectoryInfo info, bool resume);
  ~TrajectoryWriter();
  TrajectoryWriter(const TrajectoryWriter&) = delete;
  TrajectoryWriter& operator=(const TrajectoryWriter&) = delete;

  // values [P], metrics [metric_names]. Throws NumericError for a value beyond the range of
  // float16.
  void write(int64_t run, int64_t state, const float* values, const std::vector<double>& metrics);
  void sync();
  void finish();

 private:
  std::string base_;
  TrajectoryInfo info_;
  int states_fd_ = -1, metrics_fd_ = -1;
};

}  // namespace tenfold::nino_nowcast
