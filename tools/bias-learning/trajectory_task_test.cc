#include "tools/bias-learning/trajectory_task.h"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

namespace tenfold::bias_learning {
namespace {

struct Scratch {
  Scratch() {
    folder = (std::filesystem::temp_directory_path() / "tenfold-trajectory-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
  }
  ~Scratch() { std::filesystem::remove_all(folder); }
  std::string folder;
};

TEST_CASE("columns of a file are standardised targets and raw inputs") {
  const Scratch scratch;
  const std::string path = scratch.folder + "/a.csv";
  std::ofstream(path) << "t,y1,y2,x1\n0,1,10,5\n1,2,20,6\n2,3,60,7\n";
  const Trajectory t = csv_trajectory(path, 0);
  CHECK(t.target[0][0] == Approx(-1));
  CHECK(t.target[2][0] == Approx(1));
  CHECK(t.target[0][1] + t.target[1][1] + t.target[2][1] == Approx(0).margin(1e-12));
  CHECK(t.x[2][0] == 7);
  CHECK(t.facts[1].second == Approx(1));
  const auto task = trajectory_task(t);
  CHECK(task->inputs() == 1);
  CHECK(task->outputs() == 2);
  CHECK(csv_trajectory(path, 2).target.size() == 2);
  CHECK_THROWS_WITH(csv_trajectory(path, 4), Catch::Contains("found 3 rows"));
  std::ofstream(path) << "t,y1\n0,1\n1,1\n";
  CHECK_THROWS_WITH(csv_trajectory(path, 0), Catch::Contains("y1 does not vary"));
  std::ofstream(path) << "t,z1\n0,1\n1,1\n";
  CHECK_THROWS_WITH(csv_trajectory(path, 0), Catch::Contains("found the header 't,z1'"));
}

}  // namespace
}  // namespace tenfold::bias_learning
