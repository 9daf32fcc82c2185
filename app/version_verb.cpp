#include "app/verbs.hpp"
#include "engine/version.hpp"

namespace sluice::app {

void print_version(session& with) {
  if (with.options.json)
    with.terminal.out(options{{"version", version()}}.dump() + "\n");
  else
    with.terminal.out(std::string("sluice ") + version() + "\n");
}

command version_verb() {
  return {.takes = {}, .run = [](session& with) -> result<int> {
            print_version(with);
            return exit_succeeded;
          }};
}

}  // namespace sluice::app
