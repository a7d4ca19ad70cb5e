// Whole files, written atomically: a reader sees the old file or the complete new one, never a
// part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::io {

using Bytes = std::vector<uint8_t>;

// Reads a whole file. Throws MissingInput when it is not there, is a folder or is not readable,
// DataError above `limit` bytes, IoError when reading fails.
Bytes read_file(const std::string& path, uint64_t limit = uint64_t{1} << 40);
std::string read_text(const std::string& path, uint64_t limit = uint64_t{1} << 30);

// Writes under a temporary name beside `path`, fsyncs, renames, fsyncs the parent. On failure the
// temporary file is removed. A symbolic link is followed; a device or pipe is written in place.
// Throws CannotCreate (cannot be created) or IoError (disk full, file limit).
void write_file_atomic(const std::string& path, const void* data, uint64_t size);
void write_file_atomic(const std::string& path, std::string_view text);
void write_file_atomic(const std::string& path, const std::vector<std::string_view>& parts);

// Throws CannotCreate where write_file_atomic could not create `path`; for a look before long work.
void require_creatable(const std::string& path);

bool exists(const std::string& path);
void make_folders(const std::string& path);  // throws CannotCreate, naming the path and the reason
void remove_tree(const std::string& path);   // nothing happens where there is nothing
// Names, sorted; empty where there is no folder. Throws MissingInput when it is not readable.
std::vector<std::string> list_folder(const std::string& path);

// A folder that appears at once: fill path(), then commit(). Without commit() it is removed.
// One process at a time may make a folder of one name: hold a FolderLock.
class AtomicFolder {
 public:
  explicit AtomicFolder(std::string final_path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::string& path() const { return temporary_; }

  // fsyncs every file in it, renames the folder (replacing an old one), fsyncs the parent.
  void commit();

 private:
  std::string final_, temporary_;
  bool committed_ = false;
};

// Exclusive ownership of a run's folder through FOLDER/.lock (flock, so a killed owner leaves
// none). Throws CannotCreate naming the owner's process and host when another process holds it.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace tenfold::io
