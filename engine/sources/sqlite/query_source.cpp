#include "engine/columns/typed/append.hpp"
#include "engine/columns/typed/rows.hpp"
#include "engine/component/opaque.hpp"
#include "engine/sources/sqlite/query.hpp"
#include "engine/values/hexadecimal.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cmath>
#include <mutex>

namespace sluice::sqlite {

namespace {

constexpr char position_of_rows = 's';

/// Size and time of the database and of its log: they change with each transaction that writes.
std::string stamp_of(const std::string& path) {
  std::string text;
  for (const auto* part : {"", "-wal"}) {
    struct stat info {};
    // A log without content is made by whoever only reads.
    if (::stat((path + part).c_str(), &info) != 0 || info.st_size == 0) continue;
    text += std::to_string(info.st_size) + "," + std::to_string(info.st_mtim.tv_sec) + "." +
            std::to_string(info.st_mtim.tv_nsec) + ";";
  }
  return text;
}

class query_reader : public split_reader {
 public:
  query_reader(std::shared_ptr<const query_table> what, std::vector<typed::column> columns, std::int64_t behind,
               std::string stamp)
      : what_(std::move(what)),
        rows_(std::move(columns), what_->policy == on_error::set_null, what_->zone),
        read_(behind),
        stamp_(std::move(stamp)) {}

  void interrupt() noexcept override {
    stopped_.raise();
    const std::lock_guard guard(lock_);
    if (handle_ != nullptr) sqlite3_interrupt(handle_);
  }

  result<read_step> next() override {
    if (!query_) SLUICE_TRY(begin());
    read_step step;
    const auto nulls = rows_.set_null();
    std::vector<std::int64_t> numbers;
    std::size_t bytes = 0;
    while (rows_.count() < target_batch_rows && bytes < static_cast<std::size_t>(target_batch_bytes)) {
      const int code = sqlite3_step(query_.get());
      if (stopped_.raised()) return interrupted_error("reading " + what_->shown);
      if (code == SQLITE_DONE) {
        step.end = true;
        break;
      }
      if (code != SQLITE_ROW) return database_->failed(code, "read " + what_->shown);
      ++read_;
      if (auto fault = read_row(bytes)) {
        SLUICE_TRY(refuse(*std::move(fault), step));
      } else {
        numbers.push_back(read_ - 1);
      }
    }
    step.bytes = bytes;
    step.records = numbers.size() + step.rejected.size();
    step.set_null = rows_.set_null() - nulls;
    step.position = opaque_writer(position_of_rows).number(read_).text(stamp_).take();
    if (numbers.empty()) return step;
    SLUICE_ASSIGN(const auto arrays, rows_.finish());
    const auto count = static_cast<std::int64_t>(numbers.size());
    SLUICE_ASSIGN(step.rows.data, what_->columns.assemble(arrays, count, what_->shown, 0));
    if (what_->want_positions) {
      SLUICE_ASSIGN(step.rows.positions, make_positions(count, [&](std::int64_t row) {
                      return position{what_->number, 0, numbers[static_cast<std::size_t>(row)]};
                    }));
    }
    return step;
  }

 private:
  status begin() {
    SLUICE_ASSIGN(auto opened, connection::open(what_->path, connection::access::read, stopped_));
    database_ = std::make_unique<connection>(std::move(opened));
    {
      const std::lock_guard guard(lock_);
      handle_ = database_->handle();
    }
    SLUICE_ASSIGN(query_, database_->prepare(what_->select));
    for (const int at : what_->columns.wanted()) {
      const auto& name = what_->records[static_cast<std::size_t>(at)].name;
      const auto column = column_of(query_, name);
      if (!column)
        return external_error("schema_changed",
                              what_->shown + " has no column " + name + ", which it had when the run was planned",
                              "run the pipeline again");
      statement_columns_.push_back(*column);
    }
    return skip();
  }

  /// The rows before the position: the same as then, if nobody has changed the database.
  status skip() {
    std::string now;
    // The stamp must be that of what the transaction sees: nobody may have written while it began.
    for (bool settled = false; !settled;) {
      if (stopped_.raised()) return interrupted_error("reading " + what_->shown);
      now = stamp_of(what_->path);
      SLUICE_TRY(database_->run("BEGIN"));
      SLUICE_TRY(database_->rows("SELECT count(*) FROM sqlite_schema"));
      settled = now == stamp_of(what_->path);
      if (!settled) SLUICE_TRY(database_->run("COMMIT"));
    }
    if (read_ > 0 && now != stamp_)
      return external_error(
          "not_replayable",
          "the database " + what_->path + " has changed since it was read up to row " + std::to_string(read_),
          "start again with --fresh");
    stamp_ = now;
    for (std::int64_t row = 0; row < read_; ++row)
      if (const int code = sqlite3_step(query_.get()); code != SQLITE_ROW)
        return code == SQLITE_DONE ? internal_error("foreign_position", what_->shown + " has fewer rows than were read")
                                   : database_->failed(code, "read " + what_->shown);
    return {};
  }

  std::optional<typed::record_fault> read_row(std::size_t& bytes) {
    for (std::size_t at = 0; at < statement_columns_.size(); ++at) {
      if (read_value(statement_columns_[at], at, bytes)) continue;
      auto fault = rows_.fault();
      rows_.take_back();
      return fault;
    }
    rows_.keep(true);
    return {};
  }

