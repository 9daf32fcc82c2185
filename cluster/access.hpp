#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cluster {

/// What a token allows; each role includes those before it. viewer: looks at runs, events and nodes. operator: submits,
/// cancels and resets. admin: everything.
enum class access_role : std::uint8_t { viewer, operates, admin };
const char* to_string(access_role role);
std::optional<access_role> role_from(std::string_view text);
/// "viewer", "operator", "admin".
const std::vector<std::string>& role_names();

/// Who asks.
struct identity {
  std::string name;
  access_role role = access_role::viewer;
};

/// A token as it is kept: its SHA-256, never itself. Tokens are 256 random bits, so nothing slower is needed.
struct token_record {
  std::string name;
  access_role role = access_role::viewer;
  std::string hash;          ///< hexadecimal
  std::int64_t created = 0;  ///< seconds since 1970 UTC
  std::int64_t expires = 0;  ///< 0: never
};

/// The named tokens of a state folder, in its file `tokens.json` (0600). Several processes may change them at once; a
/// node sees a change with the next request. Thread-safe.
class token_file {
 public:
  explicit token_file(const std::string& state_folder) : path_(state_folder + "/tokens.json") {}

  /// Makes a token; it is told once. Errors: token_exists, invalid_name.
  result<std::string> create(const std::string& name, access_role role, std::int64_t days) const;
  /// Errors: token_unknown, with the nearest name.
  status revoke(const std::string& name) const;
  [[nodiscard]] result<std::vector<token_record>> list() const;

  /// Whose token it is; none: nobody's, or it has expired. Reads the file again where it has changed.
  [[nodiscard]] std::optional<identity> owner_of(std::string_view token);

 private:
  status change(const std::function<status(std::vector<token_record>&)>& how) const;

  const std::string path_;
  std::mutex lock_;
  std::string seen_;                             ///< size and time of the file when it was last read
  std::map<std::string, token_record> by_hash_;  ///< of that time
};

}  // namespace sluice::cluster
