// The fields of a configuration, gathered by one visit: what options, files, JSON, help, completion
// and the resume check are made from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/cli/values.h"
#include "common/cli/visitor.h"

namespace tenfold::cli {

enum class FieldKind { kFlag, kInteger, kReal, kText, kChoice, kIntegers, kTexts };

struct Field {
  std::string name, group, help;
  FieldKind kind = FieldKind::kText;
  std::string placeholder, unit, range;
  std::string otherwise;  // what an empty optional means
  std::vector<std::string> choices;
  Resume resume = Resume::kMustMatch;

  std::function<void(const Input&)> set;  // throws UsageError
  std::function<std::string()> text;      // as on the command line; "" for an empty optional
  std::function<std::string()> json;      // "null" for an empty optional

  bool is_flag() const { return kind == FieldKind::kFlag; }
  // Flags have a --no-NAME, but for those that are a negation already.
  bool has_negation() const { return is_flag() && name.rfind("no-", 0) != 0; }
  bool takes_path() const;
};

// The visited object must outlive the fields.
std::vector<Field> gather_fields(const std::function<void(FieldVisitor&)>& visit);

const Field* find_field(const std::vector<Field>& fields, const std::string& name);
std::vector<std::string> names_of(const std::vector<Field>& fields);

// "TENFOLD_MAX_TRAIN_STEPS" for "max-train-steps".
std::string environment_name(const std::string& field);

// Every number, list of numbers and choice once more, which defaults and presets have not met yet.
void check_ranges(const std::vector<Field>& fields);

// A flat object of all fields.
std::string fields_to_json(const std::vector<Field>& fields);

}  // namespace tenfold::cli
