#include "engine/error_codes.hpp"

namespace sluice {

const std::vector<error_code>& error_codes() {
  static const std::vector<error_code> all = {
      {"ambiguous_run", "The beginning of an id fits several runs.", "Give more of the id; `sluice runs` lists them."},
      {"bad_arguments", "The command line can't be used as it stands.", "See `sluice VERB --help`."},
  };
  return all;
}

}  // namespace sluice
