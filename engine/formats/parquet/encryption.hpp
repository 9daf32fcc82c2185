#pragma once

#include "engine/component/options.hpp"
#include "engine/component/spec.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>
#include <parquet/type_fwd.h>

#include <map>
#include <memory>
#include <string>

namespace parquet {
class FileDecryptionProperties;
class FileEncryptionProperties;
}  // namespace parquet

/// Parquet's modular encryption (AES-256-GCM), by keys that have names. The files hold the names, never the keys.
namespace sluice::parquet_encryption {

/// The options of a source and of a sink.
field_spec source_field();
field_spec sink_field();

using key_ring = std::map<std::string, std::string>;  ///< bytes of a key, by its name

/// The keys of `encryption: { key, key_id }` or `{ keys }`; faults stand at "/parquet/encryption/...".
key_ring read_keys(const options& encryption, diagnostics& faults);

/// What a source opens files with, encrypted or not; null without keys.
/// `unnamed`: for a file that names no key, which the only one is for.
std::shared_ptr<::parquet::FileDecryptionProperties> decryption(const key_ring& keys, bool unnamed = false);
/// True where that is what a file needs that could not be opened.
bool names_no_key(const std::string& problem, const key_ring& keys);

/// What a sink writes a file with. The options are complete: `check` has seen them.
result<std::shared_ptr<::parquet::FileEncryptionProperties>> encryption(const options& encryption,
                                                                        const arrow::Schema& schema);
/// Finds faults of a sink's options; the schema may be null.
void check(const options& encryption, const arrow::Schema* schema, diagnostics& faults);

/// The error of a file that could not be opened because of its encryption; nothing for other reasons.
std::optional<error> explain(const std::string& file, const std::string& problem, bool has_keys);

}  // namespace sluice::parquet_encryption
