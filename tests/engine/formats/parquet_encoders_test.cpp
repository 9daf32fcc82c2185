// What our own Parquet encoders write, Arrow's reader gets back: values, nulls, statistics, page by page.
#include "engine/formats/parquet/dictionary.hpp"
#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/page_index.h>
#include <parquet/statistics.h>

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace sluice;
using namespace sluice::test;

namespace {

/// Draws a column: how many rows, how often null, out of how many different values.
struct draw {
  std::int64_t rows;
  double nulls;
  std::int64_t distinct;
};

class drawn_columns {
 public:
  drawn_columns(draw what, unsigned seed) : what_(what), random_(seed) {}

  std::shared_ptr<arrow::Array> of(const std::shared_ptr<arrow::DataType>& type) {
    switch (type->id()) {
      case arrow::Type::BOOL:
        return fill<arrow::BooleanBuilder>(type, [](std::int64_t v) { return v % 2 == 0; });
      case arrow::Type::INT16:
        return fill<arrow::Int16Builder>(type, [](std::int64_t v) { return static_cast<std::int16_t>(v); });
      case arrow::Type::INT32:
        return fill<arrow::Int32Builder>(type, [](std::int64_t v) { return static_cast<std::int32_t>(v * 7 - 900); });
      case arrow::Type::DATE32:
        return fill<arrow::Date32Builder>(type, [](std::int64_t v) { return static_cast<std::int32_t>(v - 1000); });
      case arrow::Type::INT64:
        return fill<arrow::Int64Builder>(type, [](std::int64_t v) { return (v - 50) * 3'000'000'019; });
      case arrow::Type::UINT64:
        return fill<arrow::UInt64Builder>(
            type, [](std::int64_t v) { return ~std::uint64_t{0} - static_cast<std::uint64_t>(v); });
      case arrow::Type::FLOAT:
        return fill<arrow::FloatBuilder>(type, [](std::int64_t v) { return static_cast<float>(v) / 3 - 10; });
      case arrow::Type::DOUBLE:
        return fill<arrow::DoubleBuilder>(type, [](std::int64_t v) {
          return v % 97 == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(v) / 7 - 10;
        });
      case arrow::Type::TIME64:
        return fill<arrow::Time64Builder>(type, [](std::int64_t v) { return v; });
      case arrow::Type::TIMESTAMP:
        return fill<arrow::TimestampBuilder>(type, [](std::int64_t v) { return v * 1'000'003 - 5'000'000; });
      case arrow::Type::DECIMAL128:
        return fill<arrow::Decimal128Builder>(type, [](std::int64_t v) { return arrow::Decimal128(v * 31 - 400); });
      default:
        return fill<arrow::StringBuilder>(type, [](std::int64_t v) {
          return std::string(static_cast<std::size_t>(v % 23), static_cast<char>('a' + v % 26)) + std::to_string(v);
        });
    }
  }

 private:
  template <class Builder, class Make>
  std::shared_ptr<arrow::Array> fill(const std::shared_ptr<arrow::DataType>& type, Make make) {
    Builder builder(type, arrow::default_memory_pool());
    std::bernoulli_distribution null(what_.nulls);
    std::uniform_int_distribution<std::int64_t> value(0, what_.distinct - 1);
    for (std::int64_t i = 0; i < what_.rows; ++i)
      (void)(null(random_) ? builder.AppendNull() : builder.Append(make(value(random_))));
    return builder.Finish().ValueOrDie();
  }

  draw what_;
  std::mt19937 random_;
};

std::shared_ptr<arrow::RecordBatch> drawn_table(draw what, unsigned seed) {
  const std::vector<std::shared_ptr<arrow::DataType>> types = {
      arrow::boolean(),
      arrow::int16(),
      arrow::int32(),
      arrow::int64(),
      arrow::uint64(),
      arrow::float32(),
      arrow::float64(),
      arrow::date32(),
      arrow::time64(arrow::TimeUnit::MICRO),
      arrow::timestamp(arrow::TimeUnit::MICRO),
      arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Berlin"),
      arrow::decimal128(9, 2),
      arrow::decimal128(38, 4),
      arrow::utf8()};
  drawn_columns draws(what, seed);
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (std::size_t i = 0; i < types.size(); ++i) {
    fields.push_back(arrow::field("c" + std::to_string(i), types[i]));
    columns.push_back(draws.of(types[i]));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), what.rows, columns);
}

/// Cuts a table into batches of uneven lengths, none of which begins where a page does.
std::vector<std::shared_ptr<arrow::RecordBatch>> cut(const std::shared_ptr<arrow::RecordBatch>& table) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> all;
  std::int64_t length = 1;
  for (std::int64_t from = 0; from < table->num_rows(); from += length, length = length * 3 % 9973 + 1)
    all.push_back(table->Slice(from, length));
  return all;
}

class fixture {
 public:
  fixture() : context(make_context(folder.path().string())) {}

