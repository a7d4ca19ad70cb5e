#include "common/cli/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "common/core/error.h"

namespace tenfold::cli {
namespace {

constexpr int64_t kLongestList = 100'000;

std::string limit_text(double value) { return fmt::format("{:g}", value); }

std::string range_text(Range r) {
  const bool low = std::isfinite(r.low), high = std::isfinite(r.high);
  if (low && high) return fmt::format("{}..{}", limit_text(r.low), limit_text(r.high));
  if (low) return limit_text(r.low) + " or more";
  return high ? limit_text(r.high) + " or less" : "";
}

std::string expected(Range r, const std::string& unit, const char* kind) {
  const std::string range = range_text(r);
  return (range.empty() ? std::string(kind) : range) + (unit.empty() ? "" : " " + unit);
}

[[noreturn]] void refuse(const std::string& where, const std::string& text, const std::string& wanted) {
  throw UsageError(fmt::format("{}: found {}, expected {}", where, text.empty() ? "nothing" : text, wanted));
}

template <class T>
T parse_number(const std::string& text, const std::string& where, Range range, const std::string& unit) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  const char* kind = std::is_integral_v<T> ? "a whole number" : "a number";
  if (failure != std::errc() || rest != end || text.empty()) {
    refuse(where, text, std::string(kind) + (range_text(range).empty() ? "" : ", " + expected(range, unit, kind)));
  }
  // Also false for NaN.
  if (!(double(value) >= range.low && double(value) <= range.high) || !std::isfinite(double(value))) {
    refuse(where, text, expected(range, unit, kind));
  }
  return value;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  size_t from = 0;
  for (size_t comma = 0; comma != std::string::npos; from = comma + 1) {
    comma = text.find(',', from);
    parts.push_back(text.substr(from, comma == std::string::npos ? comma : comma - from));
  }
  return parts;
}

std::vector<int64_t> parse_integers(const std::string& text, const std::string& where, Range range) {
  std::vector<int64_t> out;
  for (const std::string& part : split(text)) {
    const size_t dots = part.find("..");
    const auto first = parse_number<int64_t>(part.substr(0, dots), where, range, "");
    const auto last = dots == std::string::npos ? first
                                                : parse_number<int64_t>(part.substr(dots + 2), where, range, "");
    if (last < first || last - first >= kLongestList) {
      refuse(where, part, fmt::format("a rising range of at most {} numbers", kLongestList));
    }
    for (int64_t i = first; i <= last; ++i) out.push_back(i);
  }
  if (int64_t(out.size()) > kLongestList) refuse(where, text, fmt::format("at most {} numbers", kLongestList));
  return out;
}

template <class T>
void refuse_duplicates(const std::vector<T>& values, const std::string& where) {
  std::set<T> seen;
  for (const T& v : values) {
    if (!seen.insert(v).second) throw UsageError(fmt::format("{}: {} stands twice", where, v));
  }
}

bool parse_truth(const std::string& text, const std::string& where) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  refuse(where, text, "true or false");
}

void require_choice(const std::string& value, const std::vector<std::string>& choices, const std::string& where) {
  if (choices.empty() || std::count(choices.begin(), choices.end(), value) > 0) return;
  throw UsageError(fmt::format("{}: found '{}', expected one of {}", where, value, fmt::join(choices, ", ")));
}

