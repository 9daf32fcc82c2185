#include "tests/engine/wire/sample_batches.hpp"

#include "engine/values/positions.hpp"

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include <limits>

namespace sluice::test {

namespace {

using namespace arrow;

std::shared_ptr<Array> from_json(const std::shared_ptr<DataType>& type, const std::string& text) {
  return json::ArrayFromJSONString(type, text).ValueOrDie();
}

/// Of a source, a split and places that need more than 8, 20 and 36 bits.
std::shared_ptr<FixedSizeBinaryArray> some_positions(std::int64_t rows) {
  return make_positions(rows,
                        [](std::int64_t i) {
                          return position{
                              .source = 300, .split = (1U << 31) + 2, .offset = (std::int64_t{1} << 40) + i * 100};
                        })
      .value();
}

batch make(const FieldVector& fields, const ArrayVector& columns) {
  batch made;
  made.data = RecordBatch::Make(schema(fields), columns.empty() ? 0 : columns[0]->length(), columns);
  made.positions = some_positions(made.data->num_rows());
  made.order = {
      .split = 3, .sequence = (std::uint64_t{1} << 33) + 4, .chunk = 5, .last_chunk = false, .last_in_split = true};
  made.epoch = 7;
  return made;
}

std::shared_ptr<Array> doubles() {
  DoubleBuilder builder;
  (void)builder.AppendValues({1.5, -0.0, std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity(), std::numeric_limits<double>::denorm_min()});
  (void)builder.AppendNull();
  return builder.Finish().ValueOrDie();
}

batch all_types() {
  FieldVector fields;
  ArrayVector columns;
  const auto add = [&](const std::string& name, const std::shared_ptr<DataType>& type, const std::string& text) {
    fields.push_back(field(name, type));
    columns.push_back(from_json(type, text));
  };
  add("boolean", boolean(), "[true, false, null, true, true, false]");
  add("smallint", int16(), "[1, -32768, null, 32767, 0, 5]");
  add("integer", int32(), "[1, null, 3, -2147483648, 2147483647, 0]");
  add("bigint", int64(), "[9223372036854775807, -9223372036854775808, null, 0, 1, 2]");
  add("ubigint", uint64(), "[18446744073709551615, 0, 1, null, 2, 3]");
  add("tiny", int8(), "[1, 2, 3, 4, 5, null]");
  add("real", float32(), "[1.5, null, 0, -1, 2.25, 3]");
  fields.push_back(field("double", float64()));
  columns.push_back(doubles());
  add("decimal128", decimal128(12, 2), R"(["1.00", "-99999999.99", null, "0.01", "0.00", "5.50"])");
  add("decimal256", decimal256(50, 3),
      R"(["1.000", null, "-12345678901234567890123456789012345.678", "0.001", "2.000", "3.000"])");
  add("text", utf8(), R"(["a", "", null, "grüße", "日本語", "tail"])");
  add("large_text", large_utf8(), R"(["a", "", null, "grüße", "x", "tail"])");
  add("bytea", binary(), R"(["a", "", null, "b", "cc", "d"])");
  add("uuid_bytes", fixed_size_binary(4), R"(["abcd", null, "efgh", "ijkl", "mnop", "qrst"])");
  add("date", date32(), "[0, -1, null, 19000, 1, 2]");
  add("time", time64(TimeUnit::MICRO), "[0, 1, null, 86399999999, 2, 3]");
  add("timestamp", timestamp(TimeUnit::MICRO), "[0, -1, null, 1700000000000000, 1, 2]");
  add("timestamptz", timestamp(TimeUnit::MICRO, "Europe/Berlin"), "[0, -1, null, 1700000000000000, 1, 2]");
  add("nanos", timestamp(TimeUnit::NANO, "UTC"), "[0, -1, null, 1700000000000000001, 1, 2]");
  add("interval", month_day_nano_interval(), "[[1, 2, 3], null, [0, 0, 0], [-1, -2, -3], [4, 5, 6], [7, 8, 9]]");
  add("duration", duration(TimeUnit::MICRO), "[1, null, 3, 4, 5, 6]");
  add("nothing", null(), "[null, null, null, null, null, null]");
  add("list", list(int32()), "[[1, 2], [], null, [null, 3], [4], [5, 6, 7]]");
  add("large_list", large_list(utf8()), R"([["a"], [], null, [null], ["b", "c"], []])");
  add("fixed_list", fixed_size_list(int16(), 2), "[[1, 2], null, [3, null], [4, 5], [6, 7], [8, 9]]");
  const auto inner = struct_({field("x", int64()), field("tags", list(utf8()))});
  add("struct", inner,
      R"([{"x": 1, "tags": ["a"]}, null, {"x": null, "tags": []}, {"x": 4, "tags": null}, {"x": 5, "tags": ["b", null]}, {"x": 6, "tags": ["c"]}])");
  add("list_of_structs", list(inner), R"([[{"x": 1, "tags": ["a"]}], [], null, [null], [{"x": 2, "tags": null}], []])");
  add("map", map(utf8(), int32()), R"([[["a", 1], ["b", null]], [], null, [["c", 3]], [], [["d", 4]]])");
  const auto words = from_json(utf8(), R"(["unused", "red", "green", null, "blue"])");
  fields.push_back(field("dictionary", dictionary(int8(), utf8())));
  columns.push_back(
      std::make_shared<DictionaryArray>(dictionary(int8(), utf8()), from_json(int8(), "[1, 2, null, 4, 1, 3]"), words));
  const auto ordered = dictionary(int32(), utf8(), true);
  fields.push_back(field("ordered_dictionary", ordered));
  columns.push_back(std::make_shared<DictionaryArray>(ordered, from_json(int32(), "[4, 4, 4, null, 1, 0]"), words));
  return make(fields, columns);
}

}  // namespace

std::vector<sample_batch> sample_batches() {
  std::vector<sample_batch> all;
  const auto types = all_types();
  all.push_back({"all_types", types});
  all.push_back({"slice_inside_a_byte", types.slice(1, 4)});
  all.push_back({"one_row", types.slice(2, 1)});
  all.push_back({"no_rows", types.slice(3, 0)});
  all.push_back({"tail", types.slice(5, 1)});

  const auto many = RecordBatch::Make(schema({field("flag", boolean()), field("word", utf8())}), 8,
                                      {from_json(boolean(), "[true, false, true, true, false, null, true, false]"),
                                       from_json(utf8(), R"(["a","b","c","d","e","f","g","h"])")});
  all.push_back({"no_positions", batch{.data = many->Slice(3, 5), .positions = nullptr, .order = {}}});
  all.push_back(
      {"no_columns",
       batch{.data = RecordBatch::Make(schema({}), 5, ArrayVector{}), .positions = some_positions(5), .order = {}}});

  const auto noted = key_value_metadata({"unit"}, {"metres"});
  all.push_back({"metadata", make({field("id", int64(), false), field("length", float32(), true, noted)},
                                  {from_json(int64(), "[1, 2]"), from_json(float32(), "[1, 2]")})});
  // The same as Parquet and joins make them: arrays without some of the buffers that they could have.
  all.push_back(
      {"all_null", make({field("a", int32()), field("b", utf8())},
                        {MakeArrayOfNull(int32(), 9).ValueOrDie(), MakeArrayOfNull(utf8(), 9).ValueOrDie()})});
  all.push_back({"empty_made", make({field("a", list(utf8())), field("d", dictionary(int32(), utf8()))},
                                    {MakeEmptyArray(list(utf8())).ValueOrDie(),
                                     MakeEmptyArray(dictionary(int32(), utf8())).ValueOrDie()})});
  return all;
}

batch wide_batch(std::int64_t rows, std::size_t text_bytes) {
  Int64Builder ids;
  StringBuilder texts;
  for (std::int64_t i = 0; i < rows; ++i) {
    (void)ids.Append(i);
    std::string text(text_bytes, ' ');
    for (std::size_t c = 0; c < text.size(); ++c)
      text[c] = static_cast<char>('a' + (static_cast<std::size_t>(i) * 7 + c) % 26);
    (void)texts.Append(text);
  }
  return make({field("id", int64()), field("text", utf8())}, {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()});
}

bool same_batch(const batch& one, const batch& other) {
  const auto nan_equal = EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
  if (!one.data->schema()->Equals(*other.data->schema(), true)) return false;
  if (one.rows() != other.rows() || one.order != other.order || one.epoch != other.epoch) return false;
  for (int i = 0; i < one.data->num_columns(); ++i) {
    auto left = one.data->column(i);
    auto right = other.data->column(i);
    // A dictionary may have shrunk: its values count, not their numbers.
    if (left->type_id() == Type::DICTIONARY) {
      for (std::int64_t row = 0; row < left->length(); ++row) {
        const auto value = [&](const Array& from) {
          const auto& coded = static_cast<const DictionaryArray&>(from);
          return coded.IsNull(row) ? MakeNullScalar(utf8())
                                   : coded.dictionary()->GetScalar(coded.GetValueIndex(row)).ValueOrDie();
        };
        if (!value(*left)->Equals(*value(*right))) return false;
      }
    } else if (!left->Equals(right, nan_equal)) {
      return false;
    }
  }
  if (!one.positions || !other.positions) return !one.positions && !other.positions;
  return one.positions->Equals(*other.positions);
}

}  // namespace sluice::test
