// The fields of a configuration, gathered by one visit: what options, TOML, JSON, help and the resume check
// are made from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/cli/visitor.h"

namespace tenfold::cli {

struct Field {
  std::string name, group, help, placeholder, unit, range, otherwise;
  std::vector<std::string> choices;
  Resume resume = Resume::kMustMatch;
  bool is_flag = false, is_list = false;
  // Sets the value from text; throws UsageError that begins with `where` (e.g. "--period").
  std::function<void(const std::string& text, const std::string& where)> set;
  std::function<std::string()> text;  // as on the command line; "" for an empty optional
  std::function<std::string()> json;  // as JSON, which for these types is TOML too; "null" for an empty optional
};

// The visited object must outlive the fields.
std::vector<Field> gather_fields(const std::function<void(FieldVisitor&)>& visit);

// "TENFOLD_MAX_TRAIN_STEPS" for "max-train-steps".
std::string environment_name(const std::string& field);

// A flat object of all fields; the digest and the list of those that must match on resume.
std::string fields_to_json(const std::vector<Field>& fields);
// Lines `name = value` that a configuration file reads back; empty optionals are left out.
std::string fields_to_toml(const std::vector<Field>& fields);

}  // namespace tenfold::cli
