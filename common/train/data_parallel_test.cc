// Processes of a group are this program again, with RANK and WORLD_SIZE set.
#include "common/train/data_parallel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/core/clock.h"
#include "common/core/error.h"

namespace tenfold::train {
namespace {

constexpr double kTimeout = 20;

int free_port() {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(socket_fd);
  return ntohs(address.sin_port);
}

// Starts `world` processes that run the hidden case `role`, and returns their exit codes.
std::vector<int> run_processes(const std::string& role, int world) {
  const int port = free_port();
  std::vector<pid_t> children;
  for (int rank = 0; rank < world; ++rank) {
    const pid_t child = fork();
    if (child == 0) {
      setenv("RANK", std::to_string(rank).c_str(), 1);
      setenv("WORLD_SIZE", std::to_string(world).c_str(), 1);
      setenv("MASTER_ADDR", "127.0.0.1", 1);
      setenv("MASTER_PORT", std::to_string(port).c_str(), 1);
      execl("/proc/self/exe", "data_parallel_test", role.c_str(), nullptr);
      _exit(127);
    }
    children.push_back(child);
  }
  std::vector<int> codes;
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    codes.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return codes;
}

// What a process of a hidden case ends with.
[[noreturn]] void leave(const std::function<void()>& body) {
  int code = 0;
  try {
    body();
  } catch (const Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    code = int(e.code());
  }
  _exit(code);  // Catch would turn a thrown error into its own code
}

void demand(bool holds) {
  if (!holds) throw NumericError("a reduced tensor is not the sum");
}

}  // namespace

TEST_CASE("role: reduce", "[.]") {
  leave([] {
    const Ranks ranks = ranks_of_environment();
    DataParallelGroup group(ranks, at::kCPU, kTimeout);
    const int64_t n = 100003, world = ranks.world;
    const at::Tensor index = at::arange(n, at::kFloat), sum = index * double(ranks.rank + 1);
    group.all_reduce_sum(sum);
    // Whole numbers below 2^24: exact in any order.
    demand(at::equal(sum, index * double(world * (world + 1) / 2)));
    const at::Tensor mean = at::full({5}, double(2 * ranks.rank));
    group.all_reduce_mean(mean);
    demand(at::equal(mean, at::full({5}, double(world - 1))));
    const at::Tensor sent = at::full({7}, double(ranks.rank + 3));
    group.broadcast(sent);
    demand(at::equal(sent, at::full({7}, 3.0)));
    demand(!group.any_wants_to_stop(9, false));
    demand(group.any_wants_to_stop(10, ranks.rank == world - 1));
    group.barrier();
  });
}

TEST_CASE("role: lose one", "[.]") {
  leave([] {
    const Ranks ranks = ranks_of_environment();
    DataParallelGroup group(ranks, at::kCPU, kTimeout);
    const at::Tensor x = at::full({1000}, 1.0f);
    group.all_reduce_sum(x);
    if (ranks.rank == ranks.world - 1) _exit(9);
    group.all_reduce_sum(x);
  });
}

TEST_CASE("role: come alone", "[.]") {
  leave([] {
    const Ranks ranks = ranks_of_environment();
    if (ranks.rank > 0) _exit(9);
    const DataParallelGroup group(ranks, at::kCPU, 2);
  });
}

TEST_CASE("role: at different steps", "[.]") {
  leave([] {
    const Ranks ranks = ranks_of_environment();
    DataParallelGroup group(ranks, at::kCPU, kTimeout);
    group.any_wants_to_stop(10 * ranks.rank, false);
  });
}

TEST_CASE("two and four processes agree on sums, on what rank 0 has, and on a stop") {
  CHECK(run_processes("role: reduce", 2) == std::vector<int>(2, 0));
  CHECK(run_processes("role: reduce", 4) == std::vector<int>(4, 0));
}

TEST_CASE("the others stop with an error when a process dies, and do not hang") {
  for (const int world : {2, 3}) {
    const double start = monotonic_seconds();
    std::vector<int> expected(size_t(world), int(ExitCode::kUnavailable));
    expected.back() = 9;
    CHECK(run_processes("role: lose one", world) == expected);
    CHECK(monotonic_seconds() - start < 2 * kTimeout);
  }
}

TEST_CASE("a process that nobody joins gives up in time") {
  const double start = monotonic_seconds();
  CHECK(run_processes("role: come alone", 2) == std::vector<int>{69, 9});
  CHECK(monotonic_seconds() - start < kTimeout);
}

TEST_CASE("processes at different steps refuse to go on") {
  CHECK(run_processes("role: at different steps", 2) == std::vector<int>(2, 78));
}

}  // namespace tenfold::train
