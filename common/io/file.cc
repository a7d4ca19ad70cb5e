#include "common/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/core/error.h"
#include "common/io/descriptor.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

// Removes the temporary file unless keep() was called.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

[[noreturn]] void throw_uncreatable(const std::string& path, int error) {
  const std::string message = fmt::format("{}: cannot create: {}", path, reason(error));
  if (error == ENOSPC || error == EDQUOT || error == EIO) throw IoError(message);
  throw CannotCreate(message);
}

// A new file beside `path`, under a name that no other process, host or thread has.
Descriptor create_beside(const std::string& path, std::string& temporary) {
  static std::atomic<uint64_t> serial{0};
  for (;;) {
    temporary = fmt::format("{}.tmp-{}-{}", path, ::getpid(), serial++);
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.valid()) return file;
    if (errno != EEXIST) throw_uncreatable(path, errno);
  }
}

void write_all(Descriptor& file, const std::string& path, const void* data, uint64_t size) {
  const char* bytes = static_cast<const char*>(data);
  uint64_t done = 0;
  while (done < size) {
    const ssize_t n =
        ::write(file.get(), bytes + done, std::min<uint64_t>(size - done, uint64_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw IoError(fmt::format("{}: written {} of {} bytes: {}", path, grouped(done),
                                grouped(size), n < 0 ? reason(errno) : "no progress"));
    }
    done += static_cast<uint64_t>(n);
  }
}

void sync_and_close(Descriptor& file, const std::string& path) {
  const bool synced = ::fsync(file.get()) == 0;
  const int error = errno;
  if (!synced) throw IoError(fmt::format("{}: cannot sync: {}", path, reason(error)));
  if (!file.close()) throw IoError(fmt::format("{}: cannot close: {}", path, reason(errno)));
}

// Devices and pipes (/dev/stdout, /dev/null) are written through: a rename would replace them.
void write_through(const std::string& path, const std::vector<std::string_view>& parts) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) throw_uncreatable(path, errno);
  for (const std::string_view part : parts) write_all(file, path, part.data(), part.size());
  if (!file.close()) throw IoError(fmt::format("{}: cannot close: {}", path, reason(errno)));
}

}  // namespace

Bytes read_file(const std::string& path, uint64_t limit) {
  const Descriptor file = open_input(path);
  struct stat status {};
  const bool sized = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  const uint64_t expected = sized ? static_cast<uint64_t>(status.st_size) : 0;
  const auto check_limit = [&](uint64_t found) {
    if (found <= limit) return;
    throw DataError(fmt::format("{}: found {} bytes or more, expected at most {}", path,
                                grouped(found), grouped(limit)));
  };
  check_limit(expected);
  Bytes bytes(expected + 1);  // one more than the size, so that the last read meets the end
  uint64_t done = 0;
  // To the end, not to st_size: pipes and /proc tell no size.
  while (const size_t n = read_some(file, bytes.data() + done, bytes.size() - done, path)) {
    check_limit(done += n);
    if (done == bytes.size()) bytes.resize(done + kBlock);
  }
  bytes.resize(done);
  return bytes;
}

std::string read_text(const std::string& path, uint64_t limit) {
  const Bytes bytes = read_file(path, limit);
  return std::string(bytes.begin(), bytes.end());
}

void write_file_atomic(const std::string& path, const std::vector<std::string_view>& parts) {
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (there && S_ISDIR(status.st_mode)) {
    throw CannotCreate(path + ": cannot create: a folder of that name is there");
  }
  if (there && !S_ISREG(status.st_mode)) return write_through(path, parts);
  std::error_code ignored;
  // The file behind a symbolic link is replaced, not the link.
  const std::filesystem::path resolved = std::filesystem::canonical(path, ignored);
  const std::string target = there && !resolved.empty() ? resolved.string() : path;
  std::string temporary;
  Descriptor file = create_beside(target, temporary);
  TemporaryFile guard(temporary);
  for (const std::string_view part : parts) write_all(file, path, part.data(), part.size());
  sync_and_close(file, path);
  if (::rename(temporary.c_str(), target.c_str()) != 0) throw_uncreatable(path, errno);
  guard.keep();
  sync_folder(parent_of(target));
}

void write_file_atomic(const std::string& path, const void* data, uint64_t size) {
  write_file_atomic(path, std::string_view(static_cast<const char*>(data), size));
}

void write_file_atomic(const std::string& path, std::string_view text) {
  write_file_atomic(path, std::vector<std::string_view>{text});
}

void require_creatable(const std::string& path) {
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (there && S_ISDIR(status.st_mode)) {
    throw CannotCreate(path + ": cannot create: a folder of that name is there");
  }
  if (there && !S_ISREG(status.st_mode)) return;
  std::string temporary;
  const Descriptor file = create_beside(path, temporary);
  const TemporaryFile guard(temporary);
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

}  // namespace tenfold::io
