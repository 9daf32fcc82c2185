#pragma once

#include <string>
#include <string_view>

namespace sluice::expression {

/// Appends a text as an SQL literal, as PostgreSQL's quote_literal: with a backslash it is " E'...'", with a blank
/// before.
void append_literal(std::string& out, std::string_view value);
/// Appends a name as PostgreSQL's quote_ident: in double quotes where it needs them.
void append_identifier(std::string& out, std::string_view value);

}  // namespace sluice::expression
