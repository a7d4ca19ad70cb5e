#include "tools/samba-align/simulation_files.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/io/npy.h"
#include "common/io/scratch_for_test.h"
#include "common/io/sha256.h"

namespace tenfold::samba_align {
namespace {

using nlohmann::json;

SimulationOptions two_minutes() {
  SimulationOptions o = small_preset();
  o.minutes = 2;
  o.subjects = 2;
  return o;
}

json truth_of(const std::string& folder) {
  return json::parse(io::read_text(folder + "/truth.json"));
}

}  // namespace

TEST_CASE("a simulation's folder holds what truth.json says, to the digest") {
  const io::Scratch scratch;
  const std::string folder = scratch / "sim";
  const SimulationOptions o = two_minutes();
  const Simulation simulation(o, {});
  const WrittenSimulation written = write_simulation(simulation, folder, config_of(o));
  CHECK(written.subjects == std::vector<std::string>{"sub-01", "sub-02"});
  const json truth = truth_of(folder);
  CHECK(truth["files"].size() == written.files.size());
  for (const auto& [name, file] : truth["files"].items()) {
    CAPTURE(name);
    const io::Bytes bytes = io::read_file(folder + "/" + name);
    CHECK(io::Sha256().add(bytes.data(), bytes.size()).hex() == file["sha256"]);
    if (name.find(".npy") == std::string::npos) continue;
    CHECK(io::read_npy(folder + "/" + name).shape == file["shape"].get<std::vector<int64_t>>());
  }
  for (const char* name : {"ele", "hemo", "labels", "truth/drive", "truth/kernels",
                           "truth/bold_clean", "truth/bold_clean_frames", "truth/connectome",
                           "truth/delays_ms", "truth/mixing", "truth/stim_pattern"}) {
    CAPTURE(name);
    CHECK(truth["files"].contains(std::string("sub-02/") + name + ".npy"));
  }
  CHECK(io::list_folder(folder) == std::vector<std::string>{"sub-01", "sub-02", "truth.json"});
  const SimulatedSubject second = simulation.subject(1);
  const io::Tensor ele = io::read_npy(folder + "/sub-02/ele.npy");
  CHECK(std::equal(second.ele.data(), second.ele.data() + second.ele.size(), ele.as<float>()));
  const io::Tensor labels = io::read_npy(folder + "/sub-02/labels.npy");
  CHECK(std::equal(second.labels.begin(), second.labels.end(), labels.as<int32_t>()));
  CHECK(truth["hrf"].size() == 40);
  CHECK(truth["hrf"][20]["subject"] == "sub-02");
  CHECK(truth["hrf"][20]["d1"] == second.responses[0].d1);
  Eigen::Index peak = 0;
  second.kernels.row(0).maxCoeff(&peak);
  CHECK(truth["hrf"][20]["time_to_peak_s"].get<double>() ==
        Approx(double(peak) / 50).margin(0.5 / 50));
  CHECK(truth["balloon"].is_null());
  CHECK(truth["bands"]["carrier_hz"] == 10);
  CHECK(truth["config"]["hrf-box"] == "small");
}

TEST_CASE("events fill the recording") {
  const io::Scratch scratch;
  write_simulation(Simulation(two_minutes(), {}), scratch.path(), "{}");
  const std::string text = io::read_text(scratch / "sub-01/events.tsv");
  CHECK(text.rfind("onset\tduration\ttrial_type\n0.000000\t", 0) == 0);
  double onset = 0, duration = 0;
  int category = -1;
  const size_t last = text.rfind('\n', text.size() - 2);
  REQUIRE(std::sscanf(text.c_str() + last, "%lf\t%lf\t%d", &onset, &duration, &category) == 3);
  CHECK(onset + duration == Approx(120).margin(1e-5));
  CHECK(category >= 0);
}

TEST_CASE("units and parts follow the models") {
  const io::Scratch scratch;
  SimulationOptions o = two_minutes();
  o.subjects = 1;
  o.hrf = "balloon";
  o.sensors = "eeg";
  write_simulation(Simulation(o, {}), scratch.path(), "{}");
  const json truth = truth_of(scratch.path());
  CHECK(truth["hrf"].is_null());
  CHECK(truth["balloon"].size() == 20);
  CHECK(truth["files"]["sub-01/ele.npy"]["unit"] == "nAm");
  CHECK(truth["files"]["sub-01/sensors.npy"]["unit"] == "V");
  CHECK(truth["files"]["sub-01/sensors.npy"]["shape"] == json({64, 6000}));
  CHECK(truth["files"]["sub-01/leadfield.npy"]["shape"] == json({64, 20}));
  CHECK(truth["files"]["sub-01/inverse.npy"]["shape"] == json({20, 64}));
  CHECK(!truth["files"].contains("sub-01/truth/kernels.npy"));
}

TEST_CASE("the same simulation gives the same bytes, and replaces nothing but a simulation") {
  const io::Scratch scratch;
  const Simulation simulation(two_minutes(), {});
  write_simulation(simulation, scratch / "a", "{}");
  write_simulation(simulation, scratch / "b", "{}");
  CHECK(io::read_file(scratch / "a/truth.json") == io::read_file(scratch / "b/truth.json"));
  io::remove_tree(scratch / "a/truth.json");  // as one leaves it that was killed
  SimulationOptions one = two_minutes();
  one.subjects = 1;
  write_simulation(Simulation(one, {}), scratch / "a", "{}");
  CHECK(!io::exists(scratch / "a/sub-02"));
  io::write_file_atomic(scratch / "a/sub-02", "of somebody else");
  CHECK(io::outcome_of([&] { write_simulation(simulation, scratch / "a", "{}"); }).code ==
        ExitCode::kCannotCreate);
  CHECK(io::exists(scratch / "a/truth.json"));
  CHECK(io::read_text(scratch / "a/sub-02") == "of somebody else");
}

}  // namespace tenfold::samba_align
