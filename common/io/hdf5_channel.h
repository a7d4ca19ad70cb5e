// Internal to common/io: values between two processes over a socket.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "common/io/descriptor.h"
#include "common/io/hdf5.h"

namespace tenfold::io {

// The other end is gone, or sent what no healthy process would.
struct ChannelBroken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One end of a socket pair. Both ends are on one machine, so that values go as they lie in memory.
class Channel {
 public:
  // A value that asks for more than `limit` bytes is taken for damage.
  Channel(Descriptor socket, uint64_t limit) : socket_(std::move(socket)), limit_(limit) {}

  // Small values wait until flush(). All throw ChannelBroken.
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    send(&value, sizeof(T));
  }
  void put(const std::string& text) { put_bytes(text.data(), text.size()); }
  template <class T>
  void put(const std::vector<T>& values) {
    put(uint64_t{values.size()});
    if constexpr (std::is_trivially_copyable_v<T>) {
      send(values.data(), values.size() * sizeof(T));
    } else {
      for (const T& value : values) put(value);
    }
  }
  template <class T>
  void put(const Hdf5Array<T>& array) {
    put(array.shape);
    put(array.values);
  }
  void put(const Hdf5Child& child) {
    put(child.name);
    put(child.kind);
  }
  void flush();

  template <class T>
  T get() {
    T value{};
    get(value);
    return value;
  }
  template <class T>
  void get(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    receive(&value, sizeof(T));
  }
  void get(std::string& text) {
    text.resize(get_count(1));
    receive(text.data(), text.size());
  }
  template <class T>
  void get(std::vector<T>& values) {
    values.resize(get_count(sizeof(T)));
    if constexpr (std::is_trivially_copyable_v<T>) {
      receive(values.data(), values.size() * sizeof(T));
    } else {
      for (T& value : values) get(value);
    }
  }
  template <class T>
  void get(Hdf5Array<T>& array) {
    get(array.shape);
    get(array.values);
  }
  void get(Hdf5Child& child) {
    get(child.name);
    get(child.kind);
  }

  // Both ends find the channel at its end from now on.
  void shut();

 private:
  void put_bytes(const void* bytes, size_t size);
  uint64_t get_count(uint64_t bytes_each);
  void send(const void* bytes, size_t size);
  void send_now(const void* bytes, size_t size);
  void receive(void* bytes, size_t size);

  Descriptor socket_;
  uint64_t limit_;
  std::vector<char> waiting_;
};

}  // namespace tenfold::io
