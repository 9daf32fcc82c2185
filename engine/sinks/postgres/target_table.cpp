#include "engine/sinks/postgres/target_table.hpp"

#include "engine/error/names.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace sluice::postgres {

namespace {

/// A column of a table that is there.
struct existing_column {
  std::string name;
  server_type type;
  bool required = false;  ///< NOT NULL, and nothing fills it in
  bool not_null = false;
  bool generated = false;  ///< GENERATED ALWAYS AS (...)
  bool identity = false;   ///< GENERATED ALWAYS AS IDENTITY
};

bool is_true(const text_value& value) { return value && (*value == "t" || *value == "true"); }

result<std::vector<existing_column>> read_columns(connection& server, const std::string& oid) {
  SLUICE_ASSIGN(const auto rows,
                server.rows("SELECT attname, atttypid, atttypmod, attnotnull, atthasdef, attidentity, attgenerated "
                            "FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attnum > 0 "
                            "AND NOT attisdropped ORDER BY attnum",
                            {oid}));
  std::vector<type_reference> wanted;
  for (const auto& each : rows) {
    type_reference one;
    (void)std::from_chars(each[1]->data(), each[1]->data() + each[1]->size(), one.oid);
    (void)std::from_chars(each[2]->data(), each[2]->data() + each[2]->size(), one.modifier);
    wanted.push_back(one);
  }
  SLUICE_ASSIGN(auto types, look_up_types(server, wanted));
  std::vector<existing_column> columns;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const auto& each = rows[at];
    const bool identity = each[5] && !each[5]->empty();
    columns.push_back({.name = *each[0],
                       .type = std::move(types[at]),
                       .required = is_true(each[3]) && !is_true(each[4]) && !identity,
                       .not_null = is_true(each[3]),
                       .generated = each[6] && !each[6]->empty(),
                       .identity = each[5] == "a"});
  }
  return columns;
}

/// The column of a name: exactly, else where the case does not matter and only one fits.
const existing_column* match(const std::vector<existing_column>& columns, const std::string& name) {
  const existing_column* found = nullptr;
  for (const auto& one : columns) {
    if (one.name == name) return &one;
    if (ascii::lower(one.name) != ascii::lower(name)) continue;
    if (found != nullptr) return nullptr;
    found = &one;
  }
  return found;
}

