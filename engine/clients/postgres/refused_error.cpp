#include "engine/clients/postgres/connection.hpp"

namespace sluice::postgres {

bool refusal::is_of_row() const {
  // 22: data exceptions; 23: constraints; 42846 and the like would be ours. 22P04 (bad copy format) is ours as well.
  return (state.starts_with("22") && state != "22P04") || state.starts_with("23");
}

/// SQLSTATE as in PostgreSQL's documentation, appendix A.
error refused_error(const refusal& why, const std::string& doing, const std::string& where) {
  auto text = (doing.empty() ? "" : "cannot " + doing + ": ") + why.primary;
  if (!why.detail.empty()) text += " (" + why.detail + ")";
  text += " [" + why.state + ", " + where + "]";
  const auto& state = why.state;
  if (state.starts_with("08")) return external_error("connection_lost", text, "check the server and the network", true);
  if (state == "57P01" || state == "57P02" || state == "57P03")
    return external_error("connection_lost", text, "the server is stopping or starting", true);
  if (state == "57014") return external_error("database_error", text, "somebody cancelled the statement", true);
  if (state.starts_with("40")) return external_error("database_busy", text, "another transaction was in the way", true);
  if (state == "55P03") return external_error("database_busy", text, "another transaction holds a lock", true);
  if (state == "53100") return external_error("disk_full", text, "free space on the server's disk");
  if (state.starts_with("53"))
    return external_error("too_many_connections", text, "the server is short of resources", true);
  if (state == "42501")
    return user_error("permission_denied", text, "grant what is missing to the user of url, or use another user");
  if (state == "25006")
    return user_error("permission_denied", text, "the server is read-only: write to the primary server");
  if (state == "42P01" || state == "3F000")
    return user_error("unknown_table", text, "check the name, the schema and the search_path");
  if (state == "42703") return user_error("unknown_column", text, "check the name of the column");
  if (state.starts_with("23")) return user_error("constraint_violated", text, "look at the row that the message names");
  if (state.starts_with("22")) return user_error("value_refused", text, "look at the row that the message names");
  if (state.starts_with("42") || state.starts_with("0A")) return user_error("database_error", text);
  return external_error("database_error", text);
}

}  // namespace sluice::postgres
