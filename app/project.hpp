#pragma once

#include "app/arguments.hpp"
#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// A pipeline of a project, as far as its text tells without params.
struct project_member {
  std::string file;
  std::vector<std::string> includes;  ///< the files with its fragments
  std::string name;
  int line = 1;  ///< of its name
  std::string owner;
  std::vector<std::string> tags;
  std::vector<std::string> params;
};

/// The pipelines that the paths name: files, and all pipelines in folders and below, sorted by path. A file in a folder
/// that a pipeline includes is none. Of these only
/// those that one of `select` fits, where there are any: NAME (with * for any text), tag:NAME, owner:NAME, path:TEXT.
/// Errors: file_not_found, and where nothing is left.
result<std::vector<project_member>> find_members(const std::vector<std::string>& paths,
                                                 const std::vector<std::string>& select);

option_spec select_option(std::vector<std::string>& into);

}  // namespace sluice::app