  void write(const std::vector<std::shared_ptr<arrow::RecordBatch>>& all, options own = options::object()) {
    sink_request to;
    to.unit = "out";
    to.schema = all.at(0)->schema();
    to.own = std::move(own);
    to.own["path"] = "t.parquet";
    to.mode = "replace";
    to.context = &context;
    const auto report = write_all(*find_component(component_kind::sink, "parquet"), to, all);
    INFO((report.ok() ? "" : report.problem().to_string()));
    REQUIRE(report.ok());
  }
  std::unique_ptr<parquet::ParquetFileReader> open() {
    return parquet::ParquetFileReader::OpenFile(folder.file("t.parquet"));
  }
  std::shared_ptr<arrow::Table> read() {
    auto file = arrow::io::ReadableFile::Open(folder.file("t.parquet")).ValueOrDie();
    auto reader = parquet::arrow::OpenFile(file, arrow::default_memory_pool()).ValueOrDie();
    return reader->ReadTable().ValueOrDie();
  }
  bool arrives(const std::shared_ptr<arrow::RecordBatch>& table) {
    const auto back = read();
    return back->schema()->Equals(table->schema()) && back->ValidateFull().ok() &&
           back->Equals(*arrow::Table::FromRecordBatches({table}).ValueOrDie(),
                        arrow::EqualOptions::Defaults().nans_equal(true));
  }

