#include "engine/error/remarks.hpp"

#include "engine/component/json_pointer.hpp"
#include "engine/error/names.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr std::string_view text_column = "text_column";
constexpr std::string_view other_dialect = "other_dialect";
constexpr std::string_view lines_in_quotes = "lines_in_quotes";

/// The column that a remark names: the last part of its path.
std::string column_of(const error& remark) {
  if (remark.code != text_column) return {};
  const auto parts = pointer_parts(remark.path);
  return parts.empty() ? std::string() : parts.back();
}

/// `cast it: orders.amount::bigint` -> amount
std::string column_to_cast(const std::string& hint) {
  constexpr std::string_view begin = "cast it: ";
  if (!hint.starts_with(begin)) return {};
  auto name = hint.substr(begin.size());
  const auto end = name.find("::");
  if (end == std::string::npos) return {};
  name.resize(end);
  if (!name.empty() && name.back() == '"') {
    const auto open = name.rfind('"', name.size() - 2);
    return open == std::string::npos ? std::string() : name.substr(open + 1, name.size() - open - 2);
  }
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

bool is_remark(const error& fault) {
  return fault.code == text_column || fault.code == other_dialect || fault.code == lines_in_quotes;
}

diagnostics take_remarks(diagnostics& faults, std::size_t from) {
  diagnostics taken;
  const auto begin = faults.begin() + static_cast<std::ptrdiff_t>(from);
  std::copy_if(begin, faults.end(), std::back_inserter(taken), is_remark);
  faults.erase(std::remove_if(begin, faults.end(), is_remark), faults.end());
  return taken;
}

diagnostics merged_remarks(const diagnostics& remarks) {
  diagnostics merged;
  std::vector<std::vector<std::string>> others;  // columns with the same remedy, of each
  for (const auto& remark : remarks) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& known) {
      return known.where == remark.where && known.code == remark.code && known.hint == remark.hint;
    });
    if (same == merged.end()) {
      merged.push_back(remark);
      others.emplace_back();
    } else if (same->message != remark.message) {
      others[static_cast<std::size_t>(same - merged.begin())].push_back(column_of(remark));
    }
  }
  for (std::size_t i = 0; i < merged.size(); ++i)
    if (!others[i].empty())
      merged[i].message += "; so " + std::string(others[i].size() == 1 ? "is " : "are ") + joined(others[i]);
  return merged;
}

void name_types(diagnostics& faults, std::size_t from, const diagnostics& remarks) {
  for (auto at = from; at < faults.size(); ++at) {
    if (faults[at].code == "unknown_column")
      for (const auto& remark : remarks)
        if (remark.code == other_dialect) faults[at].hint = remark.message + "; " + remark.hint;
    const auto column = column_to_cast(faults[at].hint);
    if (column.empty()) continue;
    for (const auto& remark : remarks) {
      if (column_of(remark) != column) continue;
      faults[at].hint = remark.message + "; beside the component, " + remark.hint;
      break;
    }
  }
}

}  // namespace sluice
