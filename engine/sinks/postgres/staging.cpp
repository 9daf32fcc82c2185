#include "engine/sinks/postgres/staging.hpp"

#include "engine/sinks/postgres/rule_queries.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>

namespace sluice::postgres {

namespace {

constexpr std::size_t chunk_bytes = 32 * 1024 * 1024;
constexpr std::size_t send_bytes = 256 * 1024;
constexpr std::size_t small_piece = 512;  ///< rows that are copied again behind one that was refused
constexpr const char* number_column = "_sluice_row";

/// What is prepared must outlive a crash of the server, whatever its default is.
constexpr const char* begin_durably =
    "BEGIN; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'";

std::string quoted_hash(const std::string& text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

/// Whether equal values of a column always have equal bytes here.
bool is_certain(const arrow::DataType& from, const server_type& to) {
  constexpr std::uint32_t text_oid = 25;
  constexpr std::uint32_t varchar_oid = 1043;
  if (arrow::is_floating(from.id())) return false;
  return from.id() != arrow::Type::STRING || to.oid == text_oid || to.oid == varchar_oid || to.what == form::uuid;
}

key_watch watch_for(const std::vector<std::string>& columns, const target_table& into, const arrow::Schema& schema) {
  std::vector<int> indices;
  bool certain = true;
  for (const auto& name : columns)
    for (std::size_t at = 0; at < into.columns.size(); ++at)
      if (into.columns[at].name == name) {
        indices.push_back(static_cast<int>(at));
        certain = certain && is_certain(*schema.field(static_cast<int>(at))->type(), into.columns[at].type);
      }
  return {std::move(indices), certain};
}

std::string rule_message(const std::string& name, const std::string& why, const std::string& values) {
  return "violates " + name + ": " + why + " (" + values + ")";
}

}  // namespace

std::string staging_prefix(const load_request& request) {
  return "_sluice_stage_" + quoted_hash(request.sink + '\0' + request.run) + "_";
}

std::string staging_name(const load_request& request, std::uint32_t attempt, std::uint64_t part) {
  return staging_prefix(request) + std::to_string(attempt) + "_" + std::to_string(part);
}

staging::staging(session& to, const load_request& request, const target_table& into, on_error policy, std::string name)
    : session_(to),
      request_(request),
      into_(into),
      policy_(policy),
      numbered_(policy == on_error::reject &&
                ((into.exists && (!into.unique.empty() || !into.foreign.empty())) || request.mode == "upsert")),
      name_{.schema = into.name.schema, .table = std::move(name)},
      encoder_(*request.schema, into.columns, policy == on_error::set_null) {
  for (const auto& rule : into.unique) watches_.push_back(watch_for(rule.columns, into, *request.schema));
  if (!into.exists && !into.key.empty()) watches_.push_back(watch_for(into.key, into, *request.schema));
}

std::string staging::copy_statement() const {
  auto columns = quoted_names(into_.column_names());
  if (numbered_) columns += std::string(", ") + number_column;
  return "COPY " + name_.quoted() + " (" + columns + ") FROM STDIN (FORMAT binary)";
}

status staging::open() {
  const auto table = name_.quoted();
  std::string sql = "BEGIN; DROP TABLE IF EXISTS " + table + "; CREATE TABLE " + table;
  if (into_.can_select && into_.added.empty()) {
    sql += " (LIKE " + into_.name.quoted() + ")";
    std::string changes;
    for (const auto& name : into_.others)
      changes += (changes.empty() ? " DROP COLUMN " : ", DROP COLUMN ") + quoted_name(name);
    for (const auto& check : into_.checks) changes += (changes.empty() ? " ADD " : ", ADD ") + check;
    if (numbered_)
      changes += (changes.empty() ? " ADD COLUMN " : ", ADD COLUMN ") + std::string(number_column) + " bigint UNIQUE";
    if (!changes.empty()) sql += "; ALTER TABLE " + table + changes;
  } else {
    sql += " (" + column_definitions(into_);
    for (const auto& check : into_.checks) sql += ", " + check;
    if (numbered_) sql += std::string(", ") + number_column + " bigint UNIQUE";
    sql += ")";
  }
  if (numbered_)
    for (const auto& rule : into_.unique)
      if (!rule.is_key) sql += "; CREATE UNIQUE INDEX ON " + table + " (" + quoted_names(rule.columns) + ")";
  sql += "; COMMENT ON TABLE " + table + " IS '0'; COMMIT";
  return session_.with_connection([&](connection& on) {
    auto done = on.run(sql);
    if (!done.ok()) return status(std::move(done));
    return status{};
  });
}

status staging::write(const batch& rows, row_errors& refused) {
  encoder_.start(rows.data);
  if (policy_ == on_error::reject) return write_checked(rows, refused);
  for (auto& watch : watches_) watch.add(rows);
  return write_streaming(rows);
}

// Rows of policies that let no row be refused: they are on their way while the next ones are encoded.

status staging::write_streaming(const batch& rows) {
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    if (auto why = encoder_.append(row, chunk_))
      return user_error(why->code,
                        "table " + into_.name.shown() + ", row " + std::to_string(rows_ + chunk_rows_ + 1) + " (" +
                            encoder_.describe(row) + "): column " + why->column + ": " + why->message,
                        "correct it in a unit before, or reject such rows: on_error: reject");
    ++chunk_rows_;
    if (chunk_.size() - sent_ >= send_bytes) SLUICE_TRY(send_rows());
    if (chunk_.size() >= chunk_bytes) SLUICE_TRY(end_chunk());
  }
  return {};
}

status staging::start_copy(connection& on) {
  SLUICE_TRY(on.start_copy_in(std::string(begin_durably) + "; " + copy_statement()));
  byte_buffer header;
  row_encoder::begin(header);
  return on.put(header.view());
}

/// Sends what can be sent now. A connection that is lost is left to end_chunk, which sends all of the chunk again.
status staging::send_rows() {
  auto* on = session_.current();
  if (on == nullptr || (sent_ > 0 && !copying_)) return {};
  const auto sent = [&]() -> status {
    if (!copying_) SLUICE_TRY(start_copy(*on));
    copying_ = true;
    return on->put(chunk_.view(sent_));
  }();
  sent_ = chunk_.size();
  if (sent.ok()) return {};
  copying_ = false;
  return sent.problem().retry ? status{} : sent;
}

status staging::end_chunk() {
  if (chunk_rows_ == 0) return {};
  bool commit_sent = false;
  const auto copy = [&](connection& on) -> status {
    if (commit_sent) {
      SLUICE_ASSIGN(const bool committed, is_committed(on));
      if (committed) return {};
      commit_sent = false;
    }
    if (!std::exchange(copying_, false)) {
      SLUICE_TRY(start_copy(on));
      sent_ = 0;
    }
    SLUICE_TRY(on.put(chunk_.view(sent_)));
    byte_buffer trailer;
    row_encoder::end(trailer);
    SLUICE_TRY(on.put(trailer.view()));
    const auto copied = on.end_copy();
    if (!copied.ok()) return on.why().is_of_row() ? status(row_refused(on.why())) : status(copied.problem());
    if (*copied != chunk_rows_)
      return internal_error("rows_lost", "the server has copied " + std::to_string(*copied) + " of " +
                                             std::to_string(chunk_rows_) + " rows");
    return commit_chunk(on, commit_sent);
  };
  // What was sent on a connection that is gone is sent again.
  if (session_.current() == nullptr) copying_ = false;
  SLUICE_TRY(session_.with_connection(copy));
  rows_ += chunk_rows_;
  bytes_ += chunk_.size();
  chunk_.clear();
  chunk_rows_ = 0;
  sent_ = 0;
  ++number_;
  return {};
}

status staging::commit_chunk(connection& on, bool& commit_sent) {
  SLUICE_TRY(on.run("COMMENT ON TABLE " + name_.quoted() + " IS '" + std::to_string(number_) + "'"));
  commit_sent = true;
  return on.run("COMMIT");
}

/// The lock waits for a transaction whose connection was lost and that may be about to commit.
result<bool> staging::is_committed(connection& on) const {
  SLUICE_TRY(on.run("BEGIN; LOCK TABLE " + name_.quoted() + " IN SHARE UPDATE EXCLUSIVE MODE"));
  SLUICE_ASSIGN(const auto note, on.rows("SELECT obj_description(" + quoted_text(name_.quoted()) + "::regclass)"));
  SLUICE_TRY(on.run("ROLLBACK"));
  return note.at(0).at(0) == std::to_string(number_);
}

error staging::row_refused(const refusal& why) const {
  auto text = "table " + into_.name.shown();
  if (why.copy_line) text += ", row " + std::to_string(rows_ + *why.copy_line);
  text += ": " + why.primary + (why.detail.empty() ? "" : " (" + why.detail + ")");
  return user_error(why.state.starts_with("23") ? "constraint_violated" : "value_refused", text,
                    "correct it in a unit before, or reject such rows: on_error: reject");
}

// Rows that may be refused one by one: each batch is a transaction, so that what is given back is settled.

status staging::write_checked(const batch& rows, row_errors& refused) {
  const auto first_number = next_row_;
  bool commit_sent = false;
  row_errors found;
  auto reached = session_.with_connection([&](connection& on) -> status {
    if (commit_sent) {
      SLUICE_ASSIGN(const bool committed, is_committed(on));
      if (committed) return {};
      commit_sent = false;
    }
    next_row_ = first_number;
    found.clear();
    return try_batch(on, rows, found, commit_sent);
  });
  if (!reached.ok()) return std::move(reached).problem();
  rows_ += static_cast<std::uint64_t>(rows.rows()) - found.size();
  ++number_;
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  refused.insert(refused.end(), found.begin(), found.end());
  return {};
}

status staging::try_batch(connection& on, const batch& rows, row_errors& refused, bool& commit_sent) {
  SLUICE_TRY(on.run(begin_durably));
  byte_buffer encoded;
  std::vector<std::int64_t> in_batch;  // of each row that was encoded
  std::vector<std::size_t> begins;     // its bytes
  const auto first_number = next_row_;
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    const auto begin = encoded.size();
    auto why = encoder_.append(row, encoded, numbered_ ? std::optional(first_number + row) : std::nullopt);
    if (why) {
      refused.push_back(*std::move(why));
      continue;
    }
    in_batch.push_back(row);
    begins.push_back(begin);
  }
  next_row_ += rows.rows();
  begins.push_back(encoded.size());
  auto piece = in_batch.size();
  for (std::size_t from = 0; from < in_batch.size();) {
    const auto to = std::min(from + piece, in_batch.size());
    SLUICE_ASSIGN(const auto why, copy_piece(on, encoded.view(begins[from]).substr(0, begins[to] - begins[from])));
    if (!why) {
      from = to;
      continue;
    }
    const auto bad = from + static_cast<std::size_t>(*why->copy_line) - 1;
    if (bad >= to) return internal_error("rows_lost", "the server has refused a row that was not sent");
    if (bad > from) {
      SLUICE_ASSIGN(const auto again, copy_piece(on, encoded.view(begins[from]).substr(0, begins[bad] - begins[from])));
      if (again) return row_refused(*again);
    }
    refused.push_back({in_batch[bad], why->state.starts_with("23") ? "constraint_violated" : "value_refused",
                       why->column,
                       (why->constraint.empty() ? why->primary : "violates " + why->constraint) +
                           (why->detail.empty() ? "" : " (" + why->detail + ")")});
    from = bad + 1;
    piece = small_piece;
  }
  bytes_ += encoded.size();
  if (numbered_) SLUICE_TRY(refuse_by_rules(on, first_number, refused));
  return commit_chunk(on, commit_sent);
}

