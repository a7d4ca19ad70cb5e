// Internal to common/io: the process in which libhdf5 reads one file.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "common/core/error.h"
#include "common/io/hdf5_channel.h"
#include "common/io/hdf5_reader.h"

namespace tenfold::io {

// What may be asked; each is the function of Hdf5Reader of that name.
enum class Hdf5Call : uint8_t {
  kHas,
  kHasGroup,
  kHasDataset,
  kChildren,
  kShape,
  kDoubles,
  kIntegers,
  kStrings,
  kHoldsStrings,
  kHoldsNumbers,
  kReferenced,
  kHasAttribute,
  kNumberAttribute,
  kTextAttribute,
  kTextsAttribute,
};

// More CPU time than reading a file of this size takes, with values of at most `limit` bytes.
uint64_t ample_cpu_seconds(uint64_t bytes, uint64_t limit);

class Hdf5Process {
 public:
  // Forks. The child calls `open`, then answers until this object goes; it calls nothing but
  // libhdf5 and the allocator (which glibc keeps usable across a fork), whatever threads the parent
  // has. Values of more than `limit` bytes and more CPU time than `cpu_seconds` are taken for
  // damage. Throws what `open` throws, IoError, or DataError as ask().
  Hdf5Process(const std::string& name, uint64_t limit, uint64_t cpu_seconds,
              const std::function<Hdf5Reader()>& open);
  ~Hdf5Process();
  Hdf5Process(const Hdf5Process&) = delete;
  Hdf5Process& operator=(const Hdf5Process&) = delete;

  const std::string& name() const { return name_; }
  pid_t child() const { return child_; }

  // Throws what the call throws in the child, and DataError where the child has stopped.
  template <class T>
  T ask(Hdf5Call call, const std::string& path, const std::string& attribute = "") {
    if (!stopped_.empty()) throw DataError(stopped_);
    try {
      channel_->put(call);
      channel_->put(path);
      channel_->put(attribute);
      channel_->flush();
      rethrow_error();
      return channel_->get<T>();
    } catch (const ChannelBroken&) {
      stop();
    }
  }

 private:
  void rethrow_error();
  [[noreturn]] void stop();  // reaps the child and says how it ended
  void reap(int& status);

  std::string name_;
  uint64_t cpu_seconds_;  // that the child may use
  pid_t child_ = -1;
  std::optional<Channel> channel_;
  std::string stopped_;  // why the child stopped, or empty
};

}  // namespace tenfold::io
