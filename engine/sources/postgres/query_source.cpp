#include "engine/sources/postgres/query_source.hpp"

#include "engine/clients/postgres/names.hpp"
#include "engine/component/opaque.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <mutex>

namespace sluice::postgres {

namespace {

constexpr char position_of_rows = 'q';
/// Stands in a split's object between what users know and the name of the snapshot.
constexpr std::string_view snapshot_mark = " at snapshot ";

constexpr const char* begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

std::string join_snapshot(const std::string& name) { return "SET TRANSACTION SNAPSHOT " + quoted_text(name); }

class query_reader : public split_reader, public may_be_down {
 public:
  query_reader(std::shared_ptr<const query_table> what, split piece)
      : what_(std::move(what)),
        piece_(std::move(piece)),
        session_(what_->url, what_->retry, what_->seed + piece_.id + 1, stopped_) {}

  void interrupt() noexcept override { stopped_.raise(); }
  [[nodiscard]] std::optional<down_state> down() const override { return session_.down(); }

  result<read_step> next() override {
    if (!decoder_) SLUICE_TRY(begin());
    read_step step;
    std::vector<std::int64_t> numbers;
    while (decoder_->rows() < target_batch_rows && decoder_->bytes() < target_batch_bytes) {
      auto* server = session_.current();
      if (server == nullptr) return lost();
      auto message = server->next_copied();
      if (!message.ok()) return given_ ? lost(message.problem()) : std::move(message).problem();
      if (!*message) {
        step.end = true;
        (void)server->run("COMMIT");
        break;
      }
      const auto before = decoder_->rows();
      SLUICE_ASSIGN(auto bad, decoder_->take(**message));
      step.bytes += (*message)->size();
      if (bad) {
        SLUICE_TRY(reject(*std::move(bad), step));
      } else if (decoder_->rows() > before) {
        numbers.push_back(read_++);
      }
    }
    given_ = true;
    step.records = numbers.size() + step.rejected.size();
    step.position = opaque_writer(position_of_rows).number(read_).take();
    if (numbers.empty()) return step;
    SLUICE_ASSIGN(const auto arrays, decoder_->finish());
    const auto rows = static_cast<std::int64_t>(numbers.size());
    SLUICE_ASSIGN(step.rows.data, what_->columns.assemble(arrays, rows, what_->shown, 0));
    if (what_->want_positions) {
      SLUICE_ASSIGN(step.rows.positions, make_positions(rows, [&](std::int64_t row) {
                      return position{what_->number, piece_.id, numbers[static_cast<std::size_t>(row)]};
                    }));
    }
    return step;
  }

 private:
  status begin() {
    return session_.with_connection([&](connection& server) -> status {
      SLUICE_TRY(server.run(begin_reading));
      if (const auto at = piece_.object.find(snapshot_mark); at != std::string::npos)
        if (auto joined = server.run(join_snapshot(piece_.object.substr(at + snapshot_mark.size()))); !joined.ok()) {
          // It lives as long as the connection that has exported it.
          if (server.why().state == "22023") return lost(joined.problem());
          return joined;
        }
      SLUICE_ASSIGN(auto columns, columns_to_decode(server, *what_));
      decoder_.emplace(columns);
      return server.start_copy_out("COPY (" + what_->select(range()) + ") TO STDOUT (FORMAT binary)");
    });
  }

  [[nodiscard]] std::string range() const {
    if (!what_->partition) return {};
    const auto column = quoted_name(what_->partition->column);
    auto text = column + " >= " + std::to_string(piece_.begin) + " AND " + column + " <= " + std::to_string(piece_.end);
    // Rows without a value belong to the first range.
    return piece_.id == 0 ? "(" + text + " OR " + column + " IS NULL)" : text;
  }

  status reject(row_decoder::misfit bad, read_step& step) {
    const auto place = "row " + std::to_string(read_ + 1) + " of " + what_->shown;
    if (bad.contradicts)
      return user_error(
          "contradicts_type",
          "column " + bad.why.column + ", " + place + ": " + bad.why.message + "; its type was chosen from a sample",
          "types: { " + bad.why.column + ": \"decimal(76,30)\" }, or cast it in a query");
    if (what_->policy == on_error::fail)
      return user_error(bad.why.code, "column " + bad.why.column + ", " + place + ": " + bad.why.message,
                        "leave such rows out in a query, or reject them: on_error: reject");
    if (what_->policy == on_error::set_null)
      return user_error("not_supported_yet", "on_error: set_null is not supported for a postgres source",
                        "use on_error: reject, or a query that gives null");
    step.rejected.push_back({.record = std::move(bad.record),
                             .offset = static_cast<std::uint64_t>(read_++),
                             .code = std::move(bad.why.code),
                             .column = std::move(bad.why.column),
                             .message = std::move(bad.why.message)});
    return {};
  }

