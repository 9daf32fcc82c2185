#include "engine/sinks/postgres/rule_queries.hpp"

namespace sluice::postgres {

namespace {

std::string all_equal(const std::vector<std::string>& theirs, const std::vector<std::string>& ours) {
  std::string text;
  for (std::size_t at = 0; at < ours.size(); ++at)
    text += (at == 0 ? "" : " AND ") + ("t." + quoted_name(theirs[at])) + " = s." + quoted_name(ours[at]);
  return text;
}

std::string none_null(const std::vector<std::string>& columns) {
  std::string text;
  for (const auto& column : columns) text += (text.empty() ? "s." : " AND s.") + quoted_name(column) + " IS NOT NULL";
  return text;
}

}  // namespace

std::string repeats_target(const unique_rule& rule, const target_table& into) {
  return "EXISTS (SELECT 1 FROM " + into.name.quoted() + " t WHERE " + all_equal(rule.columns, rule.columns) + ")";
}

std::string lacks_reference(const foreign_rule& rule) {
  return none_null(rule.columns) + " AND NOT EXISTS (SELECT 1 FROM " + rule.table + " t WHERE " +
         all_equal(rule.referenced, rule.columns) + ")";
}

std::string key_text(const std::vector<std::string>& columns) {
  std::string text;
  for (const auto& column : columns)
    text += (text.empty() ? "" : " || ', ' || ") + quoted_text(column + "=") + " || coalesce(s." + quoted_name(column) +
            "::text, 'null')";
  return text;
}

std::string repeated_key(const std::vector<std::string>& columns, const table_name& staged) {
  return "SELECT " + key_text(columns) + " FROM (SELECT " + quoted_names(columns) + " FROM " + staged.quoted() +
         " s WHERE " + none_null(columns) + " GROUP BY " + quoted_names(columns) + " HAVING count(*) > 1 LIMIT 1) s";
}

}  // namespace sluice::postgres
