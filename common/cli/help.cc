#include "common/cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/core/error.h"

namespace tenfold::cli {
namespace {

constexpr size_t kWidth = 96, kIndent = 6;

const char* const kExitCodes =
    "Exit codes: 0 done; 64 usage; 65 bad data; 66 input missing; 69 device or library unavailable;\n"
    "  70 numeric (NaN) or internal; 73 cannot create; 74 I/O; 75 stopped after a checkpoint, run again\n"
    "  with --resume auto; 78 configuration or checkpoint mismatch; 130 Ctrl-C.\n";

std::string wrapped(const std::string& text) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += std::string(kIndent, ' ') + line + "\n";
    line.clear();
  };
  size_t from = 0;
  while (from < text.size()) {
    const size_t space = std::min(text.find(' ', from), text.size());
    const std::string word = text.substr(from, space - from);
    if (!line.empty() && line.size() + word.size() + 1 + kIndent > kWidth) flush();
    line += (line.empty() ? "" : " ") + word;
    from = space + 1;
  }
  flush();
  return out;
}

std::string describe(const Field& f) {
  std::string text = f.help;
  std::vector<std::string> facts;
  if (!f.choices.empty() && f.is_list) facts.push_back(fmt::format("of: {}", fmt::join(f.choices, ", ")));
  if (!f.is_flag) facts.push_back("default: " + (f.text().empty() ? (f.otherwise.empty() ? "none" : f.otherwise) : f.text()));
  if (!f.unit.empty()) facts.push_back("unit: " + f.unit);
  if (!f.range.empty()) facts.push_back("range: " + f.range);
  facts.push_back("env: " + environment_name(f.name));
  return fmt::format("{} [{}]", text, fmt::join(facts, "; "));
}

std::string option_line(const Field& f) {
  if (f.is_flag) return fmt::format("  --{}{}\n", f.name, f.name == "verbose" ? ", -v" : "");
  const std::string value = !f.choices.empty() && !f.is_list ? fmt::format("{}", fmt::join(f.choices, "|"))
                                                             : f.placeholder;
  return fmt::format("  --{} {}\n", f.name, value);
}

}  // namespace

std::string subcommand_help(const SubcommandHelp& s) {
  std::string out = fmt::format("{0} {1}: {2}\n\nUsage: {0} {1} [options]\n", s.tool, s.name, s.help);
  if (!s.presets.empty()) out += fmt::format("Presets: {}\n", fmt::join(s.presets, ", "));
  out += "An option on the command line wins over the environment, that over --config, that over --preset.\n";
  std::string group;
  for (const Field& f : s.fields) {
    if (f.group != group) out += fmt::format("\n{}:\n", group = f.group);
    out += option_line(f) + wrapped(describe(f));
  }
  return out + "\n" + kExitCodes;
}

std::string tool_help(const std::string& tool, const std::string& description,
                      const std::vector<SubcommandHelp>& subcommands) {
  std::string out = fmt::format("{0}: {1}\n\nUsage: {0} SUBCOMMAND [options]\n\n", tool, description);
  for (const SubcommandHelp& s : subcommands) out += fmt::format("  {:<12} {}\n", s.name, s.help);
  out += fmt::format("  {:<12} print a completion script: {} completion bash|zsh\n\n", "completion", tool);
  out += fmt::format("Options of a subcommand: {} SUBCOMMAND --help. Version: --version.\n\n", tool);
  return out + kExitCodes;
}

std::string completion_script(const std::string& shell, const std::string& tool,
                              const std::vector<SubcommandHelp>& subcommands) {
  if (shell != "bash" && shell != "zsh") {
    throw UsageError(fmt::format("completion: found '{}', expected bash or zsh", shell));
  }
  std::string names, cases;
  for (const SubcommandHelp& s : subcommands) {
    names += s.name + " ";
    std::string options;
    for (const Field& f : s.fields) {
      options += "--" + f.name + " ";
      if (f.choices.empty()) continue;
      cases += fmt::format("    {}:--{}) words=\"{}\";;\n", s.name, f.name, fmt::join(f.choices, " "));
    }
    cases += fmt::format("    {}:*) words=\"{}\";;\n", s.name, options);
  }
  std::string function = tool;
  for (char& c : function) c = c == '-' ? '_' : c;
  const std::string start = shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  return fmt::format(R"({}_{}() {{
  local words previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{}completion"
  else case "${{COMP_WORDS[1]}}:$previous" in
{}  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _{} {}
)",
                     start, function, names, cases, function, tool);
}

}  // namespace tenfold::cli
