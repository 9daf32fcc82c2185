#include "engine/formats/ndjson/ndjson_reader.hpp"

#include "engine/columns/contradiction.hpp"
#include "engine/component/opaque.hpp"
#include "engine/formats/ndjson/documents.hpp"
#include "engine/formats/ndjson/lines.hpp"
#include "engine/formats/ndjson/record_parser.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/value_parse.hpp"

#include <arrow/array.h>
#include <arrow/type.h>
#include <simdjson.h>

#include <algorithm>

namespace sluice {

using namespace ndjson;

namespace {

constexpr char position_in_lines = 'n';
constexpr std::int64_t block_bytes = 256 * 1024;  // stays in the second cache from the read to the last field
// JSON text is about twice as long as its columns.
constexpr std::int64_t batch_text_bytes = 2 * target_batch_bytes;

using blocks_ptr = std::unique_ptr<record_blocks>;

result<blocks_ptr> open_blocks(const ndjson_table& what, const input_file& file, const split& piece) {
  if (file.seekable() && !what.rows) {
    SLUICE_ASSIGN(auto opened, random_file::open(file));
    return blocks_ptr(std::make_unique<line_blocks>(std::move(opened), file.name, piece.begin, piece.end, block_bytes));
  }
  SLUICE_ASSIGN(auto opened, open_stream(file));
  if (!what.rows) return blocks_ptr(std::make_unique<line_blocks>(std::move(opened), file.name, block_bytes));
  return blocks_ptr(std::make_unique<document_blocks>(std::move(opened), file.name, *what.rows, block_bytes,
                                                      file.path == "-" ? what.once : nullptr));
}

bool is_number(const std::string& json) { return json[0] == '-' || (json[0] >= '0' && json[0] <= '9'); }

/// What a JSON value is, in a word or two.
std::string nature_of(const std::string& json) {
  if (is_number(json))
    return json.find_first_of(".eE") == std::string::npos ? "is an integer that is too large for it" : "is decimal";
  switch (json[0]) {
    case '{':
      return "is an object";
    case '[':
      return "is a list";
    case 't':
    case 'f':
      return "is boolean";
    default:
      return "is text";
  }
}

/// The type to write for a column whose guessed one has no room for a value.
std::string wider_type(const record_fault& fault, const arrow::Schema& records) {
  const auto field = records.GetFieldByName(fault.column);
  if (!field || !is_number(fault.value) || !arrow::is_integer(field->type()->id())) return "text";
  if (fault.value.find_first_of(".eE") == std::string::npos) {
    const auto digits = fault.value.size() - (fault.value.starts_with('-') ? 1 : 0);
    return digits <= 38 ? "decimal(38,0)" : digits <= 76 ? "decimal(76,0)" : "text";
  }
  double value = 0;
  return parse_value(fault.value, value) == parsed::good ? "double" : "text";
}

class ndjson_reader : public split_reader {
 public:
  ndjson_reader(std::shared_ptr<const ndjson_table> what, const split& piece, const input_file& file, blocks_ptr lines,
                std::vector<column> columns, std::shared_ptr<const row_filter> filter)
      : what_(std::move(what)),
        filter_(std::move(filter)),
        piece_(piece),
        file_(file),
        lines_(std::move(lines)),
        rows_(std::move(columns), what_->policy == on_error::set_null, what_->zone),
        keys_(what_->make_keys()),
        parser_(rows_, keys_) {}

  void interrupt() noexcept override { lines_->interrupt(); }

  /// Goes on where another reader of the split has stopped.
  status go_to(const std::string& position) {
    opaque_reader bytes(position, position_in_lines);
    next_ = bytes.number();
    records_ = bytes.number();
    SLUICE_TRY(bytes.done("the position in NDJSON"));
    return lines_->go_to(next_);
  }

  result<read_step> next() override {
    read_step step;
    const auto consumed = lines_->consumed();
    const auto nulls = rows_.set_null();
    try {
      while (step.records == 0 ||
             (rows_.count() < target_batch_rows && lines_->consumed() - consumed < batch_text_bytes)) {
        if (step.end) break;
        if (at_ == end_ && step.records > 0 && !lines_->ready()) break;  // what has come is handed out
        if (at_ == end_) SLUICE_TRY(read_block(step));
        SLUICE_TRY(read_records(step));
      }
      SLUICE_TRY(finish(step));
    } catch (const std::bad_alloc&) {
      return external_error("out_of_memory", "there is not enough memory for the records of " + piece_.object,
                            "raise run.memory or free memory");
    }
    step.set_null = rows_.set_null() - nulls;
    step.bytes = static_cast<std::uint64_t>(lines_->consumed() - consumed);
    note_place();
    step.position = opaque_writer(position_in_lines).number(next_).number(records_).take();
    return step;
  }

 private:
  void note_place() {
    if (at_ != nullptr) next_ = lines_->offset() + (at_ - lines_->begin());
  }

  status read_block(read_step& step) {
    note_place();
    SLUICE_ASSIGN(const bool more, lines_->next());
    step.end = !more;
    at_ = more ? lines_->begin() : nullptr;
    end_ = more ? lines_->end() : nullptr;
    if (more && file_.path == "-" && !what_->rows) {
      what_->once->forget_before(lines_->offset());
      what_->once->pass(lines_->offset(), reinterpret_cast<const std::uint8_t*>(at_), end_ - at_);
    }
    valid_utf8_ = !more || simdjson::validate_utf8(at_, static_cast<std::size_t>(end_ - at_));
    return {};
  }

