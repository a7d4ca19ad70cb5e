// One line per field of a configuration gives its option, TOML key, JSON entry and resume check.
//
//   struct TrainConfig {
//     int64_t period = 1000;
//     template <class Visitor> void visit(Visitor& v) {
//       v.number("period", period, {1, kNoLimit}, "steps", "optimiser steps between two nowcasts");
//     }
//   };
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tenfold::cli {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct Range {
  double low = -kNoLimit, high = kNoLimit;  // inclusive
};

// How a field takes part in the resume check.
enum class Resume {
  kMustMatch,  // another value than the checkpoint's is refused (exit 78)
  kMayChange,  // e.g. paths, verbosity, the planned end
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  // Fields that follow belong to this heading of --help.
  virtual void group(const std::string& title) = 0;

  virtual void flag(const std::string& name, bool& value, const std::string& help,
                    Resume resume = Resume::kMustMatch) = 0;
  virtual void number(const std::string& name, int64_t& value, Range range, const std::string& unit,
                      const std::string& help, Resume resume = Resume::kMustMatch) = 0;
  virtual void number(const std::string& name, double& value, Range range, const std::string& unit,
                      const std::string& help, Resume resume = Resume::kMustMatch) = 0;
  // Empty unless given; `otherwise` says in the help what happens then, and if it says anything
  // "auto" is taken for it.
  virtual void number(const std::string& name, std::optional<int64_t>& value, Range range,
                      const std::string& unit, const std::string& help,
                      const std::string& otherwise, Resume resume = Resume::kMustMatch) = 0;
  virtual void number(const std::string& name, std::optional<double>& value, Range range,
                      const std::string& unit, const std::string& help,
                      const std::string& otherwise, Resume resume = Resume::kMustMatch) = 0;
  virtual void text(const std::string& name, std::string& value, const std::string& placeholder,
                    const std::string& help, Resume resume = Resume::kMustMatch) = 0;
  virtual void choice(const std::string& name, std::string& value,
                      const std::vector<std::string>& choices, const std::string& help,
                      Resume resume = Resume::kMustMatch) = 0;
  // Comma-separated. Integers also take ranges, "0..63" or "1000,2000".
  virtual void list(const std::string& name, std::vector<int64_t>& value, Range range,
                    const std::string& help, Resume resume = Resume::kMustMatch) = 0;
  // `choices` may be empty: any text.
  virtual void list(const std::string& name, std::vector<std::string>& value,
                    const std::vector<std::string>& choices, const std::string& placeholder,
                    const std::string& help, Resume resume = Resume::kMustMatch) = 0;
};

}  // namespace tenfold::cli
