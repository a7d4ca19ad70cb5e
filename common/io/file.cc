#include "common/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/core/error.h"

namespace tenfold::io {
namespace {

namespace fs = std::filesystem;

std::string reason() { return std::strerror(errno); }

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

void sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;  // some file systems cannot; the data itself is synced
  ::fsync(fd);
  ::close(fd);
}

// Writes and syncs; on failure removes `path` and throws.
void write_and_sync(int fd, const std::string& path, const std::string& final_path, const void* data, uint64_t size) {
  const char* at = static_cast<const char*>(data);
  uint64_t left = size;
  while (left > 0) {
    const ssize_t n = ::write(fd, at, std::min<uint64_t>(left, 1u << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    at += n;
    left -= static_cast<uint64_t>(n);
  }
  const bool synced = left == 0 && ::fsync(fd) == 0;
  const std::string why = reason();
  ::close(fd);
  if (synced) return;
  ::unlink(path.c_str());
  throw IoError(fmt::format("{}: written {} of {} bytes: {}", final_path, size - left, size, why));
}

// A name beside `path` that no other process uses.
std::string temporary_name(const std::string& path) { return fmt::format("{}.tmp-{}", path, ::getpid()); }

}  // namespace

Bytes read_file(const std::string& path, uint64_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) throw MissingInput(fmt::format("{}: {}", path, reason()));
  struct stat status {};
  if (::fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
    ::close(fd);
    throw MissingInput(path + ": found a folder, expected a file");
  }
  if (static_cast<uint64_t>(status.st_size) > limit) {
    ::close(fd);
    throw DataError(fmt::format("{}: found {} bytes, expected at most {}", path, status.st_size, limit));
  }
  Bytes bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  ::close(fd);
  if (done < bytes.size()) throw IoError(fmt::format("{}: read {} of {} bytes", path, done, bytes.size()));
  return bytes;
}

std::string read_text(const std::string& path, uint64_t limit) {
  const Bytes bytes = read_file(path, limit);
  return std::string(bytes.begin(), bytes.end());
}

void write_file_atomic(const std::string& path, const void* data, uint64_t size) {
  const std::string temporary = temporary_name(path);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) throw CannotCreate(fmt::format("{}: cannot create: {}", path, reason()));
  write_and_sync(fd, temporary, path, data, size);
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = reason();
    ::unlink(temporary.c_str());
    throw CannotCreate(fmt::format("{}: cannot create: {}", path, why));
  }
  sync_folder(parent_of(path));
}

void write_file_atomic(const std::string& path, std::string_view text) {
  write_file_atomic(path, text.data(), text.size());
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

void make_folders(const std::string& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure || !fs::is_directory(path)) {
    throw CannotCreate(fmt::format("{}: cannot create folder: {}", path,
                                   failure ? failure.message() : "a file of that name is there"));
  }
}

void remove_tree(const std::string& path) {
  std::error_code failure;
  fs::remove_all(path, failure);
  if (failure) throw IoError(fmt::format("{}: cannot remove: {}", path, failure.message()));
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(path, failure)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

AtomicFolder::AtomicFolder(std::string final_path)
    : final_(std::move(final_path)), temporary_(parent_of(final_) + "/.tmp-" + fs::path(final_).filename().string()) {
  remove_tree(temporary_);  // left by a killed process
  make_folders(temporary_);
}

AtomicFolder::~AtomicFolder() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  sync_folder(temporary_);
  remove_tree(final_);
  if (::rename(temporary_.c_str(), final_.c_str()) != 0) {
    throw CannotCreate(fmt::format("{}: cannot create: {}", final_, reason()));
  }
  committed_ = true;
  sync_folder(parent_of(final_));
}

FolderLock::FolderLock(const std::string& folder) {
  const std::string path = folder + "/.lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) throw CannotCreate(fmt::format("{}: cannot create: {}", path, reason()));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    char owner[256] = {};
    const ssize_t n = ::pread(fd_, owner, sizeof owner - 1, 0);
    ::close(fd_);
    throw CannotCreate(fmt::format("--out {}: belongs to a running process ({})", folder,
                                   n > 0 ? std::string(owner, static_cast<size_t>(n)) : "unknown"));
  }
  char host[128] = "unknown";
  ::gethostname(host, sizeof host - 1);
  const std::string owner = fmt::format("process {} on {}", ::getpid(), host);
  // The text only informs; the lock itself is the kernel's.
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, owner.data(), owner.size(), 0) < 0) {
    ::close(fd_);
    throw IoError(fmt::format("{}: {}", path, reason()));
  }
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace tenfold::io