template <class T>
std::string json_of(const T& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class Gatherer : public FieldVisitor {
 public:
  std::vector<Field> fields;

  void group(const std::string& title) override { group_ = title; }

  void flag(const std::string& name, bool& value, const std::string& help, Resume resume) override {
    Field& f = add(name, help, resume);
    f.is_flag = true;
    f.set = [&value](const std::string& t, const std::string& where) { value = parse_truth(t, where); };
    f.text = f.json = [&value] { return std::string(value ? "true" : "false"); };
  }
  void number(const std::string& name, int64_t& value, Range range, const std::string& unit, const std::string& help,
              Resume resume) override {
    add_number(name, value, range, unit, help, resume, "N");
  }
  void number(const std::string& name, double& value, Range range, const std::string& unit, const std::string& help,
              Resume resume) override {
    add_number(name, value, range, unit, help, resume, "X");
  }
  void number(const std::string& name, std::optional<int64_t>& value, Range range, const std::string& unit,
              const std::string& help, const std::string& otherwise, Resume resume) override {
    add_optional(name, value, range, unit, help, otherwise, resume, "N");
  }
  void number(const std::string& name, std::optional<double>& value, Range range, const std::string& unit,
              const std::string& help, const std::string& otherwise, Resume resume) override {
    add_optional(name, value, range, unit, help, otherwise, resume, "X");
  }
  void text(const std::string& name, std::string& value, const std::string& placeholder, const std::string& help,
            Resume resume) override {
    Field& f = add(name, help, resume);
    f.placeholder = placeholder;
    f.set = [&value](const std::string& t, const std::string&) { value = t; };
    f.text = [&value] { return value; };
    f.json = [&value] { return json_of(value); };
  }
  void choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
              const std::string& help, Resume resume) override {
    Field& f = add(name, help, resume);
    f.choices = choices;
    f.set = [&value, choices](const std::string& t, const std::string& where) {
      require_choice(t, choices, where);
      value = t;
    };
    f.text = [&value] { return value; };
    f.json = [&value] { return json_of(value); };
  }
  void list(const std::string& name, std::vector<int64_t>& value, Range range, const std::string& help,
            Resume resume) override {
    Field& f = add(name, help, resume);
    f.is_list = true;
    f.placeholder = "N,N,...";
    f.range = range_text(range);
    f.set = [&value, range](const std::string& t, const std::string& where) { value = parse_integers(t, where, range); };
    f.text = [&value] { return fmt::format("{}", fmt::join(value, ",")); };
    f.json = [&value] { return json_of(value); };
  }
  void list(const std::string& name, std::vector<std::string>& value, const std::vector<std::string>& choices,
            const std::string& placeholder, const std::string& help, Resume resume) override {
    Field& f = add(name, help, resume);
    f.is_list = true;
    f.placeholder = placeholder + "," + placeholder + ",...";
    f.choices = choices;
    f.set = [&value, choices](const std::string& t, const std::string& where) {
      const std::vector<std::string> parts = split(t);
      for (const std::string& p : parts) require_choice(p, choices, where);
      refuse_duplicates(parts, where);
      value = parts;
    };
    f.text = [&value] { return fmt::format("{}", fmt::join(value, ",")); };
    f.json = [&value] { return json_of(value); };
  }

 private:
  Field& add(const std::string& name, const std::string& help, Resume resume) {
    Field f;
    f.name = name;
    f.group = group_;
    f.help = help;
    f.resume = resume;
    fields.push_back(std::move(f));
    return fields.back();
  }
  template <class T>
  void add_number(const std::string& name, T& value, Range range, const std::string& unit, const std::string& help,
                  Resume resume, const char* placeholder) {
    Field& f = add(name, help, resume);
    f.placeholder = placeholder;
    f.unit = unit;
    f.range = range_text(range);
    f.set = [&value, range, unit](const std::string& t, const std::string& where) {
      value = parse_number<T>(t, where, range, unit);
    };
    f.text = f.json = [&value] { return json_of(value); };
  }
  template <class T>
  void add_optional(const std::string& name, std::optional<T>& value, Range range, const std::string& unit,
                    const std::string& help, const std::string& otherwise, Resume resume, const char* placeholder) {
    Field& f = add(name, help, resume);
    f.placeholder = placeholder;
    f.unit = unit;
    f.range = range_text(range);
    f.otherwise = otherwise;
    f.set = [&value, range, unit](const std::string& t, const std::string& where) {
      value = parse_number<T>(t, where, range, unit);
    };
    f.text = [&value] { return value ? json_of(*value) : std::string(); };
    f.json = [&value] { return value ? json_of(*value) : std::string("null"); };
  }

  std::string group_;
};

}  // namespace

std::vector<Field> gather_fields(const std::function<void(FieldVisitor&)>& visit) {
  Gatherer gatherer;
  visit(gatherer);
  return std::move(gatherer.fields);
}

std::string environment_name(const std::string& field) {
  std::string name = "TENFOLD_" + field;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string fields_to_json(const std::vector<Field>& fields) {
  std::string out = "{";
  for (const Field& f : fields) out += fmt::format("{}\"{}\":{}", out.size() > 1 ? "," : "", f.name, f.json());
  return out + "}";
}

std::string fields_to_toml(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& f : fields) {
    if (f.json() != "null") out += fmt::format("{} = {}\n", f.name, f.json());
  }
  return out;
}

}  // namespace tenfold::cli
