#pragma once

#include <string>
#include <string_view>

namespace sluice::store {

// The Store's SQL and texts as PostgreSQL wants them.

/// `?` and `?7` become `$1` (counted) and `$7`, but not within quotes. In CREATE and ALTER, SQLite's names of types
/// become PostgreSQL's, and texts compare by their bytes.
std::string postgres_sql(std::string_view sql);

/// PostgreSQL's text is UTF-8 without NUL, the Store's texts are any bytes. A byte that can't be kept becomes a
/// character of its own at the end of Unicode (U+10FF00 and the byte), and so do the bytes of such characters.
std::string to_postgres_text(std::string_view bytes);
/// The bytes again.
std::string from_postgres_text(std::string text);

}  // namespace sluice::store
