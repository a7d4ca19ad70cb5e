#include "tools/nino-nowcast/trajectories.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/hash.h"
#include "common/io/safetensors.h"

namespace tenfold::nino_nowcast {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLargestHalf = 65504;

int64_t state_bytes(const TrajectoryInfo& info) { return info.arch.num_params() * 2; }

int64_t metric_bytes(const TrajectoryInfo& info) { return int64_t(info.metric_names.size()) * 2; }

std::string to_json(const TrajectoryInfo& info, const std::string& metrics_digest) {
  Json json;
  json["name"] = info.name;
  const Json arch = Json::parse(architecture_to_json(info.arch));
  for (const auto& [key, value] : arch.items()) json[key] = value;
  json["num_params"] = info.arch.num_params();
  json["runs"] = info.runs;
  json["states"] = info.states;
  json["every"] = info.every;
  json["seeds"] = info.seeds;
  json["metric_names"] = info.metric_names;
  json["dtype"] = "float16";
  json["options"] = Json::parse(info.options_json);
  json["digests"] = {{info.name + ".dat", "xxh3:" + info.digest},
                     {info.name + "_metrics.dat", "xxh3:" + metrics_digest}};
  return json.dump(1) + "\n";
}

TrajectoryInfo parse_info(const std::string& text, const std::string& file) {
  TrajectoryInfo info;
  const Json json = Json::parse(text, nullptr, false);
  try {
    info.name = json.at("name").get<std::string>();
    info.runs = json.at("runs").get<int64_t>();
    info.states = json.at("states").get<int64_t>();
    info.every = json.at("every").get<int64_t>();
    info.metric_names = json.value("metric_names", std::vector<std::string>());
    info.seeds = json.value("seeds", std::vector<int64_t>());
    info.options_json = json.value("options", Json::object()).dump();
    const std::string dtype = json.value("dtype", std::string("float16"));
    if (dtype != "float16")
      throw DataError(fmt::format("{}: dtype is '{}', expected float16", file, dtype));
    const std::string digest =
        json.value("digests", Json::object()).value(info.name + ".dat", std::string());
    info.digest = digest.rfind("xxh3:", 0) == 0 ? digest.substr(5) : digest;
  } catch (const Json::exception&) {
    throw DataError(
        file + ": expected the JSON that `collect` writes (name, params, runs, states, every)");
  }
  if (info.runs < 1 || info.states < 1 || info.every < 1) {
    throw DataError(fmt::format("{}: found runs {}, states {}, every {}, expected 1 or more", file,
                                info.runs, info.states, info.every));
  }
  info.arch = parse_architecture(text, file);
  return info;
}

int open_sized(const std::string& path, int64_t bytes, bool resume) {
  const int fd = ::open(path.c_str(), resume ? O_RDWR : O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 && resume)
    throw Mismatch(fmt::format("{}: {}; the run cannot go on", path, std::strerror(errno)));
  if (fd < 0) throw CannotCreate(fmt::format("{}: {}", path, std::strerror(errno)));
  struct stat status {};
  const bool stat_failed = fstat(fd, &status) != 0;
  if (resume && (stat_failed || status.st_size != bytes)) {
    ::close(fd);
    throw Mismatch(fmt::format("{}: found {} bytes, expected {}; the run cannot go on", path,
                               status.st_size, bytes));
  }
  if (!resume && ftruncate(fd, bytes) != 0) {
    const std::string reason = std::strerror(errno);
    ::close(fd);
    ::unlink(path.c_str());
    throw IoError(fmt::format("{}: cannot make it {} bytes long: {}", path, bytes, reason));
  }
  return fd;
}

// PATH.partial; or PATH itself where a resumed run had already given the file its name.
std::string unfinished(const std::string& path, bool resume) {
  return resume && !io::exists(path + ".partial") ? path : path + ".partial";
}

void write_at(int fd, const std::vector<uint16_t>& values, int64_t offset,
              const std::string& path) {
  const char* data = reinterpret_cast<const char*>(values.data());
  int64_t left = int64_t(values.size()) * 2;
  while (left > 0) {
    const ssize_t n = pwrite(fd, data, size_t(left), offset);
    if (n <= 0) throw IoError(fmt::format("{}: {}", path, std::strerror(errno)));
    data += n;
    offset += n;
    left -= n;
  }
}

}  // namespace

