// metrics.jsonl: append-only, one JSON object a line, flat slash keys such as "train/loss".
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenfold::log {

class MetricsWriter {
 public:
  // Opens `path` and cuts it to `offset` bytes (0 for a fresh run), which is how a resumed run
  // drops the lines that were written after its checkpoint. Throws CannotCreate, IoError; Mismatch
  // when the file is shorter than `offset`.
  MetricsWriter(const std::string& path, int64_t offset);
  ~MetricsWriter();
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;

  // One line: {"step": step, key: value, ...}; NaN and inf become null. Throws IoError.
  void append(int64_t step, const std::vector<std::pair<std::string, double>>& values);

  int64_t offset() const { return offset_; }  // bytes written so far
  void sync();                                // fsync, before a checkpoint names the offset

 private:
  std::string path_;
  int fd_ = -1;
  int64_t offset_ = 0;
};

}  // namespace tenfold::log