  temporary_folder folder;
  run_context context;
};

/// The smallest and the largest value as statistics hold them, by the kernels of Arrow.
template <class Type>
void check_range(const parquet::Statistics& found, const std::shared_ptr<arrow::Array>& values) {
  REQUIRE(arrow::compute::Initialize().ok());
  using Scalar = typename arrow::TypeTraits<Type>::ScalarType;
  const auto range = arrow::compute::MinMax(values).ValueOrDie();
  const auto& both = static_cast<const arrow::StructScalar&>(*range.scalar());
  const auto text = [](const arrow::Scalar& scalar) {
    const auto value = static_cast<const Scalar&>(scalar).value;
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  CHECK(found.HasMinMax() == both.value[0]->is_valid);
  if (!both.value[0]->is_valid || !found.HasMinMax()) return;
  CHECK(found.EncodeMin() == text(*both.value[0]));
  CHECK(found.EncodeMax() == text(*both.value[1]));
}

}  // namespace

TEST_CASE_METHOD(fixture, "values of every flat type come back, however many are null or different") {
  unsigned seed = 1;
  for (const auto nulls : {0.0, 0.001, 0.5, 1.0}) {
    for (const std::int64_t distinct : {1, 40, 20'000, 1'000'000}) {
      CAPTURE(nulls, distinct);
      const auto table = drawn_table({70'000, nulls, distinct}, seed++);
      write(cut(table));
      CHECK(arrives(table));
    }
  }
}

TEST_CASE_METHOD(fixture, "row groups end where they should, also inside a batch") {
  const auto table = drawn_table({250'000, 0.1, 5000}, 99);
  write({table->Slice(0, 30'000), table->Slice(30'000)}, {{"row_group_rows", 100'000}});
  CHECK(arrives(table));
  const auto footer = open()->metadata();
  REQUIRE(footer->num_row_groups() == 3);
  CHECK(footer->RowGroup(0)->num_rows() == 100'000);
  CHECK(footer->RowGroup(2)->num_rows() == 50'000);
}

TEST_CASE_METHOD(fixture, "each row group has the range and the nulls of its columns") {
  const auto table = drawn_table({230'000, 0.2, 3000}, 5);
  write(cut(table), {{"row_group_rows", 100'000}});
  const auto file = open();
  for (int group = 0; group < 3; ++group) {
    const auto rows = table->Slice(group * 100'000, 100'000);
    for (int column = 0; column < table->num_columns(); ++column) {
      CAPTURE(group, column);
      const auto values = rows->column(column);
      const auto found = file->metadata()->RowGroup(group)->ColumnChunk(column)->statistics();
      REQUIRE(found);
      CHECK(found->null_count() == values->null_count());
      if (values->type_id() == arrow::Type::INT64) check_range<arrow::Int64Type>(*found, values);
      if (values->type_id() == arrow::Type::UINT64) check_range<arrow::UInt64Type>(*found, values);
      if (values->type_id() == arrow::Type::INT32) check_range<arrow::Int32Type>(*found, values);
      if (values->type_id() == arrow::Type::TIMESTAMP) check_range<arrow::TimestampType>(*found, values);
      if (values->type_id() == arrow::Type::FLOAT) check_range<arrow::FloatType>(*found, values);
      if (values->type_id() == arrow::Type::DOUBLE) check_range<arrow::DoubleType>(*found, values);
      if (values->type_id() != arrow::Type::STRING) continue;
      std::string least = "~";
      std::string most;
      for (std::int64_t i = 0; i < values->length(); ++i) {
        if (values->IsNull(i)) continue;
        least = std::min(least, static_cast<const arrow::StringArray&>(*values).GetString(i));
        most = std::max(most, static_cast<const arrow::StringArray&>(*values).GetString(i));
      }
      CHECK(found->EncodeMin() == least);
      CHECK(found->EncodeMax() == most);
    }
  }
}

TEST_CASE_METHOD(fixture, "the page index leads to every page and bounds its values") {
  const auto table = drawn_table({150'000, 0.0, 1'000'000}, 7);
  write({table});
  const auto file = open();
  const auto group = file->GetPageIndexReader()->RowGroup(0);
  const auto& ids = static_cast<const arrow::Int64Array&>(*table->column(3));
  const auto offsets = group->GetOffsetIndex(3)->page_locations();
  const auto bounds = std::dynamic_pointer_cast<parquet::Int64ColumnIndex>(group->GetColumnIndex(3));
  REQUIRE(offsets.size() == 5);
  for (std::size_t page = 0; page < offsets.size(); ++page) {
    const auto from = offsets[page].first_row_index;
    const auto to = page + 1 < offsets.size() ? offsets[page + 1].first_row_index : table->num_rows();
    CHECK(*std::min_element(ids.raw_values() + from, ids.raw_values() + to) == bounds->min_values()[page]);
    CHECK(*std::max_element(ids.raw_values() + from, ids.raw_values() + to) == bounds->max_values()[page]);
  }
}

TEST_CASE_METHOD(fixture, "dictionaries are written where they make a column smaller") {
  const auto rows = 300'000;
  const auto few = drawn_columns({rows, 0, 1000}, 1).of(arrow::int64());
  const auto many = drawn_columns({rows, 0, 1'000'000'000}, 2).of(arrow::int64());
  const auto words = drawn_columns({rows, 0, 7}, 3).of(arrow::utf8());
  arrow::Int64Builder climbing;  // repeats itself, but outgrows any dictionary in the end
  for (std::int64_t i = 0; i < rows; ++i) (void)climbing.Append(i < 100'000 ? i / 4 : i);
  const auto grows = climbing.Finish().ValueOrDie();
  const auto table = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("few", arrow::int64()), arrow::field("many", arrow::int64()),
                     arrow::field("words", arrow::utf8()), arrow::field("grows", arrow::int64())}),
      rows, {few, many, words, grows});
  write({table, table});
  const auto footer = open()->metadata();
  const auto group = footer->RowGroup(0);
  CHECK(group->ColumnChunk(0)->has_dictionary_page());
  CHECK_FALSE(group->ColumnChunk(1)->has_dictionary_page());
  CHECK(group->ColumnChunk(2)->has_dictionary_page());
  CHECK(group->ColumnChunk(3)->has_dictionary_page());
  const auto uses = [&](int column, parquet::Encoding::type encoding) {
    const auto chunk = group->ColumnChunk(column);
    for (const auto& each : chunk->encoding_stats())
      if (each.page_type == parquet::PageType::DATA_PAGE && each.encoding == encoding) return true;
    return false;
  };
  CHECK(uses(0, parquet::Encoding::RLE_DICTIONARY));
  CHECK_FALSE(uses(0, parquet::Encoding::PLAIN));
  CHECK(uses(3, parquet::Encoding::RLE_DICTIONARY));
  CHECK(uses(3, parquet::Encoding::PLAIN));
  const auto back = read();
  CHECK(back->Equals(*arrow::Table::FromRecordBatches({table, table}).ValueOrDie()->CombineChunks().ValueOrDie()));
}

TEST_CASE_METHOD(fixture, "zeros, NaN and infinities leave ranges that bound them") {
  const auto range = [&](const std::string& json) {
    const auto table = make_table({{"d", "double", json}});
    write({table});
    CHECK(arrives(table));
    const auto found = open()->metadata()->RowGroup(0)->ColumnChunk(0)->statistics();
    if (!found->HasMinMax()) return std::string("none");
    const auto& doubles = static_cast<const parquet::DoubleStatistics&>(*found);
    const auto text = [](double v) { return (std::signbit(v) ? "-" : "") + std::to_string(std::fabs(v)); };
    return text(doubles.min()) + " " + text(doubles.max());
  };
  CHECK(range("[NaN, NaN]") == "none");
  CHECK(range("[null]") == "none");
  CHECK(range("[NaN, 1, null, 2]") == "1.000000 2.000000");
  CHECK(range("[0.0]") == "-0.000000 0.000000");
  CHECK(range("[-0.0, -0.0]") == "-0.000000 0.000000");
  CHECK(range("[Inf, Inf]") == "inf inf");
  CHECK(range("[-Inf, NaN]") == "-inf -inf");
}

TEST_CASE_METHOD(fixture, "very long texts come back, and give no range") {
  const std::string longest(5'000'000, 'x');
  const auto table = make_table({{"t", "text", "[\"a\", \"" + longest + "\", null, \"\", \"" + longest + "y\"]"}});
  write({table, table->Slice(1, 3)}, {{"compression", "none"}});
  CHECK(read()->num_rows() == 8);
  CHECK(read()->column(0)->GetScalar(1).ValueOrDie()->ToString() == longest);
  CHECK_FALSE(open()->metadata()->RowGroup(0)->ColumnChunk(0)->statistics()->HasMinMax());
}

TEST_CASE_METHOD(fixture, "a column that is declared without nulls may have none") {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64(), false)});
  const auto good = make_table({{"id", "bigint", "[1, 2]"}});
  write({arrow::RecordBatch::Make(schema, 2, {good->column(0)})});
  CHECK(read()->schema()->Equals(schema));
  const auto bad = make_table({{"id", "bigint", "[1, null]"}});
  sink_request to;
  to.unit = "out";
  to.schema = schema;
  to.own = {{"path", "bad.parquet"}};
  to.mode = "replace";
  to.context = &context;
  const auto report = write_all(*find_component(component_kind::sink, "parquet"), to,
                                {arrow::RecordBatch::Make(schema, 2, {bad->column(0)})});
  REQUIRE_FALSE(report.ok());
  CHECK(report.problem().code == "unexpected_null");
}

TEST_CASE_METHOD(fixture, "decimals from a buffer that is aligned to eight bytes only are written as well") {
  const auto table = drawn_table({1000, 0.1, 500}, 11)->SelectColumns({11, 12}).ValueOrDie();
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& column : table->columns()) {
    auto data = column->data()->Copy();
    const auto size = data->buffers[1]->size();
    const std::shared_ptr<arrow::Buffer> room = arrow::AllocateBuffer(size + 8).ValueOrDie();
    std::memcpy(room->mutable_data() + 8, data->buffers[1]->data(), static_cast<std::size_t>(size));
    data->buffers[1] = arrow::SliceBuffer(room, 8, size);
    columns.push_back(arrow::MakeArray(data));
  }
  write({arrow::RecordBatch::Make(table->schema(), table->num_rows(), columns)});
  CHECK(arrives(table));
}

TEST_CASE("the guess of how many different values there are is near") {
  using parquet_writing::guess_distinct;
  std::mt19937 random(3);
  for (const int domain : {10, 1000, 30'000, 100'000, 300'000}) {
    std::vector<bool> seen(static_cast<std::size_t>(domain));
    std::uniform_int_distribution<int> value(0, domain - 1);
    for (int i = 0; i < 32'768; ++i) seen[static_cast<std::size_t>(value(random))] = true;
    const auto different = static_cast<std::size_t>(std::count(seen.begin(), seen.end(), true));
    const auto guess = guess_distinct(different, 32'768);
    CAPTURE(domain, guess);
    if (domain >= 1000) CHECK(std::fabs(guess - domain) < domain * 0.1);
    CHECK(guess < 32'768.0 * 64);
  }
  CHECK(guess_distinct(32'768, 32'768) > 1e9);
}
