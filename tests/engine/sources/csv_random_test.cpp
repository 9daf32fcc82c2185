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
    if (!begun_) return std::move(records_);
    field_.broken = field_.broken || state_ == state::quoted;
    end_record();
    return std::move(records_);
  }

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
    auto reader = from->open((*splits)[i]);
    REQUIRE(reader.ok());
    for (bool more = true; more;) {
      const auto step = (*reader)->next();
      REQUIRE(step.ok());
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
    for (const auto& fields : plain_parser().parse(text)) {
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
      CHECK(got.rejected == bad);
      REQUIRE(got.rows == rows);
    }
  }
}
