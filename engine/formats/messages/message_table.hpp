#pragma once

#include "engine/component/component.hpp"
#include "engine/formats/ndjson/record_shape.hpp"
#include "engine/values/time_zone.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::messages {

/// What the value of a message is: an object, a record of CSV without header, a text, or any bytes.
enum class format : std::uint8_t { json, csv, text, bytes };

/// The option `format` of sources and sinks of messages.
field_spec format_field();
/// Reads it; json where it is not given.
format read_format(const options& own);

/// Something that `metadata:` of a source can ask for beside the value: { _key: key }.
struct metadata_kind {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
};

/// What the messages of a source are read into.
struct message_table : ndjson::record_shape {
  struct metadata_column {
    std::size_t kind = 0;  ///< in the kinds of the source
    std::size_t at = 0;    ///< in the columns that are read into
  };
  format form = format::json;
  on_error policy = on_error::reject;
  zone_clock zone;
  std::vector<metadata_column> metadata;  ///< those that anything reads
};

/// True where the columns must be found out from messages: JSON without `types:`.
bool wants_sample(const source_request& request, format form);

/// Chooses the columns: those of `types:`, else of `sampled` (the schema of a sample, null where there was none), then
/// those of `metadata:`. CSV needs types, in the order of its fields; text has one column, `value` unless types name
/// it; bytes have the column `value`. Faults at their places; false where there are any.
bool choose_columns(const source_request& request, const std::vector<metadata_kind>& kinds,
                    const std::shared_ptr<arrow::Schema>& sampled, message_table& into, diagnostics& faults);

}  // namespace sluice::messages