result<std::optional<refusal>> staging::copy_piece(connection& on, std::string_view rows) {
  SLUICE_TRY(on.start_copy_in("SAVEPOINT piece; " + copy_statement()));
  byte_buffer around;
  row_encoder::begin(around);
  SLUICE_TRY(on.put(around.view()));
  SLUICE_TRY(on.put(rows));
  around.clear();
  row_encoder::end(around);
  SLUICE_TRY(on.put(around.view()));
  const auto copied = on.end_copy();
  if (copied.ok()) {
    SLUICE_TRY(on.run("RELEASE piece"));
    return std::optional<refusal>();
  }
  const auto why = on.why();
  if (!why.is_of_row()) return copied.problem();
  if (!why.copy_line) return row_refused(why);
  SLUICE_TRY(on.run("ROLLBACK TO piece"));
  return std::optional(why);
}

/// Takes rows of the batch out again that break a rule over several rows.
status staging::refuse_by_rules(connection& on, std::int64_t first_number, row_errors& refused) {
  const auto refuse = [&](const std::string& condition, const std::string& name, const std::string& why,
                          const std::vector<std::string>& columns) -> status {
    SLUICE_ASSIGN(
        const auto found,
        on.rows("WITH gone AS (DELETE FROM " + name_.quoted() + " s WHERE " + number_column + " >= $1::bigint AND " +
                    condition + " RETURNING s.*) SELECT " + number_column + ", " + key_text(columns) + " FROM gone s",
                {std::to_string(first_number)}));
    for (const auto& each : found) {
      std::int64_t number = 0;
      (void)std::from_chars(each[0]->data(), each[0]->data() + each[0]->size(), number);
      refused.push_back({number - first_number, "constraint_violated", columns.front(),
                         rule_message(name, why, each[1].value_or(""))});
    }
    return {};
  };
  if (request_.mode == "append" && !request_.behind_replace && into_.can_select)
    for (const auto& rule : into_.unique)
      SLUICE_TRY(refuse(repeats_target(rule, into_), rule.name, "the table already has a row with these values",
                        rule.columns));
  for (const auto& rule : into_.foreign)
    SLUICE_TRY(refuse(lacks_reference(rule), rule.name, "there is no such row in " + rule.table, rule.columns));
  return {};
}

