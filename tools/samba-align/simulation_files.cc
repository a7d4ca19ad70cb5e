#include "tools/samba-align/simulation_files.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/npy_writer.h"
#include "common/io/sha256.h"
#include "tools/samba-align/neural_envelope.h"

namespace tenfold::samba_align {
namespace {

using Json = nlohmann::ordered_json;

// Writes into one subject's folder and keeps account.
class SubjectFolder {
 public:
  SubjectFolder(std::string path, std::string subject, std::vector<WrittenFile>& files)
      : path_(std::move(path)), subject_(std::move(subject)), files_(files) {}

  void array(const std::string& name, const Matrix& m, const std::string& unit) {
    array(name, io::DType::kF64, "float64", {m.rows(), m.cols()}, m.data(), unit);
  }
  void array(const std::string& name, const FloatMatrix& m, const std::string& unit) {
    array(name, io::DType::kF32, "float32", {m.rows(), m.cols()}, m.data(), unit);
  }
  void array(const std::string& name, const std::vector<int32_t>& v) {
    array(name, io::DType::kI32, "int32", {static_cast<int64_t>(v.size())}, v.data(), "none");
  }
  void text(const std::string& name, const std::string& text, int64_t rows, int64_t columns) {
    io::write_file_atomic(path_ + "/" + name, text);
    add(name, "text", {rows, columns}, "s", io::Sha256().add(text.data(), text.size()));
  }

 private:
  void array(const std::string& name, io::DType dtype, const std::string& dtype_name,
             const std::vector<int64_t>& shape, const void* data, const std::string& unit) {
    io::write_npy(path_ + "/" + name, dtype, shape, data);
    const std::string head = io::npy_head(dtype, shape);
    uint64_t bytes = static_cast<uint64_t>(io::dtype_size(dtype));
    for (const int64_t size : shape) bytes *= static_cast<uint64_t>(size);
    add(name, dtype_name, shape, unit, io::Sha256().add(head.data(), head.size()).add(data, bytes));
  }

  void add(const std::string& name, const std::string& dtype, const std::vector<int64_t>& shape,
           const std::string& unit, const io::Sha256& sum) {
    files_.push_back({subject_ + "/" + name, shape, dtype, unit, sum.hex()});
  }

