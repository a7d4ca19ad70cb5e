// Internal to common/io: what a MATLAB file of either version holds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/io/matlab.h"

namespace tenfold::io {

class MatlabFile::Contents {
 public:
  virtual ~Contents() = default;
  virtual std::vector<double> values(size_t i) const = 0;

  std::string version;
  std::vector<MatlabVariable> variables;
};

std::unique_ptr<MatlabFile::Contents> parse_matlab_5(const Bytes& file, const std::string& name,
                                                     uint64_t limit);
std::unique_ptr<MatlabFile::Contents> open_matlab_73(const std::string& path);

}  // namespace tenfold::io
