#include "config/secret_places.hpp"

#include "engine/secrets/known_secrets.hpp"

namespace sluice::config {

bool refuse_secret(const reading& in, const node& value, const std::string& what) {
  const auto at = value.text.find(secrets::reference_begin);
  if (!value.is_scalar() || at == std::string::npos) return false;
  auto refused = user_error(
      "secret_not_allowed",
      what + " can't hold " + value.text.substr(at, value.text.find('}', at) + 1 - at) + ": its value would be shown",
      "a secret is for an option of a source or sink that takes text, such as path");
  refused.offset = at;
  in.fault_from(value, std::move(refused));
  return true;
}

bool refuse_secrets_in(const reading& in, const node& value, const std::string& what) {
  bool found = refuse_secret(in, value, what);
  for (const auto& item : value.items) found = refuse_secrets_in(in, item, what) || found;
  for (const auto& [key, held] : value.entries) {
    found = refuse_secrets_in(in, key, what) || found;
    found = refuse_secrets_in(in, held, what) || found;
  }
  return found;
}

}  // namespace sluice::config
