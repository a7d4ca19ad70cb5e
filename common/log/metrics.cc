#include "common/log/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/core/error.h"

namespace tenfold::log {

MetricsWriter::MetricsWriter(const std::string& path, int64_t offset) : path_(path), offset_(offset) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) throw CannotCreate(fmt::format("{}: cannot create: {}", path, std::strerror(errno)));
  struct stat status {};
  const bool known = ::fstat(fd_, &status) == 0;
  if (!known || status.st_size < offset) {
    ::close(fd_);
    throw Mismatch(fmt::format("{}: found {} bytes, expected at least {} as the checkpoint says", path, status.st_size,
                               offset));
  }
  if (::ftruncate(fd_, offset) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd_);
    throw IoError(fmt::format("{}: {}", path, why));
  }
}

MetricsWriter::~MetricsWriter() { ::close(fd_); }

void MetricsWriter::append(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  nlohmann::ordered_json row;
  row["step"] = step;
  for (const auto& [key, value] : values) {
    if (std::isfinite(value)) {
      row[key] = value;
    } else {
      row[key] = nullptr;
    }
  }
  const std::string line = row.dump() + "\n";
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw IoError(fmt::format("{}: {}", path_, std::strerror(errno)));
    done += static_cast<size_t>(n);
  }
  offset_ += static_cast<int64_t>(line.size());
}

void MetricsWriter::sync() {
  if (::fsync(fd_) != 0) throw IoError(fmt::format("{}: {}", path_, std::strerror(errno)));
}

}  // namespace tenfold::log
