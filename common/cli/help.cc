#include "common/cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace tenfold::cli {
namespace {

constexpr size_t kWidth = 96, kIndent = 6;
constexpr size_t kLongestLine = 60;  // of choices beside an option
constexpr char kNoBreak = '\x1f';    // a space at which wrapped() starts no new line

const char* const kExitCodes =
    "Exit codes:\n"
    "   1  a target was missed (only where an option requires it)\n"
    "   0  done                              70  NaN or inf, or an internal error\n"
    "  64  wrong option or configuration     73  output cannot be created or is taken\n"
    "  65  bad data in a file                74  reading or writing failed half-way\n"
    "  66  input file missing                75  stopped after a checkpoint: --resume auto\n"
    "  69  device or library unavailable     78  another configuration than the checkpoint's\n"
    " 130  Ctrl-C\n";

std::string wrapped(const std::string& text) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += std::string(kIndent, ' ') + line + "\n";
    line.clear();
  };
  for (size_t from = 0; from < text.size();) {
    const size_t space = std::min(text.find(' ', from), text.size());
    const std::string word = text.substr(from, space - from);
    if (!line.empty() && line.size() + word.size() + 1 + kIndent > kWidth) flush();
    line += (line.empty() ? "" : " ") + word;
    from = space + 1;
  }
  flush();
  std::replace(out.begin(), out.end(), kNoBreak, ' ');
  return out;
}

std::string default_text(const Field& f) {
  if (!f.text().empty()) return f.text();
  return f.otherwise.empty() ? "none" : f.otherwise;
}

// Choices stand beside the option when they are few.
bool lists_choices_below(const Field& f) {
  return !f.choices.empty() &&
         (f.kind != FieldKind::kChoice || f.placeholder.size() > kLongestLine);
}

std::string describe(const Field& f) {
  std::vector<std::string> facts;
  if (lists_choices_below(f)) facts.push_back(fmt::format("of: {}", fmt::join(f.choices, ", ")));
  facts.push_back("default: " + default_text(f));
  if (!f.unit.empty()) facts.push_back("unit: " + f.unit);
  if (!f.range.empty()) facts.push_back("range: " + f.range);
  facts.push_back(std::string("env:") + kNoBreak + environment_name(f.name));
  return fmt::format("{} [{}]", f.help, fmt::join(facts, "; "));
}

std::string option_line(const Field& f) {
  const std::string letter = f.name == "verbose" ? "  -v, " : "  ";
  if (f.is_flag()) return letter + "--" + (f.has_negation() ? "[no-]" : "") + f.name + "\n";
  const bool named = f.kind == FieldKind::kChoice && lists_choices_below(f);
  return fmt::format("  --{} {}\n", f.name, named ? "NAME" : f.placeholder);
}

}  // namespace

std::string subcommand_help(const SubcommandHelp& s) {
  std::string out = fmt::format("Usage: {} {} [options]\n\n{}\n", s.tool, s.name, s.help);
  if (!s.presets.empty()) out += fmt::format("Presets: {}\n", fmt::join(s.presets, ", "));
  out +=
      "\nThe command line wins over the environment, that over --config FILE, that over "
      "--preset.\n";
  std::string group;
  for (const Field& f : s.fields) {
    if (f.group != group) {
      group = f.group;
      out += fmt::format("\n{}:\n", group);
    }
    out += option_line(f) + wrapped(describe(f));
  }
  out += "  -h, --help\n      this text\n  --version\n      release and commit\n";
  out += std::string("\n") + kExitCodes;
  if (!s.examples.empty()) out += fmt::format("\nExample:\n  {}\n", s.examples);
  return out;
}

std::string tool_help(const std::string& tool, const std::string& description,
                      const std::vector<SubcommandHelp>& subcommands) {
  std::string out = fmt::format("Usage: {} SUBCOMMAND [options]\n\n{}\n\n", tool, description);
  size_t width = std::string("completion").size();
  for (const SubcommandHelp& s : subcommands) width = std::max(width, s.name.size());
  const auto line = [&](const std::string& name, const std::string& help) {
    out += fmt::format("  {:<{}}  {}\n", name, width, help);
  };
  for (const SubcommandHelp& s : subcommands) line(s.name, s.help);
  line("completion", "print a completion script for a shell: completion bash|zsh");
  out += fmt::format("\n{} SUBCOMMAND --help lists the options; {} --version prints the version.\n",
                     tool, tool);
  out += std::string("\n") + kExitCodes;
  for (const SubcommandHelp& s : subcommands) {
    if (!s.examples.empty()) return out + fmt::format("\nExample:\n  {}\n", s.examples);
  }
  return out;
}

}  // namespace tenfold::cli
