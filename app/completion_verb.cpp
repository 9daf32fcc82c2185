#include "app/completion.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

// Each script hands the words typed so far to `sluice __complete`, which answers a line a candidate: the word, a tab,
// its help; `:files` and `:folders` ask for the shell's own names.

constexpr const char* bash_script =
    R"(# sluice: completion for bash. Put this into ~/.bashrc:  source <(sluice completion bash)
_sluice() {
  local word help
  COMPREPLY=()
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) compopt -o filenames; COMPREPLY+=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")) ;;
      :folders) compopt -o filenames; COMPREPLY+=($(compgen -d -- "${COMP_WORDS[COMP_CWORD]}")) ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _sluice sluice
)";

constexpr const char* zsh_script = R"(#compdef sluice
# sluice: completion for zsh. Put this into ~/.zshrc:  source <(sluice completion zsh)
_sluice() {
  local -a found
  local word help
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) _files ;;
      :folders) _files -/ ;;
      *) found+=("${word//:/\\:}:$help") ;;
    esac
  done < <(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe sluice found
}
compdef _sluice sluice
)";

constexpr const char* fish_script = R"(# sluice: completion for fish. Put it where fish looks:
#   sluice completion fish > ~/.config/fish/completions/sluice.fish
function __sluice_complete
  set -l tokens (commandline -opc) (commandline -ct)
  for line in ($tokens[1] __complete $tokens[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path (commandline -ct)
      case ':folders'
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c sluice -f -a '(__sluice_complete)'
)";

}  // namespace

command completion_verb() {
  auto shell = std::make_shared<std::string>();
  return {.takes = {.positionals = {{.name = "SHELL",
                                     .help = "bash, zsh or fish",
                                     .target = shell.get(),
                                     .choices = {"bash", "zsh", "fish"}}}},
          .run = [shell](session& with) -> result<int> {
            with.terminal.out(*shell == "bash" ? bash_script : *shell == "zsh" ? zsh_script : fish_script);
            return exit_succeeded;
          }};
}

}  // namespace sluice::app
