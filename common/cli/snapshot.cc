#include "common/cli/snapshot.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/core/error.h"

namespace tenfold::cli {
namespace {

class SnapshotReader : public FieldVisitor {
 public:
  SnapshotReader(const nlohmann::json& values, const std::string& source)
      : values_(values), source_(source) {}

  void group(const std::string&) override {}
  void flag(const std::string& name, bool& value, const std::string&, Resume) override {
    set(name, value);
  }
  void number(const std::string& name, int64_t& value, Range, const std::string&,
              const std::string&, Resume) override {
    set(name, value);
  }
  void number(const std::string& name, double& value, Range, const std::string&, const std::string&,
              Resume) override {
    set(name, value);
  }
  void number(const std::string& name, std::optional<int64_t>& value, Range, const std::string&,
              const std::string&, const std::string&, Resume) override {
    set_optional(name, value);
  }
  void number(const std::string& name, std::optional<double>& value, Range, const std::string&,
              const std::string&, const std::string&, Resume) override {
    set_optional(name, value);
  }
  void text(const std::string& name, std::string& value, const std::string&, const std::string&,
            Resume) override {
    set(name, value);
  }
  void choice(const std::string& name, std::string& value, const std::vector<std::string>&,
              const std::string&, Resume) override {
    set(name, value);
  }
  void list(const std::string& name, std::vector<int64_t>& value, Range, const std::string&,
            Resume) override {
    set(name, value);
  }
  void list(const std::string& name, std::vector<std::string>& value,
            const std::vector<std::string>&, const std::string&, const std::string&,
            Resume) override {
    set(name, value);
  }

 private:
  template <class T>
  void set(const std::string& name, T& value) {
    const auto found = values_.find(name);
    if (found == values_.end()) return;
    try {
      value = found->template get<T>();
    } catch (const nlohmann::json::exception&) {
      throw DataError(fmt::format("{}: option {}: found {}", source_, name, found->dump()));
    }
  }

  template <class T>
  void set_optional(const std::string& name, std::optional<T>& value) {
    const auto found = values_.find(name);
    if (found == values_.end()) return;
    value.reset();
    if (found->is_null()) return;
    T there{};
    set(name, there);
    value = there;
  }

  const nlohmann::json& values_;
  const std::string& source_;
};

}  // namespace

void read_snapshot(const std::string& json, const std::string& source,
                   const std::function<void(FieldVisitor&)>& visit) {
  const nlohmann::json values = nlohmann::json::parse(json, nullptr, false);
  if (!values.is_object())
    throw DataError(fmt::format("{}: expected a JSON object of options", source));
  SnapshotReader reader(values, source);
  visit(reader);
}

}  // namespace tenfold::cli
