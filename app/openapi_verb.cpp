#include "app/verbs.hpp"
#include "cluster/http/openapi.hpp"

namespace sluice::app {

command openapi_verb() {
  return {.takes = {.details = "The document is JSON, with or without --json. A node serves it at /v1/openapi.json.\n"},
          .run = [](session& with) -> result<int> {
            with.terminal.out(cluster::openapi_document().dump(2) + "\n");
            return exit_succeeded;
          }};
}

}  // namespace sluice::app