  [[nodiscard]] error lost(const std::optional<error>& why = {}) const {
    return external_error(
        "connection_lost",
        "the connection was lost while " + what_->shown + " was read" + (why ? ": " + why->message : std::string()),
        "the rows that follow can't be told from those that were read: run it again", true);
  }

  interruption stopped_;  ///< before the connection
  std::shared_ptr<const query_table> what_;
  split piece_;
  session session_;
  std::optional<row_decoder> decoder_;
  std::int64_t read_ = 0;
  bool given_ = false;  ///< a step was given: rows may have left
};

class query_source : public source {
 public:
  explicit query_source(std::shared_ptr<const query_table> what)
      : what_(std::move(what)), session_(what_->url, what_->retry, what_->seed, stopped_) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }
  [[nodiscard]] bool replayable() const override { return false; }

  result<std::vector<split>> discover() override {
    const std::lock_guard guard(lock_);
    if (!splits_.empty()) return splits_;
    if (!what_->partition) {
      splits_.push_back({.id = 0, .object = what_->shown, .begin = 0, .end = 0, .bytes = 0});
      return splits_;
    }
    SLUICE_TRY(session_.with_connection([&](connection& server) { return share_snapshot(server); }));
    return splits_;
  }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    if (!position.empty())
      return external_error("not_replayable", what_->shown + " can't be read again from where it was left",
                            "run the pipeline again");
    return std::unique_ptr<split_reader>(new query_reader(what_, piece));
  }

  void interrupt() noexcept override { stopped_.raise(); }

 private:
  status share_snapshot(connection& server) {
    SLUICE_TRY(server.run(begin_reading));
    SLUICE_ASSIGN(const auto exported, server.rows("SELECT pg_export_snapshot()"));
    const auto snapshot = exported.at(0).at(0).value_or("");
    // Not on the connection that holds the snapshot to the end of the run: it would hold a lock on the table, too, for
    // which a sink of the run that empties or alters the table would wait.
    session asking(what_->url, what_->retry, what_->seed, stopped_);
    return asking.with_connection([&](connection& other) { return divide(other, snapshot); });
  }

  /// Makes ranges of about the same width.
  status divide(connection& server, const std::string& snapshot) {
    const auto& rule = *what_->partition;
    const auto column = quoted_name(rule.column);
    SLUICE_TRY(server.run(begin_reading));
    SLUICE_TRY(server.run(join_snapshot(snapshot)));
    SLUICE_ASSIGN(const auto types, server.describe("SELECT " + column + " FROM " + what_->from));
    constexpr std::uint32_t int8 = 20;
    constexpr std::uint32_t int2 = 21;
    constexpr std::uint32_t int4 = 23;
    if (const auto type = types.at(0).type; type != int8 && type != int2 && type != int4)
      return user_error("type_mismatch",
                        "partition needs a column of smallint, integer or bigint; " + rule.column + " is none",
                        "choose another column, or cast it in a query");
    SLUICE_ASSIGN(const auto ends, server.rows("SELECT min(" + column + "), max(" + column + ") FROM " + what_->from));
    const auto number = [](const text_value& text) {
      std::int64_t made = 0;
      if (text) (void)std::from_chars(text->data(), text->data() + text->size(), made);
      return made;
    };
    const auto& row = ends.at(0);
    const int128 least = number(row[0]);
    const int128 most = number(row[1]);
    const auto parts = std::min<int128>(rule.parts, most - least + 1);
    splits_.clear();
    for (int128 part = 0; part < parts; ++part) {
      const auto begin = least + (most - least + 1) * part / parts;
      const auto end = least + (most - least + 1) * (part + 1) / parts - 1;
      splits_.push_back({.id = static_cast<std::uint32_t>(part),
                         .object = what_->shown + std::string(snapshot_mark) + snapshot,
                         .begin = static_cast<std::int64_t>(begin),
                         .end = static_cast<std::int64_t>(end),
                         .bytes = 0});
    }
    return {};
  }

  interruption stopped_;  ///< before the connection
  std::shared_ptr<const query_table> what_;
  session session_;  ///< stays open: readers of ranges share what it sees
  std::mutex lock_;
  std::vector<split> splits_;
};

}  // namespace

std::unique_ptr<source> make_query_source(std::shared_ptr<const query_table> what) {
  return std::make_unique<query_source>(std::move(what));
}

}  // namespace sluice::postgres