// The end of an epoch

result<staged_rows> staging::finish() {
  SLUICE_TRY(end_chunk());
  staged_rows made{.rows = rows_, .set_null = encoder_.set_null(), .bytes = bytes_};
  auto reached = session_.with_connection([&](connection& on) -> status {
    if (policy_ != on_error::reject) SLUICE_TRY(check_rules(on));
    if (request_.mode == "upsert") SLUICE_TRY(merge_keys(on, made));
    return {};
  });
  if (!reached.ok()) return std::move(reached).problem();
  return made;
}

status staging::check_rules(connection& on) const {
  const auto fail = [&](const std::string& query, const std::string& name, const std::string& why) -> status {
    SLUICE_ASSIGN(const auto found, on.rows(query));
    if (found.empty()) return {};
    return user_error("constraint_violated",
                      "table " + into_.name.shown() + ": " + rule_message(name, why, found[0][0].value_or("")),
                      "correct it in a unit before, or reject such rows: on_error: reject");
  };
  for (std::size_t at = 0; at < into_.unique.size(); ++at) {
    const auto& rule = into_.unique[at];
    if (rule.is_key) continue;
    if (watches_[at].may_repeat())
      SLUICE_TRY(fail(repeated_key(rule.columns, name_), rule.name, "several rows have the same values"));
    if (request_.mode == "append" && !request_.behind_replace && into_.can_select)
      SLUICE_TRY(fail("SELECT " + key_text(rule.columns) + " FROM " + name_.quoted() + " s WHERE " +
                          repeats_target(rule, into_) + " LIMIT 1",
                      rule.name, "the table already has a row with these values"));
  }
  for (const auto& rule : into_.foreign)
    SLUICE_TRY(fail("SELECT " + key_text(rule.columns) + " FROM " + name_.quoted() + " s WHERE " +
                        lacks_reference(rule) + " LIMIT 1",
                    rule.name, "there is no such row in " + rule.table));
  return {};
}

