#include "common/io/hdf5_channel.h"

#include <sys/socket.h>

#include <cerrno>

namespace tenfold::io {
namespace {

constexpr size_t kMostWaiting = size_t{1} << 16;

}  // namespace

void Channel::flush() {
  send_now(waiting_.data(), waiting_.size());
  waiting_.clear();
}

void Channel::shut() { ::shutdown(socket_.get(), SHUT_RDWR); }

void Channel::put_bytes(const void* bytes, size_t size) {
  put(uint64_t{size});
  send(bytes, size);
}

void Channel::send(const void* bytes, size_t size) {
  if (waiting_.size() + size > kMostWaiting) flush();
  if (size > kMostWaiting) return send_now(bytes, size);
  const char* from = static_cast<const char*>(bytes);
  waiting_.insert(waiting_.end(), from, from + size);
}

void Channel::send_now(const void* bytes, size_t size) {
  const char* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t sent = ::send(socket_.get(), from, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) throw ChannelBroken("the other process is gone");
    from += sent;
    size -= static_cast<size_t>(sent);
  }
}

void Channel::receive(void* bytes, size_t size) {
  char* to = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t received = ::recv(socket_.get(), to, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) throw ChannelBroken("the other process is gone");
    to += received;
    size -= static_cast<size_t>(received);
  }
}

uint64_t Channel::get_count(uint64_t bytes_each) {
  const auto count = get<uint64_t>();
  if (count > limit_ / bytes_each) throw ChannelBroken("the other process sends nonsense");
  return count;
}

}  // namespace tenfold::io
