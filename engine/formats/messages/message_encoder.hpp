#pragma once

#include "engine/columns/growing_bytes.hpp"
#include "engine/component/sink.hpp"
#include "engine/formats/csv/writer.hpp"
#include "engine/formats/messages/message_table.hpp"
#include "engine/formats/ndjson/writer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::messages {

/// What a message is made from: columns of the rows that arrive, by their index; -1: none.
struct message_columns {
  struct header {
    std::string name;
    int column = -1;
  };
  format form = format::json;
  int value = -1;  ///< of text and bytes; JSON and CSV have all columns
  int key = -1;
  std::vector<header> headers;
  std::vector<int> others;  ///< those of further options; -1 where one is not given
};

/// Reads `format`, `key` and `headers` of a sink of messages, and further options that name columns. Text and bytes
/// need one column beside all those. Faults at their places, below `component`.
message_columns read_message_columns(const sink_request& request, const std::string& component, diagnostics& faults,
                                     const std::vector<std::string>& others = {});

/// A message without its metadata. Views are valid until the next one is made.
struct made_message {
  std::int64_t row = 0;                   ///< in the batch
  std::optional<std::string_view> value;  ///< none: a tombstone
};

/// Makes the messages of batches, one a row.
class message_encoder {
 public:
  message_encoder(const arrow::Schema& schema, message_columns what, on_error policy);
  ~message_encoder();

  void start(const arrow::RecordBatch& rows);
  /// The message of the next row that can be written; none: there is no further row. Rows that can't be written are
  /// passed over and told in `refused`.
  std::optional<made_message> next(row_errors& refused);
  /// Key or header of a row as bytes; none: null.
  [[nodiscard]] std::optional<std::string_view> bytes_of(int column, std::int64_t row, std::string& room) const;
  [[nodiscard]] const message_columns& columns() const { return what_; }
  [[nodiscard]] std::uint64_t set_null() const { return json_.set_null(); }

 private:
  message_columns what_;
  ndjson::record_writer json_;
  csv::writer csv_;
  const arrow::RecordBatch* rows_ = nullptr;
  std::int64_t row_ = 0;
  growing_bytes line_;
  std::string room_;
};

}  // namespace sluice::messages