/// Of rows with the same key the one that came last stays. A table that is to be renamed gets the key.
status staging::merge_keys(connection& on, staged_rows& made) {
  SLUICE_TRY(on.run(begin_durably));
  bool may_repeat = policy_ == on_error::reject;
  for (std::size_t at = 0; at < watches_.size(); ++at)
    if (at >= into_.unique.size() || into_.unique[at].is_key) may_repeat = may_repeat || watches_[at].may_repeat();
  const auto key = quoted_names(into_.key);
  if (may_repeat) {
    // Rows stand in the order in which they came: nothing was ever taken out of the table but rows that were refused,
    // and then they are numbered.
    const std::string order = numbered_ ? number_column : "ctid";
    SLUICE_TRY(on.run("DELETE FROM " + name_.quoted() +
                      " WHERE ctid IN (SELECT ctid FROM (SELECT ctid, row_number() OVER "
                      "(PARTITION BY " +
                      key + " ORDER BY " + order + " DESC) AS place FROM " + name_.quoted() + ") x WHERE place > 1)"));
    SLUICE_ASSIGN(const auto left, on.rows("SELECT count(*) FROM " + name_.quoted()));
    std::uint64_t rows = 0;
    (void)std::from_chars(left[0][0]->data(), left[0][0]->data() + left[0][0]->size(), rows);
    made.rows = rows;
    made.merged = rows_ - rows;
  }
  if (!into_.exists) {
    SLUICE_TRY(on.run("ALTER TABLE " + name_.quoted() + " DROP COLUMN IF EXISTS " + number_column));
    SLUICE_ASSIGN(const auto has, on.rows("SELECT 1 FROM pg_catalog.pg_index WHERE indisprimary AND indrelid = " +
                                          quoted_text(name_.quoted()) + "::regclass"));
    // Under the name that it would have had in the table; where that is taken the server finds one.
    const table_name index{.schema = name_.schema, .table = into_.name.table + "_pkey"};
    SLUICE_ASSIGN(const auto taken, on.rows("SELECT to_regclass($1)", {index.quoted()}));
    const bool is_free = !taken.at(0).at(0) && index.table.size() <= longest_name;
    if (has.empty())
      SLUICE_TRY(on.run("ALTER TABLE " + name_.quoted() + " ADD " +
                        (is_free ? "CONSTRAINT " + quoted_name(index.table) + " " : "") + "PRIMARY KEY (" + key + ")"));
  }
  return on.run("COMMIT");
}

}  // namespace sluice::postgres
