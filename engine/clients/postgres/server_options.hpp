#pragma once

#include "engine/component/connection_field.hpp"

#include <string>

namespace sluice::postgres {

/// `connection`, with `url` in it: what source and sink share.
inline field_spec server_field() {
  return connection_field(
      {{.name = "url",
        .form = shape::text,
        .help = "address of the database: postgresql://user:password@host:5432/database?sslmode=require. "
                "Take the password from a secret",
        .required = true}});
}

/// A server and its database in one spelling, so that two units that mean the same one are seen.
std::string canonical_server(const std::string& url);

}  // namespace sluice::postgres
