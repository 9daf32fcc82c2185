#include "engine/clients/postgres/server_type.hpp"

#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <charconv>

namespace sluice::postgres {

namespace {

/// A row of pg_type.
struct catalog_entry {
  std::uint32_t oid = 0;
  std::string kind;   ///< typtype: b base, d domain, e enum ...
  std::string sends;  ///< typsend
  std::string name;
  std::uint32_t element = 0;  ///< of a true array
  std::uint32_t base = 0;     ///< of a domain
  int base_modifier = -1;
};

template <class Number>
Number number_of(const text_value& text) {
  Number number = 0;
  if (text) (void)std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

form form_of(const catalog_entry& of) {
  if (of.element != 0) return form::array;
  static const std::map<std::string, form, std::less<>> by_function = {
      {"boolsend", form::boolean},
      {"int2send", form::int2},
      {"int4send", form::int4},
      {"int8send", form::int8},
      {"oidsend", form::oid},
      {"float4send", form::float4},
      {"float8send", form::float8},
      {"numeric_send", form::numeric},
      {"textsend", form::text},
      {"varcharsend", form::text},
      {"bpcharsend", form::text},
      {"citextsend", form::text},
      {"namesend", form::text},
      {"json_send", form::text},
      {"enum_send", form::text},
      {"jsonb_send", form::jsonb},
      {"uuid_send", form::uuid},
      {"byteasend", form::bytea},
      {"date_send", form::date},
      {"time_send", form::time},
      {"timestamp_send", form::timestamp},
      {"timestamptz_send", form::timestamptz},
      {"interval_send", form::interval},
  };
  const auto found = by_function.find(of.sends);
  return found == by_function.end() ? form::other : found->second;
}

/// The entries of pg_type for these oids and all that they are made of.
result<std::map<std::uint32_t, catalog_entry>> read_catalog(connection& server,
                                                            const std::vector<std::uint32_t>& oids) {
  std::string list = "{";
  for (const auto oid : oids) list += (list.size() > 1 ? "," : "") + std::to_string(oid);
  SLUICE_ASSIGN(
      const auto rows,
      server.rows("WITH RECURSIVE used(oid) AS (SELECT unnest($1::oid[]) UNION "
                  "SELECT part FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid, "
                  "LATERAL (VALUES (t.typbasetype), (CASE WHEN t.typcategory = 'A' THEN t.typelem END)) x(part) "
                  "WHERE part <> 0) "
                  "SELECT t.oid, t.typtype, p.proname, t.typname, "
                  "CASE WHEN t.typcategory = 'A' AND t.typtype = 'b' THEN t.typelem ELSE 0 END, t.typbasetype, "
                  "t.typtypmod FROM used JOIN pg_catalog.pg_type t USING (oid) "
                  "LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typsend",
                  {list + "}"}));
  std::map<std::uint32_t, catalog_entry> all;
  for (const auto& one : rows) {
    const auto oid = number_of<std::uint32_t>(one[0]);
    all[oid] = {.oid = oid,
                .kind = one[1].value_or(""),
                .sends = one[2].value_or(""),
                .name = one[3].value_or(""),
                .element = number_of<std::uint32_t>(one[4]),
                .base = number_of<std::uint32_t>(one[5]),
                .base_modifier = number_of<int>(one[6])};
  }
  return all;
}

server_type type_of(const std::map<std::uint32_t, catalog_entry>& all, type_reference of) {
  auto found = all.find(of.oid);
  while (found != all.end() && found->second.kind == "d") {
    of = {found->second.base, found->second.base_modifier};
    found = all.find(of.oid);
  }
  server_type made{.oid = of.oid, .modifier = of.modifier, .element = nullptr};
  if (found == all.end()) return made;
  const auto& entry = found->second;
  made.what = form_of(entry);
  made.padded = entry.sends == "bpcharsend";
  made.document = entry.sends == "json_send" || entry.sends == "jsonb_send";
  if (made.what == form::array) {
    // The modifier of an array is that of its elements.
    auto element = type_of(all, {entry.element, of.modifier});
    if (element.what == form::other || element.what == form::array) made.what = form::other;
    made.element = std::make_shared<const server_type>(std::move(element));
  }
  return made;
}

bool is_whole(form what) { return what == form::int2 || what == form::int4 || what == form::int8; }

bool fits(const arrow::DataType& from, const server_type& to) {
  switch (from.id()) {
    case arrow::Type::BOOL:
      return to.what == form::boolean;
    case arrow::Type::INT16:
      return is_whole(to.what) || to.what == form::numeric || to.what == form::float4 || to.what == form::float8;
    case arrow::Type::INT32:
      return is_whole(to.what) || to.what == form::numeric || to.what == form::float8;
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return is_whole(to.what) || to.what == form::numeric;
    case arrow::Type::FLOAT:
      return to.what == form::float4 || to.what == form::float8;
    case arrow::Type::DOUBLE:
      return to.what == form::float8;
    case arrow::Type::STRING:
      return to.what == form::text || to.what == form::jsonb || to.what == form::uuid;
    case arrow::Type::BINARY:
      return to.what == form::bytea;
    case arrow::Type::DATE32:
      return to.what == form::date;
    case arrow::Type::TIME64:
      return to.what == form::time;
    case arrow::Type::TIMESTAMP:
      return to.what ==
             (static_cast<const arrow::TimestampType&>(from).timezone().empty() ? form::timestamp : form::timestamptz);
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return to.what == form::interval && to.modifier == -1;
    case arrow::Type::LIST:
      if (to.what == form::array) return fits(*from.field(0)->type(), *to.element);
      return to.document;
    case arrow::Type::STRUCT:
      return to.document;
    default:
      return false;
  }
}

}  // namespace

result<std::vector<server_type>> look_up_types(connection& server, const std::vector<type_reference>& wanted) {
  std::vector<std::uint32_t> oids;
  std::string list;
  std::string modifiers;
  for (const auto& one : wanted) {
    oids.push_back(one.oid);
    list += (list.empty() ? "{" : ",") + std::to_string(one.oid);
    modifiers += (modifiers.empty() ? "{" : ",") + std::to_string(one.modifier);
  }
  std::vector<server_type> made;
  if (wanted.empty()) return made;
  SLUICE_ASSIGN(const auto all, read_catalog(server, oids));
  SLUICE_ASSIGN(const auto names, server.rows("SELECT pg_catalog.format_type(o, m) FROM unnest($1::oid[], $2::int[]) "
                                              "WITH ORDINALITY AS x(o, m, n) ORDER BY n",
                                              {list + "}", modifiers + "}"}));
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    made.push_back(type_of(all, wanted[at]));
    made.back().name = names.at(at).at(0).value_or("");
  }
  return made;
}

std::string declared_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::INT16:
      return "smallint";
    case arrow::Type::INT32:
      return "integer";
    case arrow::Type::INT64:
      return "bigint";
    case arrow::Type::UINT64:
      return "numeric(20,0)";
    case arrow::Type::FLOAT:
      return "real";
    case arrow::Type::DOUBLE:
      return "double precision";
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "numeric(" + std::to_string(decimal.precision()) + "," + std::to_string(decimal.scale()) + ")";
    }
    case arrow::Type::STRING:
      if (is_json_type(type)) return "jsonb";
      return mark_of(type) == text_mark::none ? "text" : type.name();
    case arrow::Type::BINARY:
      return "bytea";
    case arrow::Type::DATE32:
      return "date";
    case arrow::Type::TIME64:
      return "time";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? "timestamp" : "timestamptz";
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return "interval";
    case arrow::Type::LIST: {
      const auto& element = *type.field(0)->type();
      if (element.id() == arrow::Type::LIST || element.id() == arrow::Type::STRUCT) return "jsonb";
      const auto inner = declared_type(element);
      return inner.empty() ? inner : inner + "[]";
    }
    case arrow::Type::STRUCT:
      return "jsonb";
    default:
      return {};
  }
}

std::string misfit(const arrow::DataType& from, const server_type& to) {
  if (fits(from, to)) return {};
  return "is " + to.name + ", which can't hold every " + type_name(from);
}

}  // namespace sluice::postgres
