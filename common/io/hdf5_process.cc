#include "common/io/hdf5_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <new>
#include <optional>

namespace tenfold::io {
namespace {

// A slow machine reads 32 MB of values in a second; gzip makes at most 1032 bytes of one.
constexpr uint64_t kCpuSeconds = 2, kBytesPerCpuSecond = uint64_t{1} << 25, kMostInflation = 1100;
constexpr uint64_t kMoreThanValues = uint64_t{1} << 20;

struct Pair {
  Descriptor parent, child;
};

Pair socket_pair(const std::string& name) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw IoError(name + ": cannot be read: " + reason(errno));
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// A crash ends the child at once, in silence and without a core file; what stops the parent ends
// the child by the end of its socket.
void settle_child(uint64_t cpu_seconds) {
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU}) {
    ::signal(crash, SIG_DFL);
  }
  for (const int stop : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(stop, SIG_IGN);
  const rlimit none = {0, 0}, cpu = {cpu_seconds, cpu_seconds + 1};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_CPU, &cpu);
  const int silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (silence >= 0) ::dup2(silence, STDERR_FILENO);
}

void put_error(Channel& channel, ExitCode code, const std::string& message) {
  channel.put(static_cast<int>(code));
  channel.put(message);
}

// `action` puts its result after a zero, or its error's code and message.
template <class Action>
void answer(Channel& channel, const std::string& name, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    put_error(channel, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    put_error(channel, ExitCode::kBadData, name + ": its values need more memory than there is");
  }
  channel.flush();
}

template <class T>
void put_result(Channel& channel, const T& result) {
  channel.put(static_cast<int>(ExitCode::kDone));
  channel.put(result);
}

void call(const Hdf5Reader& reader, Channel& channel) {
  const auto what = channel.get<Hdf5Call>();
  const auto path = channel.get<std::string>(), attribute = channel.get<std::string>();
  const auto put = [&](const auto& result) { put_result(channel, result); };
  switch (what) {
    case Hdf5Call::kHas:
      return put(reader.has(path));
    case Hdf5Call::kHasGroup:
      return put(reader.has_group(path));
    case Hdf5Call::kHasDataset:
      return put(reader.has_dataset(path));
    case Hdf5Call::kChildren:
      return put(reader.children(path));
    case Hdf5Call::kShape:
      return put(reader.shape(path));
    case Hdf5Call::kDoubles:
      return put(reader.doubles(path));
    case Hdf5Call::kIntegers:
      return put(reader.integers(path));
    case Hdf5Call::kStrings:
      return put(reader.strings(path));
    case Hdf5Call::kHoldsStrings:
      return put(reader.holds_strings(path));
    case Hdf5Call::kHoldsNumbers:
      return put(reader.holds_numbers(path));
    case Hdf5Call::kReferenced:
      return put(reader.referenced(path));
    case Hdf5Call::kHasAttribute:
      return put(reader.has_attribute(path, attribute));
    case Hdf5Call::kNumberAttribute:
      return put(reader.number_attribute(path, attribute));
    case Hdf5Call::kTextAttribute:
      return put(reader.text_attribute(path, attribute));
    case Hdf5Call::kTextsAttribute:
      return put(reader.texts_attribute(path, attribute));
  }
}

// The child's whole life.
[[noreturn]] void serve(Channel& channel, const std::string& name,
                        const std::function<Hdf5Reader()>& open) {
  try {
    std::optional<Hdf5Reader> reader;
    answer(channel, name, [&] {
      reader.emplace(open());
      channel.put(static_cast<int>(ExitCode::kDone));
    });
    while (reader) answer(channel, name, [&] { call(*reader, channel); });
  } catch (const std::exception&) {  // most likely the parent has closed its end
  }
  ::_exit(0);
}

std::string how_it_ended(int status, uint64_t cpu_seconds) {
  if (!WIFSIGNALED(status)) return fmt::format("libhdf5 ended the process that reads it");
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU) return fmt::format("libhdf5 went on for {} s of CPU time", cpu_seconds);
  if (signal == SIGKILL) return "the process that reads it was killed; did memory run out?";
  return fmt::format("libhdf5 stopped with signal {}", signal);
}

}  // namespace

uint64_t ample_cpu_seconds(uint64_t bytes, uint64_t limit) {
  const uint64_t values = bytes < limit / kMostInflation ? bytes * kMostInflation : limit;
  return kCpuSeconds + values / kBytesPerCpuSecond;
}

Hdf5Process::Hdf5Process(const std::string& name, uint64_t limit, uint64_t cpu_seconds,
                         const std::function<Hdf5Reader()>& open)
    : name_(name), cpu_seconds_(cpu_seconds) {
  const uint64_t most = limit + kMoreThanValues;
  Pair ends = socket_pair(name);
  child_ = ::fork();
  if (child_ < 0) throw IoError(name + ": no process can be started to read it: " + reason(errno));
  if (child_ == 0) {
    ends.parent.close();
    settle_child(cpu_seconds_);
    Channel channel(std::move(ends.child), most);
    serve(channel, name, open);
  }
  channel_.emplace(std::move(ends.parent), most);
  ends.child.close();
  try {
    rethrow_error();
  } catch (const ChannelBroken&) {
    stop();
  } catch (const Error&) {
    int status = 0;
    reap(status);
    throw;
  }
}

Hdf5Process::~Hdf5Process() {
  int status = 0;
  reap(status);
}

// The end of the socket ends the child: it waits for nothing else.
void Hdf5Process::reap(int& status) {
  if (child_ < 0) return;
  channel_->shut();
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

void Hdf5Process::stop() {
  int status = 0;
  reap(status);
  stopped_ = fmt::format("{}: damaged HDF5 file ({})", name_, how_it_ended(status, cpu_seconds_));
  throw DataError(stopped_);
}

void Hdf5Process::rethrow_error() {
  const auto code = static_cast<ExitCode>(channel_->get<int>());
  if (code == ExitCode::kDone) return;
  const auto message = channel_->get<std::string>();
  switch (code) {
    case ExitCode::kBadData:
      throw DataError(message);
    case ExitCode::kInputMissing:
      throw MissingInput(message);
    default:
      throw Error(code, message);
  }
}

}  // namespace tenfold::io
