#include "engine/expression/expression.hpp"
#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <random>

using namespace sluice;
using namespace sluice::test;

namespace {

struct cell {
  std::string text;
  bool quoted = false;
  bool broken = false;
};
using record = std::vector<cell>;

/// The plainest parser there is: one byte after the other, as RFC 4180 and Python's csv module read.
class plain_parser {
 public:
  std::vector<record> parse(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) take(text[i], i + 1 < text.size() ? text[i + 1] : '\0');
    unclosed_ = state_ == state::quoted;
    if (begun_) end_record();
    return std::move(records_);
  }
  /// The text ended within quotes.
  [[nodiscard]] bool unclosed() const { return unclosed_; }

 private:
  enum class state { start, plain, quoted, closed };

  void take(char c, char next) {
    if (state_ == state::quoted) {
      if (c == '"') {
        state_ = state::closed;
      } else {
        field_.text += c;
      }
      return;
    }
    if (state_ == state::closed && c == '"') {
      field_.text += c;
      state_ = state::quoted;
      return;
    }
    if (c == '\r' && next == '\n') return;
    if (c == '\n' || c == '\r') {
      end_record();
      return;
    }
    begun_ = true;
    if (c == ',') {
      end_field();
    } else if (state_ == state::start && c == '"') {
      state_ = state::quoted;
      field_.quoted = true;
    } else {
      field_.broken = field_.broken || field_.quoted;
      state_ = state::plain;
      field_.text += c;
    }
  }
  void end_field() {
    record_.push_back(std::move(field_));
    field_ = {};
    state_ = state::start;
  }
  void end_record() {
    end_field();
    // An empty line is no record.
    if (record_.size() > 1 || !record_[0].text.empty() || record_[0].quoted) records_.push_back(std::move(record_));
    record_ = {};
    begun_ = false;
  }

  std::vector<record> records_;
  record record_;
  cell field_;
  state state_ = state::start;
  bool begun_ = false;
  bool unclosed_ = false;
};

std::string random_text(std::mt19937& random) {
  const std::string taste = random() % 2 == 0 ? "ab,\"\n" : random() % 2 == 0 ? "abcdefghijk,\n\r" : "a,\"\n\r\xC3\xA4";
  std::string text;
  const auto size = random() % 300;
  const bool tidy = random() % 3 != 0;
  while (text.size() < size) {
    if (!tidy) {
      text += taste[random() % taste.size()];
      continue;
    }
    for (int field = 0; field < 3; ++field) {
      const bool quote = random() % 3 == 0;
      if (quote) text += '"';
      for (auto left = random() % 12; left > 0; --left) {
        const char c = taste[random() % taste.size()];
        if (static_cast<unsigned char>(c) > 127) {
          text += "\xC3\xA4";
        } else if (quote) {
          text += c == '"' ? "\"\"" : std::string(1, c);
        } else if (std::string_view(",\"\n\r").find(c) == std::string_view::npos) {
          text += c;
        }
      }
      if (quote) text += '"';
      text += field < 2 ? "," : random() % 5 == 0 ? "\r\n" : random() % 9 == 0 ? "\r" : "\n";
    }
  }
  return text;
}

bool valid_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < 128) continue;
    if (text[i] != '\xC3' || i + 1 == text.size() || text[i + 1] != '\xA4') return false;
    ++i;
  }
  return true;
}

struct outcome {
  std::vector<std::string> rows;
  std::size_t rejected = 0;
  std::string problem = {};  ///< code of the error that ended it
};

std::vector<std::string> rows_of(const arrow::RecordBatch& batch) {
  std::vector<std::string> rows(static_cast<std::size_t>(batch.num_rows()));
  for (const auto& column : batch.columns()) {
    const auto& texts = static_cast<const arrow::StringArray&>(*column);
    for (std::int64_t i = 0; i < texts.length(); ++i)
      rows[static_cast<std::size_t>(i)] += (texts.IsNull(i) ? "\\N" : texts.GetString(i)) + "|";
  }
  return rows;
}

/// Reads the last split first, so that no reader finds its start proved by those before it.
outcome read_backwards(const source_request& request) {
  diagnostics faults;
  const auto from = find_component(component_kind::source, "csv")->make_source(request, faults);
  REQUIRE(from);
  const auto splits = from->discover();
  REQUIRE(splits.ok());
  outcome all;
  std::vector<std::vector<std::string>> parts(splits->size());
  for (auto i = splits->size(); i-- > 0;) {
    auto reader = from->open((*splits)[i], "");
    REQUIRE(reader.ok());
    for (bool more = true; more;) {
      const auto step = (*reader)->next();
      if (!step.ok()) {
        all.problem = step.problem().code;
        return all;
      }
      all.rejected += step->rejected.size();
      if (step->rows.data) {
        const auto rows = rows_of(*step->rows.data);
        parts[i].insert(parts[i].end(), rows.begin(), rows.end());
      }
      more = !step->end;
    }
  }
  for (const auto& part : parts) all.rows.insert(all.rows.end(), part.begin(), part.end());
  return all;
}

}  // namespace

