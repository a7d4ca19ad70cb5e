#include "common/cli/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tenfold::cli {
namespace {

template <class T>
std::string json_of(const T& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class T>
std::string json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : "null";
}

template <class T>
std::string text_of(const T& value) {
  return json_of(value);
}

template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? json_of(*value) : "";
}

template <class T>
struct NumberOf {
  using Type = T;
};
template <class T>
struct NumberOf<std::optional<T>> {
  using Type = T;
};

class Gatherer : public FieldVisitor {
 public:
  std::vector<Field> fields;

  void group(const std::string& title) override { group_ = title; }

  void flag(const std::string& name, bool& value, const std::string& help, Resume resume) override {
    Field& f = add(name, FieldKind::kFlag, help, resume);
    f.set = [&value](const Input& input) { value = parse_truth(input.text, input.where); };
    f.text = f.json = [&value] { return json_of(value); };
  }

  void number(const std::string& name, int64_t& value, Range range, const std::string& unit,
              const std::string& help, Resume resume) override {
    add_number(name, value, range, unit, help, resume);
  }
  void number(const std::string& name, double& value, Range range, const std::string& unit,
              const std::string& help, Resume resume) override {
    add_number(name, value, range, unit, help, resume);
  }
  void number(const std::string& name, std::optional<int64_t>& value, Range range,
              const std::string& unit, const std::string& help, const std::string& otherwise,
              Resume resume) override {
    let_empty(value, add_number(name, value, range, unit, help, resume), otherwise);
  }
  void number(const std::string& name, std::optional<double>& value, Range range,
              const std::string& unit, const std::string& help, const std::string& otherwise,
              Resume resume) override {
    let_empty(value, add_number(name, value, range, unit, help, resume), otherwise);
  }

  void text(const std::string& name, std::string& value, const std::string& placeholder,
            const std::string& help, Resume resume) override {
    Field& f = add(name, FieldKind::kText, help, resume);
    f.placeholder = placeholder;
    f.set = [&value](const Input& input) { value = input.text; };
    f.text = [&value] { return value; };
    f.json = [&value] { return json_of(value); };
  }

  void choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
              const std::string& help, Resume resume) override {
    Field& f = add(name, FieldKind::kChoice, help, resume);
    f.placeholder = fmt::format("{}", fmt::join(choices, "|"));
    f.choices = choices;
    f.set = [&value, choices](const Input& input) {
      require_choice(input.text, choices, input.where);
      value = input.text;
    };
    f.text = [&value] { return value; };
    f.json = [&value] { return json_of(value); };
  }

  void list(const std::string& name, std::vector<int64_t>& value, Range range,
            const std::string& help, Resume resume) override {
    Field& f = add(name, FieldKind::kIntegers, help, resume);
    f.placeholder = "N,N,...";
    f.range = range_text(range);
    f.set = [&value, range](const Input& input) { value = parse_integers(input, range); };
    f.text = [&value] { return fmt::format("{}", fmt::join(value, ",")); };
    f.json = [&value] { return json_of(value); };
  }

  void list(const std::string& name, std::vector<std::string>& value,
            const std::vector<std::string>& choices, const std::string& placeholder,
            const std::string& help, Resume resume) override {
    Field& f = add(name, FieldKind::kTexts, help, resume);
    f.placeholder = placeholder + "," + placeholder + ",...";
    f.choices = choices;
    f.set = [&value, choices](const Input& input) { value = parse_texts(input, choices); };
    f.text = [&value] { return fmt::format("{}", fmt::join(value, ",")); };
    f.json = [&value] { return json_of(value); };
  }

 private:
  Field& add(const std::string& name, FieldKind kind, const std::string& help, Resume resume) {
    if (find_field(fields, name)) throw std::logic_error("--" + name + " is declared twice");
    Field f;
    f.name = name;
    f.kind = kind;
    f.group = group_;
    f.help = help;
    f.resume = resume;
    fields.push_back(std::move(f));
    return fields.back();
  }

  template <class T>  // int64_t, double, or an optional of these
  Field& add_number(const std::string& name, T& value, Range range, const std::string& unit,
                    const std::string& help, Resume resume) {
    using Number = typename NumberOf<T>::Type;
    const bool whole = std::is_integral_v<Number>;
    Field& f = add(name, whole ? FieldKind::kInteger : FieldKind::kReal, help, resume);
    f.placeholder = whole ? "N" : "X";
    f.unit = unit;
    f.range = range_text(range);
    f.set = [&value, range, unit](const Input& input) {
      value = parse_number<Number>(input.text, input.where, range, unit);
    };
    f.text = [&value] { return text_of(value); };
    f.json = [&value] { return json_of(value); };
    return f;
  }

  // "auto" empties what a file or a preset has given.
  template <class T>
  void let_empty(std::optional<T>& value, Field& f, const std::string& otherwise) {
    f.otherwise = otherwise;
    if (otherwise.empty()) return;
    f.set = [&value, set = f.set](const Input& input) {
      if (input.text == "auto") {
        value.reset();
      } else {
        set(input);
      }
    };
  }

  std::string group_ = "Options";
};

}  // namespace

bool Field::takes_path() const {
  return placeholder.find("FILE") != std::string::npos ||
         placeholder.find("DIR") != std::string::npos ||
         placeholder.find("PATH") != std::string::npos;
}

std::vector<Field> gather_fields(const std::function<void(FieldVisitor&)>& visit) {
  Gatherer gatherer;
  visit(gatherer);
  return std::move(gatherer.fields);
}

const Field* find_field(const std::vector<Field>& fields, const std::string& name) {
  for (const Field& f : fields) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

std::vector<std::string> names_of(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  for (const Field& f : fields) names.push_back(f.name);
  return names;
}

std::string environment_name(const std::string& field) {
  std::string name = "TENFOLD_" + field;
  for (char& c : name) {
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

void check_ranges(const std::vector<Field>& fields) {
  for (const Field& f : fields) {
    const bool ranged = f.kind == FieldKind::kInteger || f.kind == FieldKind::kReal ||
                        f.kind == FieldKind::kChoice || f.kind == FieldKind::kIntegers;
    if (ranged && !f.text().empty()) f.set({"--" + f.name, f.text(), std::nullopt});
  }
}

std::string fields_to_json(const std::vector<Field>& fields) {
  std::string out = "{";
  for (const Field& f : fields) {
    out += fmt::format("{}\"{}\":{}", out.size() > 1 ? "," : "", f.name, f.json());
  }
  return out + "}";
}

}  // namespace tenfold::cli