  /// False: the value does not fit, and rows_.fault() says why.
  bool read_value(int column, std::size_t at, std::size_t& bytes) {
    auto* const query = query_.get();
    auto& into = rows_.columns()[at];
    const int kind = sqlite3_column_type(query, column);
    if (kind == SQLITE_NULL) {
      rows_.add_null(at);
      return true;
    }
    if (kind == SQLITE_INTEGER && into.kind == typed::value_kind::int64) {
      into.values.append(static_cast<std::int64_t>(sqlite3_column_int64(query, column)));
      ++into.length;
      bytes += sizeof(std::int64_t);
      return true;
    }
    if (kind == SQLITE_FLOAT && into.kind == typed::value_kind::float64) {
      into.values.append(sqlite3_column_double(query, column));
      ++into.length;
      bytes += sizeof(double);
      return true;
    }
    // A number of the other kind, if it is the same number there.
    if (kind == SQLITE_INTEGER && into.kind == typed::value_kind::float64) {
      const auto value = sqlite3_column_int64(query, column);
      constexpr std::int64_t exact = std::int64_t{1} << 53;
      if (value >= -exact && value <= exact) {
        into.values.append(static_cast<double>(value));
        ++into.length;
        return true;
      }
      return rows_.misfit(into, std::to_string(value), std::to_string(value));
    }
    if (kind == SQLITE_FLOAT && into.kind == typed::value_kind::int64) {
      const auto value = sqlite3_column_double(query, column);
      constexpr double limit = 9223372036854775808.0;
      if (value >= -limit && value < limit && value == std::trunc(value)) {
        into.values.append(static_cast<std::int64_t>(value));
        ++into.length;
        return true;
      }
    }
    if (kind == SQLITE_INTEGER && into.kind == typed::value_kind::boolean) {
      const auto value = sqlite3_column_int64(query, column);
      if (value == 0 || value == 1) return typed::append_boolean(value == 1, into);
    }
    const auto* data = kind == SQLITE_BLOB ? sqlite3_column_blob(query, column)
                                           : static_cast<const void*>(sqlite3_column_text(query, column));
    const std::string_view text(static_cast<const char*>(data),
                                data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(query, column)));
    bytes += text.size();
    if (kind == SQLITE_BLOB) {
      if (into.kind != typed::value_kind::bytea) return rows_.misfit(into, "bytes", to_hexadecimal(text));
      typed::append_bytes(text, into);
      return true;
    }
    if (into.kind == typed::value_kind::text || into.kind == typed::value_kind::bytea) {
      if (into.kind == typed::value_kind::text && !is_utf8(text))
        return rows_.misfit(into, "text that is not UTF-8", text, "invalid_utf8");
      typed::append_bytes(text, into);
      return true;
    }
    if (!is_utf8(text)) return rows_.misfit(into, "text that is not UTF-8", text, "invalid_utf8");
    return rows_.add_text(at, text);
  }

  [[nodiscard]] std::string row_as_text() const {
    auto made = options::object();
    for (int i = 0; i < sqlite3_column_count(query_.get()); ++i) {
      const auto* text = sqlite3_column_text(query_.get(), i);
      made[sqlite3_column_name(query_.get(), i)] =
          text == nullptr ? options() : options(reinterpret_cast<const char*>(text));
    }
    return made.dump();
  }

  status refuse(typed::record_fault fault, read_step& step) const {
    const auto place = "row " + std::to_string(read_) + " of " + what_->shown;
    if (fault.wrong_guess || what_->policy == on_error::fail) {
      auto why = user_error(
          fault.wrong_guess ? "contradicts_type" : fault.code,
          "column " + fault.column + ", " + place + ": " + fault.message,
          fault.wrong_guess ? "the type was chosen from the first rows; give it: types: { " + fault.column + ": text }"
                            : "give the column another type in types:, or reject such rows with "
                              "on_error: reject");
      why.where = "unit " + what_->unit;
      return why;
    }
    step.rejected.push_back({.record = row_as_text(),
                             .offset = static_cast<std::uint64_t>(read_ - 1),
                             .code = std::move(fault.code),
                             .column = std::move(fault.column),
                             .message = std::move(fault.message)});
    return {};
  }

  interruption stopped_;  ///< before the connection
  std::shared_ptr<const query_table> what_;
  typed::rows rows_;
  std::unique_ptr<connection> database_;
  statement query_;
  std::vector<int> statement_columns_;  ///< where the statement gives each wanted column
  std::int64_t read_;
  std::string stamp_;  ///< of the database that the rows before are of
  std::mutex lock_;    ///< of the next one
  sqlite3* handle_ = nullptr;
};

class query_source : public source {
 public:
  explicit query_source(std::shared_ptr<const query_table> what) : what_(std::move(what)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  result<std::vector<split>> discover() override { return std::vector<split>{{.id = 0, .object = what_->path}}; }

  result<std::unique_ptr<split_reader>> open(const split&, const std::string& position) override {
    std::int64_t behind = 0;
    std::string stamp;
    if (!position.empty()) {
      opaque_reader bytes(position, position_of_rows);
      behind = bytes.number();
      stamp = bytes.text();
      SLUICE_TRY(bytes.done("the position in a SQLite database"));
    }
    std::vector<typed::column> columns;
    for (const int at : what_->columns.wanted()) {
      SLUICE_ASSIGN(auto made, typed::make_column(what_->records[static_cast<std::size_t>(at)]));
      columns.push_back(std::move(made));
    }
    return std::unique_ptr<split_reader>(new query_reader(what_, std::move(columns), behind, std::move(stamp)));
  }

 private:
  std::shared_ptr<const query_table> what_;
};

}  // namespace

std::unique_ptr<source> make_query_source(std::shared_ptr<const query_table> what) {
  return std::make_unique<query_source>(std::move(what));
}

}  // namespace sluice::sqlite
