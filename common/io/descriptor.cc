#include "common/io/descriptor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/core/error.h"

namespace tenfold::io {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

bool Descriptor::close() { return ::close(release()) == 0; }

int Descriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

std::string reason(int error) { return std::generic_category().message(error); }

Descriptor open_input(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    throw MissingInput(fmt::format("{}: cannot read: {}, expected a file", path, reason(errno)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw MissingInput(fmt::format("{}: cannot read: {}, expected a file", path, reason(errno)));
  }
  if (S_ISDIR(status.st_mode)) throw MissingInput(path + ": found a folder, expected a file");
  return file;
}

std::string parent_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

void sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) ::fsync(folder.get());
}

size_t read_some(const Descriptor& file, void* buffer, size_t size, const std::string& path) {
  ssize_t n = 0;
  do {
    n = ::read(file.get(), buffer, size);
  } while (n < 0 && errno == EINTR);
  if (n < 0) throw IoError(fmt::format("{}: reading failed: {}", path, reason(errno)));
  return static_cast<size_t>(n);
}

}  // namespace tenfold::io
