#include "common/cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/core/error.h"

namespace tenfold::cli {
namespace {

std::string function_name(const std::string& tool) {
  std::string name = "_" + tool;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string flags_of(const Field& f) {
  return "--" + f.name + (f.has_negation() ? " --no-" + f.name : "");
}

std::string bash_cases(const SubcommandHelp& s) {
  std::string out, options = "--help --version";
  for (const Field& f : s.fields) {
    options += " " + flags_of(f);
    if (f.is_flag()) continue;
    // Without words, bash falls back to file names.
    const std::string words =
        f.choices.empty() ? "words=" : fmt::format("words=\"{}\"", fmt::join(f.choices, " "));
    out += fmt::format("    {}:--{}) {} ;;\n", s.name, f.name, words);
  }
  return out + fmt::format("    {}:*) words=\"{}\" ;;\n", s.name, options);
}

std::string bash_script(const std::string& tool, const std::vector<SubcommandHelp>& subcommands) {
  std::string names, cases;
  for (const SubcommandHelp& s : subcommands) {
    names += s.name + " ";
    cases += bash_cases(s);
  }
  return fmt::format(R"({function}() {{
  local words= current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{names}completion --help --version"
  else case "${{COMP_WORDS[1]}}:$previous" in
    completion:*) words="bash zsh" ;;
{cases}  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F {function} {tool}
)",
                     fmt::arg("function", function_name(tool)), fmt::arg("names", names),
                     fmt::arg("cases", cases), fmt::arg("tool", tool));
}

// Inside '...' of zsh, and inside the [...] and :...: of _arguments.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh_option(const Field& f) {
  const std::string help = zsh_text(f.help);
  if (f.is_flag()) {
    std::string out = fmt::format("'--{}[{}]'", f.name, help);
    if (f.has_negation()) out += fmt::format(" '--no-{}[not: {}]'", f.name, help);
    return out;
  }
  std::string action = f.takes_path() ? "_files" : " ";
  if (!f.choices.empty()) {
    action = fmt::format("({})", zsh_text(fmt::format("{}", fmt::join(f.choices, " "))));
    // A list: the choices again after every comma.
    if (f.kind == FieldKind::kTexts) action = "_sequence compadd - " + action.substr(1);
    if (f.kind == FieldKind::kTexts) action.pop_back();
  }
  return fmt::format("'--{}[{}]:{}:{}'", f.name, help, zsh_text(f.placeholder), action);
}

std::string zsh_script(const std::string& tool, const std::vector<SubcommandHelp>& subcommands) {
  std::string names, cases;
  for (const SubcommandHelp& s : subcommands) {
    names += fmt::format("    '{}:{}'\n", s.name, zsh_text(s.help));
    cases += fmt::format("    {})\n      _arguments '--help[options of {}]' '--version[release]'",
                         s.name, s.name);
    for (const Field& f : s.fields) cases += " \\\n        " + zsh_option(f);
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef {tool}
{function}() {{
  local -a subcommands=(
{names}    'completion:print a completion script'
  )
  if (( CURRENT == 2 )); then
    _describe subcommand subcommands
    return
  fi
  local subcommand="${{words[2]}}"
  shift words
  (( CURRENT-- ))
  case "$subcommand" in
    completion) compadd bash zsh ;;
{cases}  esac
}}
compdef {function} {tool}
)",
                     fmt::arg("function", function_name(tool)), fmt::arg("names", names),
                     fmt::arg("cases", cases), fmt::arg("tool", tool));
}

}  // namespace

std::string completion_script(const std::string& shell, const std::string& tool,
                              const std::vector<SubcommandHelp>& subcommands) {
  if (shell == "bash") return bash_script(tool, subcommands);
  if (shell == "zsh") return zsh_script(tool, subcommands);
  refuse("completion", shell, "bash or zsh");
}

}  // namespace tenfold::cli
