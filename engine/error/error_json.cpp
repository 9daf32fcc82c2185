#include "engine/error/error_json.hpp"

namespace sluice {

options to_json(const error& problem) {
  options out = {{"code", problem.code}, {"message", problem.message}};
  if (!problem.hint.empty()) out["hint"] = problem.hint;
  if (!problem.where.empty()) out["where"] = problem.where;
  if (problem.at.line > 0) {
    out["file"] = problem.at.file;
    out["line"] = problem.at.line;
    out["column"] = problem.at.column;
  }
  return out;
}

}  // namespace sluice
