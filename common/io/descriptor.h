// Internal to common/io: a file descriptor that closes itself, reading through one, and syncing
// folders.
#pragma once

#include <cstddef>
#include <string>

namespace tenfold::io {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }

  int release();  // the caller closes it

  // False with errno set when the kernel reports a delayed write error.
  bool close();

 private:
  int fd_;
};

// The words for an errno value, safe in threads.
std::string reason(int error);

// Opens for reading. Throws MissingInput when `path` is not there, is a folder or is not readable.
Descriptor open_input(const std::string& path);

// The folder that holds `path`.
std::string parent_of(const std::string& path);

// Makes names in the folder durable, where its file system can.
void sync_folder(const std::string& path);

// Reads up to `size` bytes; 0 at the end of the file. Throws IoError naming `path`.
size_t read_some(const Descriptor& file, void* buffer, size_t size, const std::string& path);

}  // namespace tenfold::io
