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

namespace {

bool is_protection(const std::string& transform) {
  return transform == "mask" || transform == "encrypt" || transform == "decrypt";
}

/// The keys of mask, encrypt and decrypt are secrets, and nothing else.
bool check_keys(const reading& in, const node& value, const std::string& what) {
  if (value.is_scalar() && value.text.find(secrets::reference_begin) == std::string::npos) {
    in.fault_from(value, user_error("secret_expected",
                                    "the key of " + what +
                                        " must be a secret: as text it would be "
                                        "stored and shown",
                                    "key: \"${secret:NAME}\""));
    return true;
  }
  bool found = false;
  for (const auto& [key, held] : value.entries) found = check_keys(in, held, what) || found;
  return found;
}

}  // namespace

bool refuse_secrets_in(const reading& in, const node& value, const std::string& what) {
  bool found = refuse_secret(in, value, what);
  for (const auto& item : value.items) found = refuse_secrets_in(in, item, what) || found;
  for (const auto& [key, held] : value.entries) {
    found = refuse_secrets_in(in, key, what) || found;
    const bool is_key = is_protection(what) && (key.text == "key" || key.text == "keys");
    // Within steps each operation has its name.
    const auto& of = what == "steps" && is_protection(key.text) ? key.text : what;
    found = (is_key ? check_keys(in, held, what) : refuse_secrets_in(in, held, of)) || found;
  }
  return found;
}

bool check_encryption_keys(const reading& in, const node& value) {
  bool found = false;
  for (const auto& [key, held] : value.entries)
    if (key.text == "key" || key.text == "keys") found = check_keys(in, held, "encryption") || found;
  return found;
}

}  // namespace sluice::config
