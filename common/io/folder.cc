#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "common/core/error.h"
#include "common/io/descriptor.h"
#include "common/io/file.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

namespace fs = std::filesystem;

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool nothing_there(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
}

void sync_path(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // EINVAL: some file systems cannot sync a folder.
  if (!file.valid() || (::fsync(file.get()) != 0 && errno != EINVAL)) {
    throw IoError(fmt::format("{}: cannot sync: {}", path, reason(errno)));
  }
}

// Every file and folder below `root`, then `root` itself.
void sync_tree(const std::string& root) {
  std::error_code failure;
  fs::recursive_directory_iterator entry(root, failure), end;
  while (!failure && entry != end) {
    if (entry->is_regular_file(failure) || entry->is_directory(failure)) {
      sync_path(entry->path().string());
    }
    entry.increment(failure);
  }
  if (failure) throw IoError(fmt::format("{}: cannot sync: {}", root, failure.message()));
  sync_path(root);
}

// The text that the owner of a lock left, on one line.
std::string owner_of(const Descriptor& lock) {
  char text[256] = {};
  const ssize_t n = ::pread(lock.get(), text, sizeof text, 0);
  if (n <= 0) return "that has not named itself yet";
  return shown(std::string_view(text, static_cast<size_t>(n)));
}

void sign(int lock, const std::string& path) {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '?';
  const std::string owner = fmt::format("process {} on {}", ::getpid(), host);
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, owner.data(), owner.size(), 0) < 0) {
    throw IoError(fmt::format("{}: cannot write: {}", path, reason(errno)));
  }
}

}  // namespace

void make_folders(const std::string& path) {
  std::error_code failure, ignored;
  fs::create_directories(without_trailing_slash(path), failure);
  if (fs::is_directory(path, ignored)) return;
  throw CannotCreate(fmt::format("{}: cannot create folder: {}", path,
                                 failure ? failure.message() : "a file of that name is there"));
}

void remove_tree(const std::string& path) {
  std::error_code failure;
  fs::remove_all(path, failure);
  if (failure && !nothing_there(failure)) {
    throw IoError(fmt::format("{}: cannot remove: {}", path, failure.message()));
  }
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code failure;
  fs::directory_iterator entry(path, failure), end;
  while (!failure && entry != end) {
    names.push_back(entry->path().filename().string());
    entry.increment(failure);
  }
  if (failure && !nothing_there(failure)) {
    throw MissingInput(fmt::format("{}: cannot list: {}", path, failure.message()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

AtomicFolder::AtomicFolder(std::string final_path)
    : final_(without_trailing_slash(std::move(final_path))),
      temporary_(parent_of(final_) + "/.tmp-" + fs::path(final_).filename().string()) {
  remove_tree(temporary_);  // left by a killed process
  make_folders(temporary_);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  sync_tree(temporary_);
  std::error_code ignored;
  if (exists(final_) && !fs::is_directory(final_, ignored)) {
    throw CannotCreate(final_ + ": cannot create folder: a file of that name is there");
  }
  // The exchange leaves no moment without a folder; file systems without it replace in two steps.
  bool placed =
      ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, final_.c_str(), RENAME_EXCHANGE) == 0;
  if (placed) {
    fs::remove_all(temporary_, ignored);
  } else {
    remove_tree(final_);
    placed = ::rename(temporary_.c_str(), final_.c_str()) == 0;
  }
  if (!placed) throw CannotCreate(fmt::format("{}: cannot create: {}", final_, reason(errno)));
  committed_ = true;
  sync_folder(parent_of(final_));
}

FolderLock::FolderLock(const std::string& folder) {
  const std::string path = folder + "/.lock";
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock.valid()) throw CannotCreate(fmt::format("{}: cannot create: {}", path, reason(errno)));
  int taken = 0;
  do {
    taken = ::flock(lock.get(), LOCK_EX | LOCK_NB);
  } while (taken != 0 && errno == EINTR);
  if (taken != 0 && errno != EWOULDBLOCK) {
    throw CannotCreate(fmt::format("{}: cannot lock: {}", path, reason(errno)));
  }
  if (taken != 0) {
    throw CannotCreate(
        fmt::format("--out {}: belongs to a running process ({}); wait for it or "
                    "choose another folder",
                    folder, owner_of(lock)));
  }
  sign(lock.get(), path);
  fd_ = lock.release();
}

// The file stays: deleting it would let two processes lock two files of one name.
FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace tenfold::io