std::vector<std::string> split_names(const text_value& text) {
  // Names are joined by the byte 1, which no name has.
  std::vector<std::string> names;
  if (!text) return names;
  for (std::size_t at = 0; at <= text->size();) {
    const auto end = std::min(text->find('\1', at), text->size());
    names.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return names;
}

class reader {
 public:
  reader(connection& server, const load_request& request) : server_(server), request_(request) {}

  result<target_table> read() {
    SLUICE_TRY(find());
    SLUICE_TRY(check_schema_privilege());
    if (made_.exists) {
      SLUICE_TRY(match_columns());
      SLUICE_TRY(read_rules());
      SLUICE_TRY(check_privileges());
      if (request_.mode == "upsert") SLUICE_TRY(check_key());
    } else {
      SLUICE_TRY(describe_new());
    }
    return std::move(made_);
  }

 private:
  status find() {
    SLUICE_ASSIGN(const auto found,
                  server_.rows("SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c "
                               "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                               "WHERE c.oid = pg_catalog.to_regclass($1)",
                               {request_.name.quoted()}));
    made_.name = request_.name;
    if (!found.empty()) {
      made_.exists = true;
      oid_ = *found[0][0];
      made_.name = {.schema = *found[0][1], .table = *found[0][2]};
      const auto kind = *found[0][3];
      if (kind == "r" || kind == "p") return {};
      return user_error("is_a_view", made_.name.shown() + " is not a table" + (kind == "v" ? " but a view" : ""),
                        "load into the table that it selects from");
    }
    if (request_.create == create_rule::never)
      return user_error("unknown_table", "there is no table " + request_.name.shown() + " in " + server_.where(),
                        "create it, or write create: if_missing");
    if (made_.name.schema.empty()) {
      SLUICE_ASSIGN(const auto schema, server_.rows("SELECT current_schema()"));
      if (!schema.at(0).at(0))
        return user_error("unknown_table", "no schema of the search_path exists, so the table can't be created",
                          "write table: schema." + request_.name.table);
      made_.name.schema = *schema[0][0];
      return {};
    }
    SLUICE_ASSIGN(const auto schema,
                  server_.rows("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", {made_.name.schema}));
    if (!schema.empty()) return {};
    return user_error("unknown_table", "there is no schema " + made_.name.schema + " in " + server_.where(),
                      "create schema " + made_.name.schema);
  }

  /// Rows are gathered in tables beside the target.
  status check_schema_privilege() {
    SLUICE_ASSIGN(const auto may, server_.rows("SELECT pg_catalog.has_schema_privilege($1, 'CREATE'), current_user",
                                               {made_.name.schema}));
    if (is_true(may.at(0).at(0))) return {};
    return user_error("permission_denied",
                      "user " + *may[0][1] + " may not create tables in the schema " + made_.name.schema +
                          "; rows are gathered in a table there before they become visible",
                      "grant create on schema " + made_.name.schema + " to " + *may[0][1]);
  }

  status match_columns() {
    SLUICE_ASSIGN(const auto columns, read_columns(server_, oid_));
    std::set<std::string> used;
    std::vector<std::string> names;
    names.reserve(columns.size());
    for (const auto& one : columns) names.push_back(one.name);
    for (const auto& field : request_.schema->fields()) {
      const auto* found = match(columns, field->name());
      if (found == nullptr) {
        if (request_.create == create_rule::evolve) {
          SLUICE_TRY(add(*field));
          made_.added.push_back("ADD COLUMN IF NOT EXISTS " + quoted_name(field->name()) + " " +
                                made_.columns.back().type.name);
          continue;
        }
        const auto near = nearest_name(field->name(), names);
        return user_error("unknown_column",
                          "the table " + made_.name.shown() + " has no column " + field->name() +
                              (near.empty() ? "" : " (did you mean " + near + "?)"),
                          "leave it out with drop, rename it, add it to the table, or write create: evolve");
      }
      if (!used.insert(found->name).second)
        return user_error("ambiguous_column", "two columns mean the column " + found->name + " of the table",
                          "rename one of them");
      if (found->generated)
        return user_error("type_mismatch", "the column " + found->name + " is computed by the database",
                          "leave it out with drop");
      if (const auto why = misfit(*field->type(), found->type); !why.empty())
        return user_error("type_mismatch", "column " + found->name + " of " + made_.name.shown() + " " + why,
                          "cast it in a unit before, or change the column");
      made_.overrides_identity = made_.overrides_identity || found->identity;
      made_.columns.push_back({.name = found->name, .type = found->type, .required = found->not_null});
      name_in_table_.emplace_back(field->name(), found->name);
    }
    for (const auto& one : columns) {
      if (used.contains(one.name)) continue;
      made_.others.push_back(one.name);
      if (!one.required || one.generated) continue;
      return user_error(
          "missing_column",
          "the table " + made_.name.shown() + " needs a value for column " + one.name + ", which does not arrive",
          "derive it in a unit before, or give the column a default");
    }
    return take_key();
  }

  status describe_new() {
    for (const auto& field : request_.schema->fields()) SLUICE_TRY(add(*field));
    SLUICE_TRY(take_key());
    for (auto& column : made_.columns) column.required = column.key;
    return {};
  }

  /// A column that will be made for ours.
  status add(const arrow::Field& field) {
    const auto declared = declared_type(*field.type());
    if (declared.empty() || field.name().size() > longest_name)
      return user_error(declared.empty() ? "type_mismatch" : "invalid_name",
                        "column " + field.name() +
                            (declared.empty() ? " is " + type_name(*field.type()) + ", for which PostgreSQL has no type"
                                              : " has a name of more than 63 bytes, which PostgreSQL would cut"),
                        declared.empty() ? "cast it in a unit before" : "rename it");
    SLUICE_ASSIGN(const auto found,
                  server_.rows("SELECT pg_catalog.to_regtype($1)::oid", {without_modifier(declared)}));
    type_reference wanted;
    const auto& text = found.at(0).at(0);
    if (text) (void)std::from_chars(text->data(), text->data() + text->size(), wanted.oid);
    if (arrow::is_decimal(field.type()->id()) || declared.starts_with("numeric("))
      wanted.modifier = modifier_of(declared);
    SLUICE_ASSIGN(auto types, look_up_types(server_, {wanted}));
    types[0].name = declared;
    made_.columns.push_back({.name = field.name(), .type = std::move(types[0])});
    name_in_table_.emplace_back(field.name(), field.name());
    return {};
  }

  static std::string without_modifier(const std::string& declared) {
    const auto at = declared.find('(');
    if (at == std::string::npos) return declared;
    return declared.substr(0, at) + declared.substr(declared.find(')') + 1);
  }

  static int modifier_of(const std::string& declared) {
    int precision = 0;
    int scale = 0;
    const auto* end = declared.data() + declared.size();
    const auto [comma, problem] = std::from_chars(declared.data() + declared.find('(') + 1, end, precision);
    if (problem == std::errc() && comma < end) (void)std::from_chars(comma + 1, end, scale);
    return ((precision << 16) | (scale & 0x7FF)) + 4;
  }

  status take_key() {
    for (const auto& name : request_.key) {
      const auto found = std::find_if(name_in_table_.begin(), name_in_table_.end(),
                                      [&](const auto& pair) { return pair.first == name; });
      if (found == name_in_table_.end()) return internal_error("unknown_column", "no key column " + name);
      made_.key.push_back(found->second);
      for (auto& column : made_.columns) column.key = column.key || column.name == found->second;
    }
    return {};
  }

  [[nodiscard]] bool all_ours(const std::vector<std::string>& names) const {
    return std::all_of(names.begin(), names.end(), [&](const auto& name) {
      return std::any_of(made_.columns.begin(), made_.columns.end(),
                         [&](const auto& column) { return column.name == name; });
    });
  }

  status read_rules() {
    SLUICE_ASSIGN(
        const auto unique,
        server_.rows("SELECT i.indexrelid::regclass::text, string_agg(a.attname, e'\\x01' ORDER BY k.n) "
                     "FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n), "
                     "pg_catalog.pg_attribute a WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid "
                     "AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND k.n <= i.indnkeyatts "
                     "AND a.attrelid = i.indrelid AND a.attnum = k.attnum GROUP BY i.indexrelid",
                     {oid_}));
    const std::set<std::string> key(made_.key.begin(), made_.key.end());
    for (const auto& each : unique) {
      unique_rule made{.name = *each[0], .columns = split_names(each[1])};
      made.is_key = !key.empty() && std::set<std::string>(made.columns.begin(), made.columns.end()) == key;
      if (all_ours(made.columns)) made_.unique.push_back(std::move(made));
    }
    SLUICE_ASSIGN(
        const auto constraints,
        server_.rows("SELECT c.conname, c.contype, (SELECT string_agg(a.attname, e'\\x01' ORDER BY k.n) "
                     "FROM unnest(c.conkey) WITH ORDINALITY AS k(attnum, n) JOIN pg_catalog.pg_attribute a "
                     "ON a.attrelid = c.conrelid AND a.attnum = k.attnum), "
                     "CASE WHEN c.contype = 'c' THEN pg_catalog.pg_get_constraintdef(c.oid) "
                     "ELSE (SELECT quote_ident(n.nspname) || '.' || quote_ident(r.relname) FROM pg_catalog.pg_class r "
                     "JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = c.confrelid) END, "
                     "(SELECT string_agg(a.attname, e'\\x01' ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY AS "
                     "k(attnum, n) "
                     "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) "
                     "FROM pg_catalog.pg_constraint c WHERE c.conrelid = $1::oid AND c.contype IN ('c', 'f')",
                     {oid_}));
    for (const auto& each : constraints) {
      auto columns = split_names(each[2]);
      if (!all_ours(columns)) continue;
      if (each[1] == "f") {
        made_.foreign.push_back({*each[0], std::move(columns), *each[3], split_names(each[4])});
        continue;
      }
      auto check = *each[3];
      for (const std::string_view tail : {" NOT VALID", " NO INHERIT"})
        if (check.ends_with(tail)) check.resize(check.size() - tail.size());
      made_.checks.push_back("CONSTRAINT " + quoted_name(*each[0]) + " " + check);
    }
    return {};
  }

  status check_privileges() {
    const auto table = made_.name.quoted();
    SLUICE_ASSIGN(
        const auto may,
        server_.rows(
            "SELECT current_user, has_table_privilege($1, 'INSERT') OR has_any_column_privilege($1, 'INSERT'), "
            "has_table_privilege($1, 'UPDATE') OR has_any_column_privilege($1, 'UPDATE'), "
            "has_table_privilege($1, 'TRUNCATE'), has_table_privilege($1, 'DELETE'), "
            "EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE confrelid = $2::oid AND contype = 'f' "
            "AND conrelid <> confrelid), has_table_privilege($1, 'SELECT')",
            {table, oid_}));
    const auto& row = may.at(0);
    made_.can_truncate = is_true(row[3]) && !is_true(row[5]);
    made_.can_select = is_true(row[6]);
    std::string missing;
    if (!is_true(row[1])) missing = "insert";
    if (request_.mode == "upsert" && !is_true(row[2])) missing += missing.empty() ? "update" : ", update";
    if (request_.mode == "upsert" && !is_true(row[6])) missing += missing.empty() ? "select" : ", select";
    if (request_.mode == "replace" && !made_.can_truncate && !is_true(row[4]))
      missing += missing.empty() ? "truncate" : ", truncate";
    if (missing.empty()) return {};
    return user_error("permission_denied",
                      "user " + *row[0] + " lacks rights on the table " + made_.name.shown() + ": " + missing,
                      "grant " + missing + " on " + table + " to " + quoted_name(*row[0]));
  }

  status check_key() {
    for (const auto& rule : made_.unique)
      if (rule.is_key) return {};
    return user_error(
        "no_unique_key",
        "the table " + made_.name.shown() + " has no unique index on exactly the key (" + quoted_names(made_.key) + ")",
        "create unique index on " + made_.name.quoted() + " (" + quoted_names(made_.key) + ")");
  }

  connection& server_;
  const load_request& request_;
  target_table made_;
  std::string oid_;
  std::vector<std::pair<std::string, std::string>> name_in_table_;
};

}  // namespace

std::vector<std::string> target_table::column_names() const {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(column.name);
  return names;
}

load_request request_of_target(load_request request) {
  if (!request.history) return request;
  request.schema = request.history->target;
  request.key = request.history->target_key;
  request.mode = "upsert";
  return request;
}

result<target_table> find_table(connection& server, const load_request& request) {
  return reader(server, request).read();
}

std::string column_definitions(const target_table& table) {
  std::string text;
  for (const auto& column : table.columns)
    text += (text.empty() ? "" : ", ") + quoted_name(column.name) + " " + column.type.name +
            (column.required ? " NOT NULL" : "");
  return text;
}

error exists_error(const table_name& table, const std::string& where) {
  return user_error("target_exists",
                    "the table " + table.shown() + " of " + where + " already exists, and mode is error",
                    "drop it, use another table, or choose mode: replace, append or upsert");
}

}  // namespace sluice::postgres
