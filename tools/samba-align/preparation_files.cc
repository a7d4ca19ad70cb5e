#include "tools/samba-align/preparation_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/npy_writer.h"
#include "common/log/logger.h"

namespace tenfold::samba_align {
namespace {

using Json = nlohmann::ordered_json;

class Writer {
 public:
  Writer(std::string folder, std::vector<WrittenFile>& files)
      : folder_(std::move(folder)), files_(files) {}

  void array(const std::string& name, io::DType dtype, const std::vector<int64_t>& shape,
             const void* data, const std::string& unit) {
    io::write_npy(folder_ + "/" + name, dtype, shape, data);
    add(name, shape, dtype == io::DType::kF32 ? "float32" : "int32", unit);
  }
  void text(const std::string& name, const std::string& text, int64_t rows) {
    io::write_file_atomic(folder_ + "/" + name, text);
    add(name, {rows, 3}, "text", "s");
  }

 private:
  void add(const std::string& name, const std::vector<int64_t>& shape, const std::string& dtype,
           const std::string& unit) {
    files_.push_back({name, shape, dtype, unit, sha256_of_file(folder_ + "/" + name)});
  }

  std::string folder_;
  std::vector<WrittenFile>& files_;
};

void write_subject(const PreparedSubject& s, const std::string& unit, const std::string& folder,
                   std::vector<WrittenFile>& files) {
  io::make_folders(folder + "/" + s.name);
  Writer out(folder, files);
  const auto matrix = [&](const char* name, const FloatMatrix& m, const std::string& its_unit) {
    if (m.size() > 0)
      out.array(s.name + name, io::DType::kF32, {m.rows(), m.cols()}, m.data(), its_unit);
  };
  matrix("/ele.npy", s.ele, unit);
  matrix("/hemo.npy", s.hemo, "none");
  if (!s.labels.empty())
    out.array(s.name + "/labels.npy", io::DType::kI32, {int64_t(s.labels.size())}, s.labels.data(),
              "none");
  if (s.events.empty()) return;
  std::string text = "onset\tduration\ttrial_type\n";
  for (const io::SignalEvent& e : s.events)
    text += fmt::format("{:.6f}\t{:.6f}\t{}\n", e.onset_s, e.duration_s, e.label);
  out.text(s.name + "/events.tsv", text, int64_t(s.events.size()));
}

Json sources(const std::vector<std::string>& paths) {
  Json out = Json::array();
  for (const std::string& path : paths)
    out.push_back({{"path", path}, {"sha256", sha256_of_file(path)}});
  return out;
}

Json parcels(const std::vector<ParcelName>& names) {
  Json out = Json::array();
  const auto known = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  for (const ParcelName& p : names) {
    out.push_back(
        {{"name", p.name}, {"hemisphere", known(p.hemisphere)}, {"network", known(p.network)}});
  }
  return out;
}

Json manifest_of(const Preparation& p, const std::vector<WrittenFile>& files,
                 const std::string& config) {
  const auto known = [](double value) { return value > 0 ? Json(value) : Json(); };
  Json out;
  out["config"] = Json::parse(config);
  out["fs"] = known(p.fs);
  out["tr"] = known(p.tr);
  out["block"] = p.block > 0 ? Json(p.block) : Json();
  out["parcels"] = {{"ele", parcels(p.ele_parcels)}, {"hemo", parcels(p.hemo_parcels)}};
  out["labels"] = p.label_names;
  out["subjects"] = Json::array();
  for (const PreparedSubject& s : p.subjects) {
    out["subjects"].push_back({{"name", s.name},
                               {"samples", s.ele.cols()},
                               {"frames", s.hemo.cols()},
                               {"ele", sources(s.ele_sources)},
                               {"hemo", sources(s.hemo_sources)},
                               {"events", sources(s.event_sources)}});
  }
  out["done"] = p.done;
  out["files"] = Json::object();
  for (const WrittenFile& f : files) {
    out["files"][f.name] = {
        {"shape", f.shape}, {"dtype", f.dtype}, {"unit", f.unit}, {"sha256", f.sha256}};
  }
  return out;
}

// What is read would be lost with the folder that is replaced.
void require_no_input_inside(const Preparation& p, const std::string& folder) {
  namespace fs = std::filesystem;
  const std::string inside = fs::weakly_canonical(folder).string() + "/";
  for (const PreparedSubject& s : p.subjects) {
    for (const auto* paths : {&s.ele_sources, &s.hemo_sources, &s.event_sources}) {
      for (const std::string& path : *paths) {
        if (fs::weakly_canonical(path).string().compare(0, inside.size(), inside) != 0) continue;
        throw CannotCreate(fmt::format("--out {}: found {} in it, expected a folder without inputs",
                                       folder, path));
      }
    }
  }
}

}  // namespace

std::vector<WrittenFile> write_preparation(const Preparation& p, const std::string& folder,
                                           const std::string& config) {
  if (!io::list_folder(folder).empty() && !io::exists(folder + "/manifest.json")) {
    throw CannotCreate(folder + ": holds other files, expected no folder or a prepared one");
  }
  require_no_input_inside(p, folder);
  if (io::exists(folder + "/manifest.json"))
    log::warning("--out " + folder + ": replaces what was prepared there before");
  std::vector<WrittenFile> files;
  io::AtomicFolder whole(folder);
  for (const PreparedSubject& s : p.subjects) write_subject(s, p.ele_unit, whole.path(), files);
  const Json manifest = manifest_of(p, files, config);
  // A parcel's name may be no UTF-8.
  io::write_file_atomic(whole.path() + "/manifest.json",
                        manifest.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  whole.commit();
  return files;
}

}  // namespace tenfold::samba_align
