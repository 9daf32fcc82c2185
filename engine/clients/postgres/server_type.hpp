#pragma once

#include "engine/clients/postgres/connection.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::postgres {

/// What a value looks like in COPY's binary format: what the type's send function writes (src/backend/utils/adt).
enum class form {
  boolean,
  int2,
  int4,
  int8,
  oid,
  float4,
  float8,
  numeric,
  text,   ///< the bytes of a text, also json, enum, varchar and char(n)
  jsonb,  ///< the byte 1, then text
  uuid,
  bytea,
  date,
  time,
  timestamp,
  timestamptz,
  interval,
  array,
  other,  ///< not supported
};

/// A column's type in the server, domains followed down to what they are made of.
struct server_type {
  std::uint32_t oid = 0;
  form what = form::other;
  int modifier = -1;                           ///< atttypmod: lengths, precisions; -1: none
  std::string name = {};                       ///< as the server writes it: numeric(12,2), text[]
  std::shared_ptr<const server_type> element;  ///< of an array
  bool padded = false;                         ///< char(n)
  bool document = false;                       ///< json, jsonb

  /// numeric(p,s): false without a modifier.
  [[nodiscard]] bool has_precision() const { return what == form::numeric && modifier >= 4; }
  [[nodiscard]] int precision() const { return ((modifier - 4) >> 16) & 0xFFFF; }
  /// From -1000 to 1000, in 11 bits.
  [[nodiscard]] int scale() const { return (((modifier - 4) & 0x7FF) ^ 1024) - 1024; }
  /// varchar(n), char(n): characters; 0: no limit.
  [[nodiscard]] int longest() const { return what == form::text && modifier >= 4 ? modifier - 4 : 0; }
  /// time(p) and the like: places of seconds, at most 6.
  [[nodiscard]] int places() const { return modifier >= 0 && modifier < 6 ? modifier : 6; }
};

/// The types of these oids with these modifiers, in the same order.
struct type_reference {
  std::uint32_t oid = 0;
  int modifier = -1;
};
result<std::vector<server_type>> look_up_types(connection& server, const std::vector<type_reference>& wanted);

/// The type under which a column of the language is made: numeric(12,2), timestamptz, text[], jsonb for structs. Empty
/// where there is none.
std::string declared_type(const arrow::DataType& type);

/// Why a column of that type can't take values of the language's type without changing some; empty where it can, or
/// where it shows row by row.
std::string misfit(const arrow::DataType& from, const server_type& to);

}  // namespace sluice::postgres
