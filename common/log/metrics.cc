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
namespace {

std::string to_line(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  nlohmann::ordered_json row;
  row["step"] = step;
  for (const auto& [key, value] : values) {
    row[key] = std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr;
  }
  return row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Cuts `fd` to `offset` bytes. A file that is shorter lost lines that the checkpoint counted.
void cut(int fd, const std::string& path, int64_t offset) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    throw IoError(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  if (status.st_size < offset) {
    throw Mismatch(fmt::format("{}: found {} bytes, expected at least {} as the checkpoint says",
                               path, status.st_size, offset));
  }
  if (status.st_size > offset && ::ftruncate(fd, offset) != 0) {
    throw IoError(
        fmt::format("{}: cannot cut to {} bytes: {}", path, offset, std::strerror(errno)));
  }
}

}  // namespace

MetricsWriter::MetricsWriter(const std::string& path, int64_t offset)
    : path_(path), offset_(offset) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw CannotCreate(fmt::format("{}: cannot create: {}", path, std::strerror(errno)));
  try {
    cut(fd_, path, offset);
  } catch (const Error&) {
    ::close(fd_);
    throw;
  }
}

MetricsWriter::~MetricsWriter() { ::close(fd_); }

void MetricsWriter::append(int64_t step,
                           const std::vector<std::pair<std::string, double>>& values) {
  const std::string line = to_line(step, values);
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const std::string why = n < 0 ? std::strerror(errno) : "no progress";
      // Half a line would spoil the file for its readers.
      const bool whole_lines = done == 0 || ::ftruncate(fd_, offset_) == 0;
      throw IoError(fmt::format("{}: written {} of {} bytes of a line: {}{}", path_, done,
                                line.size(), why, whole_lines ? "" : "; the line stays cut off"));
    }
    done += static_cast<size_t>(n);
  }
  offset_ += static_cast<int64_t>(line.size());
}

void MetricsWriter::sync() {
  // EINVAL: a device or pipe in its place cannot be synced.
  if (::fsync(fd_) != 0 && errno != EINVAL) {
    throw IoError(fmt::format("{}: cannot sync: {}", path_, std::strerror(errno)));
  }
}

}  // namespace tenfold::log
