#pragma once

#include "app/session.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// What the shell may offer for the last of `words` (those after "sluice", the last one as far as it is typed).
struct candidates {
  struct candidate {
    std::string word;
    std::string help;
  };
  std::vector<candidate> words;  ///< only those that begin as typed
  bool files = false;            ///< the shell's own file names as well
  bool folders = false;
};

candidates complete(const std::vector<std::string>& words, session& with);

}  // namespace sluice::app