TrajectoryReader::TrajectoryReader(const std::string& folder, const std::string& name) {
  const std::string base = folder + "/" + name, path = base + ".dat";
  info_ = parse_info(io::read_text(base + ".json"), base + ".json");
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) throw MissingInput(fmt::format("{}: {}", path, std::strerror(errno)));
  struct stat status {};
  fstat(fd, &status);
  bytes_ = status.st_size;
  if (bytes_ != info_.runs * info_.states * state_bytes(info_)) {
    ::close(fd);
    throw DataError(
        fmt::format("{}: found {} bytes, expected {} runs x {} states x {} parameters x 2", path,
                    bytes_, info_.runs, info_.states, info_.arch.num_params()));
  }
  void* mapped = mmap(nullptr, size_t(bytes_), PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED)
    throw IoError(fmt::format("{}: cannot map: {}", path, std::strerror(errno)));
  data_ = static_cast<const uint16_t*>(mapped);
}

TrajectoryReader::~TrajectoryReader() {
  if (data_ != nullptr) munmap(const_cast<uint16_t*>(data_), size_t(bytes_));
}

const uint16_t* TrajectoryReader::state(int64_t run, int64_t state) const {
  return data_ + (run * info_.states + state) * info_.arch.num_params();
}

void TrajectoryReader::read(int64_t run, int64_t state_index, float* out, int64_t stride) const {
  const uint16_t* from = state(run, state_index);
  const int64_t n = info_.arch.num_params();
  for (int64_t i = 0; i < n; ++i) out[i * stride] = _cvtsh_ss(from[i]);
}

void TrajectoryReader::read_some(int64_t run, int64_t state_index,
                                 const std::vector<int64_t>& indices, float* out,
                                 int64_t stride) const {
  const uint16_t* from = state(run, state_index);
  for (size_t i = 0; i < indices.size(); ++i)
    out[int64_t(i) * stride] = _cvtsh_ss(from[indices[i]]);
}

TrajectoryWriter::TrajectoryWriter(const std::string& folder, TrajectoryInfo info, bool resume)
    : base_(folder + "/" + info.name), info_(std::move(info)) {
  io::make_folders(folder);
  if (!resume && io::exists(base_ + ".json")) {
    throw CannotCreate(base_ + ".json: exists already; choose another --name or remove it");
  }
  const int64_t rows = info_.runs * info_.states;
  states_fd_ = open_sized(unfinished(base_ + ".dat", resume), rows * state_bytes(info_), resume);
  metrics_fd_ =
      open_sized(unfinished(base_ + "_metrics.dat", resume), rows * metric_bytes(info_), resume);
}

TrajectoryWriter::~TrajectoryWriter() {
  if (states_fd_ >= 0) ::close(states_fd_);
  if (metrics_fd_ >= 0) ::close(metrics_fd_);
}

void TrajectoryWriter::write(int64_t run, int64_t state, const float* values,
                             const std::vector<double>& metrics) {
  std::vector<uint16_t> row(size_t(info_.arch.num_params()));
  for (size_t i = 0; i < row.size(); ++i) {
    if (!(std::fabs(values[i]) <= kLargestHalf)) {
      throw NumericError(
          fmt::format("{}: run {}, state {}: parameter entry {} is {}, beyond float16", base_, run,
                      state, i, values[i]));
    }
    row[i] = io::float_to_half(values[i]);
  }
  const int64_t index = run * info_.states + state;
  write_at(states_fd_, row, index * state_bytes(info_), base_ + ".dat");
  std::vector<uint16_t> metric_row;
  for (double m : metrics) metric_row.push_back(io::float_to_half(float(m)));
  write_at(metrics_fd_, metric_row, index * metric_bytes(info_), base_ + "_metrics.dat");
}

void TrajectoryWriter::sync() {
  if (fsync(states_fd_) != 0 || fsync(metrics_fd_) != 0) {
    throw IoError(fmt::format("{}: {}", base_, std::strerror(errno)));
  }
}

void TrajectoryWriter::finish() {
  sync();
  for (const char* suffix : {".dat", "_metrics.dat"}) {
    const std::string to = base_ + suffix;
    const std::string from = unfinished(to, true);
    if (from != to && std::rename(from.c_str(), to.c_str()) != 0) {
      throw IoError(fmt::format("{}: {}", to, std::strerror(errno)));
    }
  }
  info_.digest = io::xxh3_file(base_ + ".dat");
  io::write_file_atomic(base_ + ".json", to_json(info_, io::xxh3_file(base_ + "_metrics.dat")));
}

}  // namespace tenfold::nino_nowcast
