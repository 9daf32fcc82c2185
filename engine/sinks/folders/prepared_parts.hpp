#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice::folders {

/// What the commit of an epoch removes.
enum class replaced { nothing, all_partitions, its_partitions };

/// The files of an epoch that are complete but not visible.
struct prepared_parts {
  std::vector<std::string> tokens;  ///< of the files, as their own sinks gave them
  replaced removes = replaced::nothing;
  std::string chain;  ///< of the runs whose files stay
};

/// Gives the token of an epoch. Many files do not fit into it: their tokens then go into a hidden file `list`, which is
/// made durable; the token has its name and its hash, and the token of the first file, which is published last and so
/// says whether all of it was done.
result<std::string> token_of(const prepared_parts& made, const std::string& list);

/// What a token says.
struct parts_token {
  prepared_parts parts;
  std::string list;        ///< empty: there is none
  bool list_gone = false;  ///< it was there, and is no longer: `parts` has the first file alone
};
/// Reads a token, and the list that it names. Errors: foreign_bytes, prepared_lost (a list that was changed).
result<parts_token> read_parts_token(const std::string& token);

}  // namespace sluice::folders
