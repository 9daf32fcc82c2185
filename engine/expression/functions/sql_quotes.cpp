#include "engine/expression/functions/sql_quotes.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::expression {

void append_literal(std::string& out, std::string_view value) {
  // As PostgreSQL: with a backslash it is an E'...'.
  if (value.find('\\') != std::string_view::npos) out += " E";
  out += '\'';
  for (const char each : value) {
    if (each == '\'' || each == '\\') out += each;
    out += each;
  }
  out += '\'';
}

void append_identifier(std::string& out, std::string_view value) {
  bool plain = !value.empty() && (value[0] == '_' || (value[0] >= 'a' && value[0] <= 'z'));
  for (const char each : value)
    plain = plain && (each == '_' || (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9'));
  // Words of SQL are quoted too; these are the ones that people use as names.
  static constexpr std::string_view words[] = {"all",
                                               "analyse",
                                               "analyze",
                                               "and",
                                               "any",
                                               "array",
                                               "as",
                                               "asc",
                                               "asymmetric",
                                               "authorization",
                                               "between",
                                               "bigint",
                                               "binary",
                                               "bit",
                                               "boolean",
                                               "both",
                                               "case",
                                               "cast",
                                               "char",
                                               "character",
                                               "check",
                                               "coalesce",
                                               "collate",
                                               "collation",
                                               "column",
                                               "concurrently",
                                               "constraint",
                                               "create",
                                               "cross",
                                               "current_catalog",
                                               "current_date",
                                               "current_role",
                                               "current_schema",
                                               "current_time",
                                               "current_timestamp",
                                               "current_user",
                                               "dec",
                                               "decimal",
                                               "default",
                                               "deferrable",
                                               "desc",
                                               "distinct",
                                               "do",
                                               "else",
                                               "end",
                                               "except",
                                               "exists",
                                               "extract",
                                               "false",
                                               "fetch",
                                               "float",
                                               "for",
                                               "foreign",
                                               "freeze",
                                               "from",
                                               "full",
                                               "grant",
                                               "greatest",
                                               "group",
                                               "grouping",
                                               "having",
                                               "ilike",
                                               "in",
                                               "initially",
                                               "inner",
                                               "inout",
                                               "int",
                                               "integer",
                                               "intersect",
                                               "interval",
                                               "into",
                                               "is",
                                               "isnull",
                                               "join",
                                               "lateral",
                                               "leading",
                                               "least",
                                               "left",
                                               "like",
                                               "limit",
                                               "localtime",
                                               "localtimestamp",
                                               "national",
                                               "natural",
                                               "nchar",
                                               "none",
                                               "normalize",
                                               "not",
                                               "notnull",
                                               "null",
                                               "nullif",
                                               "numeric",
                                               "offset",
                                               "on",
                                               "only",
                                               "or",
                                               "order",
                                               "out",
                                               "outer",
                                               "overlaps",
                                               "overlay",
                                               "placing",
                                               "position",
                                               "precision",
                                               "primary",
                                               "real",
                                               "references",
                                               "returning",
                                               "right",
                                               "row",
                                               "select",
                                               "session_user",
                                               "setof",
                                               "similar",
                                               "smallint",
                                               "some",
                                               "substring",
                                               "symmetric",
                                               "table",
                                               "tablesample",
                                               "then",
                                               "time",
                                               "timestamp",
                                               "to",
                                               "trailing",
                                               "treat",
                                               "trim",
                                               "true",
                                               "union",
                                               "unique",
                                               "user",
                                               "using",
                                               "values",
                                               "varchar",
                                               "variadic",
                                               "verbose",
                                               "when",
                                               "where",
                                               "window",
                                               "with",
                                               "xmlattributes",
                                               "xmlconcat",
                                               "xmlelement",
                                               "xmlexists",
                                               "xmlforest",
                                               "xmlnamespaces",
                                               "xmlparse",
                                               "xmlpi",
                                               "xmlroot",
                                               "xmlserialize",
                                               "xmltable"};
  plain = plain && !std::binary_search(std::begin(words), std::end(words), value);
  if (plain) {
    out += value;
    return;
  }
  out += '"';
  for (const char each : value) {
    if (each == '"') out += each;
    out += each;
  }
  out += '"';
}

}  // namespace sluice::expression
