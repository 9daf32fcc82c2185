#include "engine/formats/parquet/encryption.hpp"

#include "engine/error/names.hpp"
#include "engine/operators/protection/value_cipher.hpp"

#include <arrow/type.h>
#include <arrow/util/secure_string.h>
#include <parquet/arrow/schema.h>
#include <parquet/encryption/encryption.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

namespace sluice::parquet_encryption {

namespace {

constexpr const char* path_of_options = "/parquet/encryption";

arrow::util::SecureString secure(const std::string& key) { return arrow::util::SecureString(std::string(key)); }

/// Gives the key that a file names.
class named_keys final : public ::parquet::DecryptionKeyRetriever {
 public:
  explicit named_keys(key_ring keys) : keys_(std::move(keys)) {}
  arrow::util::SecureString GetKey(const std::string& name) override {
    const auto found = keys_.find(name);
    if (found == keys_.end()) throw ::parquet::KeyAccessDeniedException("no key is named " + name);
    return secure(found->second);
  }

 private:
  key_ring keys_;
};

void report(diagnostics& faults, const std::string& option, error problem) {
  problem.path = path_of_options + (option.empty() ? "" : "/" + option);
  faults.push_back(std::move(problem));
}

void add_key(key_ring& keys, const std::string& id, const std::string& text, const std::string& option,
             diagnostics& faults) {
  if (!protection::is_key_id(id))
    return report(faults, option,
                  user_error("invalid_option",
                             "the name of a key has letters, digits, - and _, at most 32, found " + id, "key_id: k1"));
  auto key = protection::read_key(text);
  if (!key.ok()) return report(faults, option, std::move(key).problem());
  keys[id] = std::string(key->begin(), key->end());
}

/// The key that the footer, and columns without a key of their own, are encrypted with.
std::string footer_key(const options& encryption) {
  if (encryption.contains("key")) return encryption.value("key_id", std::string());
  if (encryption.contains("footer")) return encryption.value("footer", std::string());
  const auto found = encryption.find("keys");
  return found != encryption.end() && found->size() == 1 ? found->items().begin()->key : std::string();
}

std::vector<field_spec> key_fields() {
  return {{.name = "key", .form = shape::text, .help = "a secret of 32 bytes, with key_id"},
          {.name = "key_id", .form = shape::text, .help = "name of the key"},
          {.name = "keys",
           .form = shape::map,
           .help = "name of a key: its secret",
           .elements = {{.form = shape::text, .help = "a secret: \"${secret:k1}\""}}}};
}

}  // namespace

field_spec source_field() {
  return {.name = "encryption",
          .form = shape::object,
          .help = "keys of encrypted files, by the names that the files have for them",
          .elements = key_fields()};
}

field_spec sink_field() {
  auto fields = key_fields();
  fields.push_back(
      {.name = "footer", .form = shape::text, .help = "name of the key for the footer, where there are several keys"});
  fields.push_back({.name = "columns",
                    .form = shape::map,
                    .help = "column: name of its key. Other columns are not encrypted then; without it all are, with "
                            "the footer's key",
                    .elements = {{.form = shape::text, .help = "name of a key"}}});
  fields.push_back({.name = "plain_footer",
                    .form = shape::boolean,
                    .help = "the footer can be read without a key, as older programs need it to read other columns; it "
                            "is signed",
                    .default_value = false});
  return {.name = "encryption",
          .form = shape::object,
          .help = "encrypts the file (Parquet modular encryption, AES-256-GCM)",
          .elements = std::move(fields)};
}

key_ring read_keys(const options& encryption, diagnostics& faults) {
  key_ring keys;
  if (!encryption.is_object()) return keys;
  if (encryption.contains("key"))
    add_key(keys, encryption.value("key_id", std::string()), encryption.value("key", std::string()), "key", faults);
  if (const auto found = encryption.find("keys"); found != encryption.end() && found->is_object())
    for (const auto& [id, text] : found->items()) add_key(keys, id, text.get<std::string>(), "keys/" + id, faults);
  if (keys.empty() && faults.empty())
    report(faults, "", user_error("missing_key", "encryption needs a key", "keys: { k1: \"${secret:k1}\" }"));
  return keys;
}

bool names_no_key(const std::string& problem, const key_ring& keys) {
  return keys.size() == 1 && problem.find("ooter key") != std::string::npos;
}

std::shared_ptr<::parquet::FileDecryptionProperties> decryption(const key_ring& keys, bool unnamed) {
  if (keys.empty()) return nullptr;
  if (unnamed)
    return ::parquet::FileDecryptionProperties::Builder()
        .footer_key(secure(keys.begin()->second))
        ->plaintext_files_allowed()
        ->build();
  return ::parquet::FileDecryptionProperties::Builder()
      .key_retriever(std::make_shared<named_keys>(keys))
      ->plaintext_files_allowed()
      ->build();
}

result<std::shared_ptr<::parquet::FileEncryptionProperties>> encryption(const options& encryption,
                                                                        const arrow::Schema& schema) {
  diagnostics faults;
  const auto keys = read_keys(encryption, faults);
  if (!faults.empty()) return faults.front();
  const auto footer = footer_key(encryption);
  const auto found = keys.find(footer);
  if (found == keys.end()) return internal_error("missing_key", "the footer has no key");
  try {
    ::parquet::FileEncryptionProperties::Builder builder(secure(found->second));
    builder.footer_key_metadata(footer)->algorithm(::parquet::ParquetCipher::AES_GCM_V1);
    if (encryption.value("plain_footer", false)) builder.set_plaintext_footer();
    if (const auto given = encryption.find("columns"); given != encryption.end() && given->is_object()) {
      // A nested column is encrypted by its leaves.
      std::shared_ptr<::parquet::SchemaDescriptor> leaves;
      SLUICE_TRY_ARROW(::parquet::arrow::ToParquetSchema(&schema, *::parquet::default_writer_properties(), &leaves),
                       "describe the columns of a Parquet file");
      ::parquet::ColumnPathToEncryptionPropertiesMap columns;
      for (int i = 0; i < leaves->num_columns(); ++i) {
        const auto path = leaves->Column(i)->path();
        const auto named = given->find(path->ToDotVector().front());
        if (named == given->end()) continue;
        const auto id = named->get<std::string>();
        columns[path->ToDotString()] =
            ::parquet::ColumnEncryptionProperties::Builder().key(secure(keys.at(id)))->key_metadata(id)->build();
      }
      builder.encrypted_columns(std::move(columns));
    }
    return builder.build();
  } catch (const std::exception& problem) {
    return internal_error("encryption_failed", std::string("the file can't be encrypted: ") + problem.what());
  }
}

void check(const options& encryption, const arrow::Schema* schema, diagnostics& faults) {
  if (!encryption.is_object()) return;
  const auto before = faults.size();
  const auto keys = read_keys(encryption, faults);
  if (faults.size() > before) return;
  const auto footer = footer_key(encryption);
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& [id, key] : keys) all.push_back(id);
    return joined(all);
  };
  if (!keys.contains(footer))
    report(faults, footer.empty() ? "" : "footer",
           user_error("invalid_option",
                      footer.empty() ? "there are several keys, and none is said to be the footer's"
                                     : "there is no key " + footer + " for the footer",
                      "footer: one of " + names()));
  const auto columns = encryption.find("columns");
  if (columns == encryption.end() || !columns->is_object()) return;
  for (const auto& [column, key] : columns->items()) {
    if (!keys.contains(key.get<std::string>()))
      report(faults, "columns/" + column,
             user_error("invalid_option", "there is no key " + key.get<std::string>(), "the keys are " + names()));
    if (schema != nullptr && schema->GetFieldIndex(column) < 0)
      report(faults, "columns/" + column,
             user_error("unknown_column", "the sink has no column " + column,
                        "did you mean `" + nearest_name(column, schema->field_names()) + "`?"));
  }
}

std::optional<error> explain(const std::string& file, const std::string& problem, bool has_keys) {
  const auto says = [&](const char* words) { return problem.find(words) != std::string::npos; };
  if (says("no key is named "))
    return user_error("decryption_failed", file + ": " + problem.substr(problem.find("no key is named ")),
                      "add it: encryption: { keys: { NAME: \"${secret:NAME}\" } }");
  if (!has_keys && (says("ecrypt") || says("PARE")))
    return user_error("decryption_failed", file + " is encrypted, and the source has no keys",
                      "parquet: { path: ..., encryption: { keys: { k1: \"${secret:k1}\" } } }");
  if (has_keys && says("ecrypt"))
    return user_error("decryption_failed", file + " can't be decrypted: it was changed, or needs another key",
                      "check the secret of the key");
  return {};
}

}  // namespace sluice::parquet_encryption
