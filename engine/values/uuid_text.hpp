#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Reads a uuid in any form that PostgreSQL takes (upper case, braces, hyphens after any four digits) and writes it in
/// the canonical one; false where it is none.
bool read_uuid(std::string_view text, std::string& out);

}  // namespace sluice
