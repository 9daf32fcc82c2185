#include "engine/formats/messages/message_decoder.hpp"

#include <arrow/record_batch.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>

namespace sluice::messages {

result<std::unique_ptr<message_decoder>> message_decoder::make(std::shared_ptr<const message_table> what) {
  SLUICE_ASSIGN(auto columns, what->make_columns());
  return std::unique_ptr<message_decoder>(new message_decoder(std::move(what), std::move(columns)));
}

message_decoder::message_decoder(std::shared_ptr<const message_table> what, std::vector<typed::column> columns)
    : what_(std::move(what)),
      rows_(std::move(columns), what_->policy == on_error::set_null, what_->zone,
            what_->form == format::csv ? typed::null_rules() : typed::null_rules(std::vector<std::string>())),
      keys_(what_->make_keys()),
      parser_(rows_, keys_) {
  const auto& read = what_->columns.wanted();
  for (int field = 0; field < what_->fields; ++field) {
    const auto found = std::lower_bound(read.begin(), read.end(), field);
    column_of_field_.push_back(found != read.end() && *found == field ? static_cast<int>(found - read.begin()) : -1);
  }
}

void message_decoder::start_block() {
  size_ = 0;
  begins_.clear();
}

void message_decoder::make_room(std::size_t bytes) {
  if (size_ + bytes <= capacity_) return;
  const auto capacity = std::max(capacity_ * 2, size_ + bytes);
  std::unique_ptr<char[]> grown(new char[capacity]);
  if (size_ > 0) std::memcpy(grown.get(), block_.get(), size_);
  block_ = std::move(grown);
  capacity_ = capacity;
}

void message_decoder::join(std::string_view value) {
  make_room(value.size() + 1 + static_cast<std::size_t>(ndjson::padding));
  begins_.push_back(size_);
  auto* to = block_.get() + size_;
  if (!value.empty()) std::memcpy(to, value.data(), value.size());
  // The parser takes a newline for the end of a record. To JSON a carriage return is the same as a newline: white space
  // between tokens, and not allowed within a text.
  if (what_->form == format::json && !value.empty())
    for (auto* const end = to + value.size();
         (to = static_cast<char*>(std::memchr(to, '\n', static_cast<std::size_t>(end - to)))) != nullptr;)
      *to = '\r';
  size_ += value.size();
  block_[size_++] = '\n';
}

void message_decoder::end_block() {
  begins_.push_back(size_);
  if (size_ == 0) make_room(static_cast<std::size_t>(ndjson::padding));
  std::memset(block_.get() + size_, ' ', static_cast<std::size_t>(ndjson::padding));
  valid_utf8_ = what_->form != format::json || simdjson::validate_utf8(block_.get(), size_);
}

std::string_view message_decoder::value(std::size_t number) const {
  return {block_.get() + begins_[number], begins_[number + 1] - begins_[number] - 1};
}

const typed::record_fault* message_decoder::fail(std::string code, std::string message) {
  rows_.take_back();
  fault_ = {.code = std::move(code), .column = "", .message = std::move(message)};
  return &fault_;
}

const typed::record_fault* message_decoder::read(std::size_t number) {
  const auto text = value(number);
  switch (what_->form) {
    case format::json:
      return read_json(number);
    case format::csv:
      return read_csv(text);
    case format::text:
    case format::bytes:
      if (const int at = column_of_field_[0]; at >= 0) {
        if (what_->form == format::bytes) {
          typed::append_bytes(text, rows_.columns()[static_cast<std::size_t>(at)]);
        } else if (!rows_.add_text(static_cast<std::size_t>(at), text)) {
          rows_.take_back();
          return &rows_.fault();
        }
      }
      rows_.keep();
      return nullptr;
  }
  return nullptr;
}

const typed::record_fault* message_decoder::read_json(std::size_t number) {
  const auto text = value(number);
  if (text.empty()) return fail("invalid_json", "expected an object, found an empty message");
  if (!valid_utf8_ && !simdjson::validate_utf8(text.data(), text.size()))
    return fail("invalid_utf8", "the message is not valid UTF-8");
  return parser_.read(text.data()) != nullptr ? nullptr : &parser_.fault();
}

/// Reads a record of RFC 4180.
const typed::record_fault* message_decoder::read_csv(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  std::size_t fields = 0;
  for (std::size_t from = 0;; ++fields) {
    std::string_view text;
    bool quoted = false;
    if (from < record.size() && record[from] == '"') {
      quoted = true;
      field_.clear();
      for (++from;; ++from) {
        const auto quote = record.find('"', from);
        if (quote == std::string_view::npos) return fail("unclosed_quote", "a quoted field has no closing quote");
        field_ += record.substr(from, quote - from);
        from = quote + 1;
        if (from >= record.size() || record[from] != '"') break;
        field_ += '"';
      }
      text = field_;
      if (from < record.size() && record[from] != ',')
        return fail("text_after_quote", "there is text between a closing quote and the next comma");
    } else {
      const auto comma = std::min(record.find(',', from), record.size());
      text = record.substr(from, comma - from);
      from = comma;
    }
    if (fields < column_of_field_.size() && column_of_field_[fields] >= 0) {
      const auto at = static_cast<std::size_t>(column_of_field_[fields]);
      auto& into = rows_.columns()[at];
      if (quoted && text.empty() && into.kind == typed::value_kind::text) {
        typed::append_bytes(text, into);  // "" is an empty text, nothing at all is null
      } else if (!rows_.add_text(at, text)) {
        rows_.take_back();
        return &rows_.fault();
      }
    }
    if (from >= record.size()) break;
    ++from;  // the comma; behind the last one there is one more field
  }
  const auto found = fields + 1;
  if (found != column_of_field_.size())
    return fail(found < column_of_field_.size() ? "too_few_fields" : "too_many_fields",
                "expected " + std::to_string(column_of_field_.size()) + " fields, found " + std::to_string(found));
  rows_.keep();
  return nullptr;
}

result<std::shared_ptr<arrow::RecordBatch>> message_decoder::finish() {
  const auto count = rows_.count();
  SLUICE_ASSIGN(const auto arrays, rows_.finish());
  return what_->columns.assemble(arrays, count, "", 0);
}

}  // namespace sluice::messages