TEST_CASE("random CSV is read as the plainest parser reads it, wherever splits begin") {
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  std::mt19937 random(20240501);
  for (int round = 0; round < 1500; ++round) {
    const auto text = random_text(random);
    std::ofstream(folder.file("t.csv"), std::ios::binary | std::ios::trunc) << text;
    std::vector<std::string> rows;
    std::size_t bad = 0;
    plain_parser plain;
    for (const auto& fields : plain.parse(text)) {
      std::string row;
      bool good = fields.size() == 3;
      for (const auto& field : fields) {
        good = good && !field.broken && valid_utf8(field.text);
        row += (field.text.empty() && !field.quoted ? "\\N" : field.text) + "|";
      }
      if (good) {
        rows.push_back(row);
      } else {
        ++bad;
      }
    }
    for (const std::int64_t split_bytes :
         {std::int64_t{1} << 20, std::int64_t{7}, static_cast<std::int64_t>(8 + random() % 56)}) {
      source_request request;
      request.unit = "in";
      request.own = {{"path", "t.csv"}, {"header", {"a", "b", "c"}}};
      request.types = {{"a", "text"}, {"b", "text"}, {"c", "text"}};
      request.context = &context;
      request.split_bytes = split_bytes;
      const auto got = read_backwards(request);
      INFO("split_bytes " << split_bytes << ":\n" << text);
      // A quote without an end fails the source; so does one whose end is so far that many records are within.
      const bool may_run_away = bad > 0 && std::count(text.begin(), text.end(), '\n') > 10;
      if (plain.unclosed() || (may_run_away && got.problem == "runaway_quote")) {
        CHECK((got.problem == "unclosed_quote" || got.problem == "runaway_quote"));
        continue;
      }
      REQUIRE(got.problem == "");
      CHECK(got.rejected == bad);
      REQUIRE(got.rows == rows);
    }
  }
}

namespace {

/// Numbers, texts in and without quotes, and now and then what is neither.
std::string random_table(std::mt19937& random, bool faults) {
  std::string text;
  for (auto lines = random() % 700; lines > 0; --lines) {
    text += faults && random() % 300 == 0 ? "x" : std::to_string(static_cast<int>(random() % 2000) - 1000);
    text += ',';
    if (random() % 4 == 0) {
      text += "\"a,\n\"\"" + std::to_string(random() % 50) + "\"";
    } else if (faults && random() % 400 == 0) {
      text += "\"b\"b";
    } else if (random() % 9 != 0) {
      text += faults && random() % 500 == 0 ? "\xC3" : random() % 3 == 0 ? "\xC3\xA4" : "plain text of some length";
    }
    text += ',';
    if (random() % 7 != 0) text += std::to_string(random() % 30) + "." + std::to_string(random() % 100);
    text += random() % 20 == 0 ? ",4\n" : random() % 5 == 0 ? "\r\n" : "\n";
  }
  return text;
}

std::vector<std::string> rejects_text(const read_result& of) {
  std::vector<std::string> all;
  for (const auto& one : of.rejected)
    all.push_back(std::to_string(one.offset) + " " + one.code + " " + one.column + " " + one.message + one.record);
  return all;
}

/// What a filter behind the reader keeps, and what it says of the rows that it can't decide on.
std::vector<std::string> kept_text(const read_result& of, const std::string& condition, const run_context& context) {
  diagnostics faults;
  expression::scope names;
  names.inputs.push_back({"in", of.table->schema()});
  names.context = &context;
  const auto bound = expression::bind_condition(condition, names, "", faults);
  REQUIRE(bound);
  const auto rows = of.table->CombineChunksToBatch().ValueOrDie();
  const auto value = bound->evaluate(as_batch(rows));
  REQUIRE(value.ok());
  std::vector<std::string> kept;
  const auto place = [&](std::int64_t row) {
    const auto at = of.positions[static_cast<std::size_t>(row)];
    return std::to_string(at.split) + ":" + std::to_string(at.offset);
  };
  for (const auto& each : value->errors) kept.push_back(place(each.row) + " " + each.code + " " + each.message);
  const auto& truth = static_cast<const arrow::BooleanArray&>(*value->values);
  for (std::int64_t row = 0; row < truth.length(); ++row)
    if (truth.IsValid(row) && truth.Value(row)) kept.push_back(place(row) + " " + rows->Slice(row, 1)->ToString());
  return kept;
}

}  // namespace

TEST_CASE("a filter in the reader drops what it drops behind it, and changes nothing of what is rejected") {
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  std::mt19937 random(20240502);
  std::uint64_t dropped_by_readers = 0;
  const std::vector<std::string> conditions = {
      "a > 100",     "b = 'ä' or a < -900",        "c between 3 and 7 and b is not null",
      "100 / a > 3", "b like '%text%' and c > 10", "a > 5000"};
  for (int round = 0; round < 400; ++round) {
    std::ofstream(folder.file("t.csv"), std::ios::binary | std::ios::trunc) << random_table(random, round % 2 == 0);
    source_request request;
    request.unit = "in";
    request.own = {{"path", "t.csv"}, {"header", {"a", "b", "c"}}};
    request.types = {{"a", "bigint"}, {"b", "text"}, {"c", "double"}};
    request.policy = round % 3 == 0 ? on_error::set_null : on_error::reject;
    request.context = &context;
    request.split_bytes = random() % 2 == 0 ? 1 << 20 : 500;
    const auto plain = read_all(*find_component(component_kind::source, "csv"), request);
    REQUIRE(plain.ok());
    const auto condition = conditions[random() % conditions.size()];
    INFO(condition << " in round " << round);
    const auto pushed = read_all(*find_component(component_kind::source, "csv"), request, condition);
    REQUIRE(pushed.ok());
    CHECK(pushed->records == plain->records);
    CHECK(pushed->set_null == plain->set_null);
    CHECK(rejects_text(*pushed) == rejects_text(*plain));
    CHECK(pushed->records ==
          static_cast<std::uint64_t>(pushed->table->num_rows()) + pushed->rejected.size() + pushed->filtered);
    dropped_by_readers += pushed->filtered;
    // The filter behind the reader leaves the same rows of both.
    CHECK(kept_text(*pushed, condition, context) == kept_text(*plain, condition, context));
  }
  CHECK(dropped_by_readers > 10'000);
}