  /// Reads the block's records, at most a batch of them.
  status read_records(read_step& step) {
    const auto* const block = lines_->begin();
    while (at_ != end_ && rows_.count() < target_batch_rows) {
      const char* begin = at_;
      if (*skip_blanks(begin) == '\n') {
        at_ = line_end(begin) + 1;
        continue;
      }
      ++step.records;
      ++records_;
      const char* newline = nullptr;
      record_fault fault;
      if (!valid_utf8_ && !simdjson::validate_utf8(begin, static_cast<std::size_t>(line_end(begin) - begin))) {
        fault = {.code = "invalid_utf8", .column = "", .message = "the record is not valid UTF-8"};
      } else {
        newline = parser_.read(begin);
        if (newline == nullptr) fault = parser_.fault();
      }
      if (newline != nullptr) {
        if (what_->want_positions)
          positions_.append(position{what_->number, piece_.id, lines_->offset() + (begin - block)});
        if (what_->whole_files) numbers_.push_back(records_);
      } else {
        newline = line_end(begin);
        SLUICE_TRY(refuse(std::move(fault), {begin, static_cast<std::size_t>(newline - begin)},
                          static_cast<std::uint64_t>(lines_->offset() + (begin - block)), step));
      }
      at_ = newline + 1;
    }
    return {};
  }

  status refuse(record_fault fault, std::string_view record, std::uint64_t offset, read_step& step) const {
    if (fault.wrong_guess || what_->policy == on_error::fail) {
      const auto line = what_->line_at(file_, piece_.begin + static_cast<std::int64_t>(offset));
      const auto place = (line > 0 ? " at line " + std::to_string(line) : std::string()) + " of " + piece_.object;
      return fault.wrong_guess ? contradiction_of(fault, line) : failure(fault, place);
    }
    if (file_.path == "-") what_->once->keep(static_cast<std::int64_t>(offset));
    if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
    step.rejected.push_back({.record = std::string(record),
                             .offset = offset,
                             .code = std::move(fault.code),
                             .column = std::move(fault.column),
                             .message = std::move(fault.message)});
    return {};
  }

  /// The column that a field such as a.b[].c is in: names may hold dots and brackets themselves.
  [[nodiscard]] std::string column_of(const std::string& field) const {
    std::string found;
    for (const auto& name : what_->records.schema->field_names()) {
      const bool begins = field.starts_with(name) && name.size() >= found.size();
      if (begins && (field.size() == name.size() || field[name.size()] == '.' || field[name.size()] == '['))
        found = name;
    }
    return found;
  }

  [[nodiscard]] error contradiction_of(const record_fault& fault, std::uint64_t line) const {
    auto problem = contradicts_type({.column = fault.column,
                                     .key = column_of(fault.column),
                                     .type = fault.type,
                                     .value = fault.value,
                                     .nature = nature_of(fault.value),
                                     .wider = wider_type(fault, *what_->records.schema),
                                     .sampled_rows = count_sampled(what_->files, what_->sample, what_->rows),
                                     .file = piece_.object,
                                     .line = line});
    problem.where = "unit " + what_->unit;
    return problem;
  }
  [[nodiscard]] error failure(const record_fault& fault, const std::string& place) const {
    auto problem = user_error(
        fault.code,
        "the record" + place + (fault.column.empty() ? "" : ", column " + fault.column) + ": " + fault.message,
        "correct the record, or reject such records with on_error: reject");
    problem.where = "unit " + what_->unit;
    return problem;
  }

  status finish(read_step& step) {
    const auto rows = rows_.count();
    // At the end nothing is better than no rows; before it, a batch without rows says that there is more to come.
    if (rows == 0 && step.end) return {};
    SLUICE_ASSIGN(const auto arrays, rows_.finish());
    SLUICE_ASSIGN(step.rows.data, what_->columns.assemble(arrays, rows, piece_.object, 0, &numbers_));
    numbers_.clear();
    if (what_->want_positions) step.rows.positions = positions_in(rows, positions_.take());
    if (filter_) {
      SLUICE_ASSIGN(step.rows, filter_->apply(std::move(step.rows), step.filtered));
    }
    return {};
  }

  std::shared_ptr<const ndjson_table> what_;
  std::shared_ptr<const row_filter> filter_;  ///< may be null
  split piece_;
  const input_file& file_;  ///< one of the table's
  blocks_ptr lines_;
  typed::rows rows_;
  key_table keys_;
  record_parser parser_;
  growing_bytes positions_;
  std::vector<std::int64_t> numbers_;  ///< of the batch's rows in their file, where they are wanted
  std::int64_t records_ = 0;
  std::int64_t next_ = 0;  ///< offset of the next record, as of lines_
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool valid_utf8_ = true;
};

}  // namespace

result<std::unique_ptr<split_reader>> read_ndjson(std::shared_ptr<const ndjson_table> what, const split& piece,
                                                  const input_file& file, std::shared_ptr<const row_filter> filter,
                                                  const std::string& position) {
  SLUICE_ASSIGN(auto lines, open_blocks(*what, file, piece));
  SLUICE_ASSIGN(auto columns, what->make_columns());
  auto reader = std::make_unique<ndjson_reader>(std::move(what), piece, file, std::move(lines), std::move(columns),
                                                std::move(filter));
  if (!position.empty()) SLUICE_TRY(reader->go_to(position));
  return std::unique_ptr<split_reader>(std::move(reader));
}

std::uint64_t ndjson_table::line_at(const input_file& file, std::int64_t offset) const {
  return file.path == "-" ? once->line_at(offset) : lines->line_at(file, offset);
}

}  // namespace sluice
