#include "common/train/ranks.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>

#include "common/core/error.h"

namespace tenfold::train {
namespace {

// Exactly these variables for the time of a test.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    clear();
    for (const auto& [name, value] : values) setenv(name.c_str(), value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  ~Environment() { clear(); }

 private:
  static void clear() {
    for (const char* name :
         {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "SLURM_PROCID", "SLURM_NTASKS",
          "SLURM_STEP_NUM_TASKS", "SLURM_JOB_NODELIST", "SLURM_JOB_ID"})
      unsetenv(name);
  }
};

}  // namespace

TEST_CASE("a process that nobody started as one of several is alone") {
  const Environment none({});
  const Ranks r = ranks_of_environment();
  CHECK(r.rank == 0);
  CHECK(r.world == 1);
}

TEST_CASE("torchrun's variables say which process this is, before SLURM's") {
  const Environment e({{"RANK", "3"},
                       {"WORLD_SIZE", "8"},
                       {"MASTER_ADDR", "node7"},
                       {"MASTER_PORT", "1234"},
                       {"SLURM_PROCID", "0"},
                       {"SLURM_NTASKS", "1"}});
  const Ranks r = ranks_of_environment();
  CHECK(r.rank == 3);
  CHECK(r.world == 8);
  CHECK(r.host == "node7");
  CHECK(r.port == 1234);
  CHECK_FALSE(r.first());
}

TEST_CASE("SLURM's variables name the first host, and the job a port") {
  const Environment e({{"SLURM_PROCID", "1"},
                       {"SLURM_NTASKS", "4"},
                       {"SLURM_STEP_NUM_TASKS", "2"},
                       {"SLURM_JOB_NODELIST", "gpu[03-05,9],login"},
                       {"SLURM_JOB_ID", "123456"}});
  const Ranks r = ranks_of_environment();
  CHECK(r.rank == 1);
  CHECK(r.world == 2);
  CHECK(r.host == "gpu03");
  CHECK(r.port == 20000 + 123456 % 20000);
}

TEST_CASE("numbers that do not fit are refused by the variable's name") {
  for (const auto& [values, name] :
       std::vector<std::pair<std::map<std::string, std::string>, std::string>>{
           {{{"RANK", "2"}, {"WORLD_SIZE", "2"}}, "RANK"},
           {{{"RANK", "0"}}, "WORLD_SIZE"},
           {{{"RANK", "x"}, {"WORLD_SIZE", "2"}}, "RANK"},
           {{{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}, "MASTER_PORT"},
           {{{"SLURM_PROCID", "4"}, {"SLURM_NTASKS", "4"}}, "SLURM_PROCID"}}) {
    const Environment e(values);
    try {
      ranks_of_environment();
      FAIL("no error");
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()).rfind(name + ": ", 0) == 0);
    }
  }
}

TEST_CASE("the first host of SLURM's node lists is found") {
  CHECK(first_host("a,b") == "a");
  CHECK(first_host("node[7]") == "node7");
  CHECK(first_host("rack[1-2]n[004,9],x") == "rack1n004");
  CHECK(first_host("gpu-a-1.cluster") == "gpu-a-1.cluster");
}

TEST_CASE("shares cover every item once, in order") {
  for (const int64_t count : {1, 7, 32, 33}) {
    int64_t next = 0;
    for (int64_t rank = 0; rank < 5; ++rank) {
      const Share s = share_of(count, {rank, 5, "", 0});
      CHECK(s.begin == next);
      CHECK(s.end - s.begin >= count / 5);
      CHECK(s.end - s.begin <= count / 5 + 1);
      next = s.end;
    }
    CHECK(next == count);
  }
}

}  // namespace tenfold::train
