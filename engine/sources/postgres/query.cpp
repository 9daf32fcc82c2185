#include "engine/sources/postgres/query.hpp"

#include "engine/clients/postgres/names.hpp"
#include "engine/error/names.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <charconv>

namespace sluice::postgres {

namespace {

constexpr int sampled_rows = 10'000;

error at_option(error problem, std::string path) {
  problem.path = std::move(path);
  return problem;
}

int number_in(const text_value& text) {
  int number = 0;
  if (text) (void)std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

/// A decimal for a numeric that has no precision: with the places that a sample has, and all the digits that there are.
result<std::shared_ptr<arrow::DataType>> guess_decimal(connection& server, const std::string& from,
                                                       const std::string& column) {
  SLUICE_ASSIGN(
      const auto found,
      server.rows("SELECT coalesce(max(scale(x)), 0), coalesce(max(length(trunc(abs(x))::text)), 1) FROM (SELECT " +
                  quoted_name(column) + " AS x FROM " + from + " LIMIT " + std::to_string(sampled_rows) +
                  ") s WHERE x NOT IN ('NaN') AND abs(x) < 1e75"));
  const int scale = number_in(found.at(0).at(0));
  const int digits = number_in(found[0][1]);
  if (scale + digits <= arrow::Decimal128Type::kMaxPrecision) {
    // Half of what is left on each side: later values may have more of both.
    const int more = (arrow::Decimal128Type::kMaxPrecision - scale - digits) / 2;
    return arrow::decimal128(arrow::Decimal128Type::kMaxPrecision, std::min(scale + std::min(more, 6), 37));
  }
  if (scale + digits <= arrow::Decimal256Type::kMaxPrecision)
    return arrow::decimal256(arrow::Decimal256Type::kMaxPrecision, scale);
  return std::shared_ptr<arrow::DataType>();
}

class describer {
 public:
  describer(connection& server, const std::string& from, const source_request& request, diagnostics& faults)
      : server_(server), from_(from), request_(request), faults_(faults) {}

  std::shared_ptr<arrow::Schema> read() {
    const auto before = faults_.size();
    auto columns = server_.describe("SELECT " + wanted() + " FROM " + from_);
    if (!columns.ok()) return fail(std::move(columns).problem());
    std::vector<type_reference> references;
    for (const auto& column : *columns) references.push_back({column.type, column.modifier});
    auto types = look_up_types(server_, references);
    if (!types.ok()) return fail(std::move(types).problem());
    arrow::FieldVector fields;
    for (std::size_t at = 0; at < columns->size(); ++at) {
      auto type = choose((*columns)[at].name, (*types)[at]);
      if (type) fields.push_back(arrow::field((*columns)[at].name, std::move(type)));
    }
    auto made = arrow::schema(fields);
    check_given(*made);
    return faults_.size() > before ? nullptr : made;
  }

 private:
  std::shared_ptr<arrow::Schema> fail(error problem) {
    faults_.push_back(std::move(problem));
    return nullptr;
  }

  /// With `columns:` only those are asked for, so that others may have any type.
  [[nodiscard]] std::string wanted() const {
    return request_.columns.empty() ? std::string("*") : quoted_names(request_.columns);
  }

  std::shared_ptr<arrow::DataType> choose(const std::string& name, const server_type& type) {
    if (const auto given = given_type(name)) {
      const auto natural = type_for(type);
      const bool decimal = type.what == form::numeric && arrow::is_decimal(given->id());
      if (decimal || (natural && natural->Equals(*given))) return given;
      faults_.push_back(
          at_option(user_error("type_mismatch",
                               "column " + name + " is " + type.name + ", which can't be read as " + type_name(*given),
                               "cast it in a query: query: \"select ... " + name + "::TYPE ...\""),
                    "/types/" + name));
      return nullptr;
    }
    if (auto natural = type_for(type)) return natural;
    if (type.what == form::numeric && !type.has_precision()) {
      auto guessed = guess_decimal(server_, from_, name);
      if (!guessed.ok()) {
        faults_.push_back(std::move(guessed).problem());
        return nullptr;
      }
      if (*guessed) return *guessed;
      faults_.push_back(user_error("unsupported_type",
                                   "column " + name + " is numeric with more digits than decimal(76, ...) has",
                                   "cast it in a query: " + name + "::text or " + name + "::double precision"));
      return nullptr;
    }
    faults_.push_back(user_error("unsupported_type", "column " + name + " is " + type.name + ", which can't be read",
                                 "cast it in a query (" + name + "::text), or leave it out with columns:"));
    return nullptr;
  }

  std::shared_ptr<arrow::DataType> given_type(const std::string& name) const {
    if (!request_.types.is_object()) return nullptr;
    const auto found = request_.types.find(name);
    if (found == request_.types.end()) return nullptr;
    const auto text = found->is_object() ? found->value("type", "") : found->text();
    auto parsed = parse_type(text);
    return parsed.ok() ? *parsed : nullptr;
  }

  void check_given(const arrow::Schema& schema) {
    if (!request_.types.is_object()) return;
    for (const auto& [name, type] : request_.types.items()) {
      if (schema.GetFieldIndex(name) >= 0 || !faults_.empty()) continue;
      const auto near = nearest_name(name, schema.field_names());
      faults_.push_back(at_option(user_error("unknown_column", "the source has no column " + name,
                                             near.empty() ? "" : "did you mean " + near + "?"),
                                  "/types/" + name));
    }
  }

  connection& server_;
  const std::string& from_;
  const source_request& request_;
  diagnostics& faults_;
};

}  // namespace

std::string query_table::select(const std::string& where) const {
  std::vector<std::string> names;
  for (const int index : columns.wanted()) names.push_back(records->field(index)->name());
  return "SELECT " + quoted_names(names) + " FROM " + from + (where.empty() ? "" : " WHERE " + where);
}

std::shared_ptr<arrow::Schema> describe_query(connection& server, const std::string& from,
                                              const source_request& request, diagnostics& faults) {
  return describer(server, from, request, faults).read();
}

result<std::vector<source_column>> columns_to_decode(connection& server, const query_table& what) {
  SLUICE_ASSIGN(const auto columns, server.describe(what.select({})));
  std::vector<type_reference> references;
  for (const auto& column : columns) references.push_back({column.type, column.modifier});
  SLUICE_ASSIGN(auto types, look_up_types(server, references));
  std::vector<source_column> made;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    const int index = what.columns.wanted().at(at);
    const auto& planned = what.records->field(index)->type();
    const auto natural = type_for(types[at]);
    const bool same =
        (natural && natural->Equals(*planned)) || (types[at].what == form::numeric && arrow::is_decimal(planned->id()));
    if (!same)
      return user_error("schema_changed",
                        "column " + columns[at].name + " of " + what.shown + " has become " + types[at].name +
                            " since the run was planned",
                        "run the pipeline again");
    made.push_back({.name = columns[at].name,
                    .type = std::move(types[at]),
                    .as = planned,
                    .contradicts = !natural && !(what.types.is_object() && what.types.contains(columns[at].name))});
  }
  return made;
}

}  // namespace sluice::postgres