  std::string path_, subject_;
  std::vector<WrittenFile>& files_;
};

std::string events_text(const std::vector<StimulusSegment>& stimulus) {
  std::string out = "onset\tduration\ttrial_type\n";
  for (const StimulusSegment& s : stimulus) {
    out += fmt::format("{:.6f}\t{:.6f}\t{}\n", s.onset, s.duration, s.category);
  }
  return out;
}

void write_subject(const Simulation& simulation, const SimulatedSubject& s,
                   const std::string& folder, std::vector<WrittenFile>& files) {
  const SimulationOptions& o = simulation.options();
  const bool sensors = s.sensors.size() > 0, mass = o.neural == "jansen-rit";
  io::AtomicFolder whole(folder + "/" + s.name);
  io::make_folders(whole.path() + "/truth");
  SubjectFolder out(whole.path(), s.name, files);
  out.array("ele.npy", s.ele, sensors ? "nAm" : mass ? "mV" : "none");
  out.array("hemo.npy", s.hemo, "none");
  out.array("labels.npy", s.labels);
  out.text("events.tsv", events_text(simulation.stimulus()),
           static_cast<int64_t>(simulation.stimulus().size()), 3);
  if (sensors) {
    const bool meg = o.sensors == "meg";
    out.array("sensors.npy", s.sensors, meg ? "T" : "V");
    out.array("leadfield.npy", s.leadfield, meg ? "T/Am" : "V/Am");
    out.array("inverse.npy", s.inverse, meg ? "Am/T" : "Am/V");
  }
  out.array("truth/drive.npy", s.drive, "none");
  if (s.kernels.size() > 0) out.array("truth/kernels.npy", s.kernels, "none");
  out.array("truth/bold_clean.npy", s.bold_clean, "none");
  out.array("truth/bold_clean_frames.npy", s.bold_clean_frames, "none");
  out.array("truth/connectome.npy", s.connectome, "none");
  out.array("truth/delays_ms.npy", s.delays, "ms");
  out.array("truth/mixing.npy", s.mixing, "none");
  out.array("truth/stim_pattern.npy", s.stim_pattern, "none");
  if (s.crosstalk.size() > 0) out.array("truth/crosstalk.npy", s.crosstalk, "none");
  whole.commit();
}

void add_responses(const SimulatedSubject& s, double fs, Json& rows) {
  for (size_t p = 0; p < s.responses.size(); ++p) {
    const DoubleGamma& r = s.responses[p];
    const std::vector<double> kernel(s.kernels.row(p).data(),
                                     s.kernels.row(p).data() + s.kernels.cols());
    rows.push_back({{"subject", s.name},
                    {"parcel", p},
                    {"d1", r.d1},
                    {"d2", r.d2},
                    {"s1", r.s1},
                    {"s2", r.s2},
                    {"c1", r.c1},
                    {"c2", r.c2},
                    {"time_to_peak_s", time_to_peak_s(kernel, fs)},
                    {"fwhm_s", fwhm_s(kernel, fs)}});
  }
}

void add_balloons(const SimulatedSubject& s, Json& rows) {
  for (size_t p = 0; p < s.balloons.size(); ++p) {
    const Balloon& b = s.balloons[p];
    rows.push_back({{"subject", s.name},
                    {"parcel", p},
                    {"kappa", b.kappa},
                    {"gamma", b.gamma},
                    {"tau", b.tau}});
  }
}

// What an earlier simulation left, whole or not, goes; anything else is not touched.
void remove_earlier(const std::string& folder) {
  const std::vector<std::string> names = io::list_folder(folder);
  for (const std::string& name : names) {
    if (name == "truth.json" || io::exists(fmt::format("{}/{}/truth", folder, name))) continue;
    throw CannotCreate(
        fmt::format("{}: holds {}, expected no folder or a simulation", folder, name));
  }
  for (const std::string& name : names) io::remove_tree(folder + "/" + name);
}

Json files_json(const std::vector<WrittenFile>& files) {
  Json out = Json::object();
  for (const WrittenFile& f : files) {
    out[f.name] = {{"shape", f.shape}, {"dtype", f.dtype}, {"unit", f.unit}, {"sha256", f.sha256}};
  }
  return out;
}

}  // namespace

WrittenSimulation write_simulation(const Simulation& simulation, const std::string& folder,
                                   const std::string& config) {
  const SimulationOptions& o = simulation.options();
  WrittenSimulation out;
  out.truth = folder + "/truth.json";
  remove_earlier(folder);
  io::make_folders(folder);
  Json responses = Json::array(), balloons = Json::array();
  for (int64_t i = 0; i < o.subjects; ++i) {
    const SimulatedSubject s = simulation.subject(i);
    write_subject(simulation, s, folder, out.files);
    add_responses(s, o.fs, responses);
    add_balloons(s, balloons);
    out.subjects.push_back(s.name);
  }
  const bool balloon = o.hrf == "balloon";
  Json truth;
  truth["seed"] = o.seed;
  truth["config"] = Json::parse(config);
  truth["fs"] = o.fs;
  truth["tr"] = o.tr;
  truth["hrf"] = balloon ? Json() : std::move(responses);
  truth["balloon"] = balloon ? std::move(balloons) : Json();
  truth["bands"] = {{"carrier_hz", kCarrierHz}, {"slow_gain", o.slow_gain}};
  truth["files"] = files_json(out.files);
  io::write_file_atomic(out.truth, truth.dump(1) + "\n");
  return out;
}

std::string config_of(const SimulationOptions& o) {
  const Json out = {{"neural", o.neural},
                    {"hrf", o.hrf},
                    {"sensors", o.sensors},
                    {"subjects", o.subjects},
                    {"minutes", o.minutes},
                    {"fs", o.fs},
                    {"tr", o.tr},
                    {"ele-parcels", o.ele_parcels},
                    {"hemo-parcels", o.hemo_parcels},
                    {"categories", o.stimulus.categories},
                    {"dwell-min", o.stimulus.dwell_min},
                    {"dwell-mean", o.stimulus.dwell_mean},
                    {"dwell-rule", o.stimulus.dwell_rule},
                    {"stim-pattern", o.stimulus.stim_pattern},
                    {"positions", o.positions},
                    {"slow-gain", o.slow_gain},
                    {"snr", o.snr},
                    {"hrf-box", o.hrf_box},
                    {"target-map", o.target_map},
                    {"crosstalk", o.crosstalk},
                    {"fmri-noise", o.fmri_noise},
                    {"fmri-noise-ar", o.fmri_noise_ar},
                    {"drift", o.drift},
                    {"seed", o.seed}};
  return out.dump();
}

}  // namespace tenfold::samba_align
