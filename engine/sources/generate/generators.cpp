#include "engine/sources/generate/generators.hpp"

#include "engine/values/quantities.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

using array_ptr = std::shared_ptr<arrow::Array>;
using generator_ptr = std::unique_ptr<column_generator>;
__extension__ typedef unsigned __int128 uint128;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014) as a function of the row.
std::uint64_t mix(std::uint64_t key, std::uint64_t row) {
  auto z = key + (row + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// FNV-1a of the column's name: adding or leaving out a column changes no other.
std::uint64_t key_of(const std::string& column, std::uint64_t seed, const char* purpose) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : column + '\0' + purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(hash, seed);
}

/// Maps 64 random bits to [0, range); range 0 stands for 2^64 (Lemire's multiplication, its bias is below 2^-32 here).
std::uint64_t scale(std::uint64_t bits, std::uint64_t range) {
  return range == 0 ? bits : static_cast<std::uint64_t>((uint128{bits} * range) >> 64);
}

error fault(std::string message, std::string hint, std::string path = {}) {
  auto problem = user_error("invalid_generator", std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

result<std::shared_ptr<arrow::Buffer>> new_buffer(std::int64_t bytes) {
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(bytes), "generate rows");
  return buffer;
}

/// Fills a column of fixed width by a function of the row.
template <class Value, class Function>
result<array_ptr> fill(const std::shared_ptr<arrow::DataType>& type, std::int64_t first, std::int64_t count,
                       Function of) {
  SLUICE_ASSIGN(auto buffer, new_buffer(count * static_cast<std::int64_t>(sizeof(Value))));
  auto* out = reinterpret_cast<Value*>(buffer->mutable_data());
  for (std::int64_t i = 0; i < count; ++i) out[i] = of(static_cast<std::uint64_t>(first + i));
  return arrow::MakeArray(arrow::ArrayData::Make(type, count, {nullptr, std::move(buffer)}, 0));
}

class sequence_generator : public column_generator {
 public:
  sequence_generator(std::shared_ptr<arrow::DataType> type, std::int64_t start, std::int64_t step)
      : type_(std::move(type)), start_(start), step_(step) {}
  std::shared_ptr<arrow::DataType> type() const override { return type_; }
  int bytes_per_row() const override { return type_->byte_width(); }
  result<array_ptr> make(std::int64_t first, std::int64_t count) const override {
    // Wraps around like every unsigned number instead of being undefined.
    const auto value = [start = static_cast<std::uint64_t>(start_),
                        step = static_cast<std::uint64_t>(step_)](std::uint64_t row) { return start + row * step; };
    if (type_->id() == arrow::Type::DATE32)
      return fill<std::int32_t>(type_, first, count, [&](auto row) { return static_cast<std::int32_t>(value(row)); });
    return fill<std::uint64_t>(type_, first, count, value);
  }

 private:
  std::shared_ptr<arrow::DataType> type_;
  std::int64_t start_;
  std::int64_t step_;
};

class random_integer : public column_generator {
 public:
  random_integer(std::uint64_t key, std::int64_t low, std::int64_t high)
      : key_(key), low_(static_cast<std::uint64_t>(low)), range_(static_cast<std::uint64_t>(high) - low_ + 1) {}
  std::shared_ptr<arrow::DataType> type() const override { return arrow::int64(); }
  int bytes_per_row() const override { return 8; }
  result<array_ptr> make(std::int64_t first, std::int64_t count) const override {
    return fill<std::uint64_t>(arrow::int64(), first, count,
                               [this](auto row) { return low_ + scale(mix(key_, row), range_); });
  }

 private:
  std::uint64_t key_;
  std::uint64_t low_;
  std::uint64_t range_;
};

class random_double : public column_generator {
 public:
  random_double(std::uint64_t key, double low, double high) : key_(key), low_(low), width_(high - low) {}
  std::shared_ptr<arrow::DataType> type() const override { return arrow::float64(); }
  int bytes_per_row() const override { return 8; }
  result<array_ptr> make(std::int64_t first, std::int64_t count) const override {
    return fill<double>(arrow::float64(), first, count, [this](auto row) {
      return low_ + static_cast<double>(mix(key_, row) >> 11) * 0x1p-53 * width_;
    });
  }

 private:
  std::uint64_t key_;
  double low_;
  double width_;
};

class random_text : public column_generator {
 public:
  random_text(std::uint64_t key, int length) : key_(key), length_(length) {}
  std::shared_ptr<arrow::DataType> type() const override { return arrow::utf8(); }
  int bytes_per_row() const override { return 4 + length_; }
  result<array_ptr> make(std::int64_t first, std::int64_t count) const override {
    SLUICE_ASSIGN(auto offsets, new_buffer((count + 1) * 4));
    SLUICE_ASSIGN(auto letters, new_buffer(count * length_));
    auto* ends = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
    auto* out = letters->mutable_data();
    for (std::int64_t i = 0; i < count; ++i) {
      ends[i] = static_cast<std::int32_t>(i * length_);
      for (int done = 0; done < length_; ++done) {
        // Twelve letters of 26 fit into 64 bits with room to spare.
        static constexpr int letters_a_word = 12;
        const auto word =
            mix(key_ + static_cast<std::uint64_t>(done / letters_a_word), static_cast<std::uint64_t>(first + i));
        *out++ = static_cast<std::uint8_t>('a' + ((word >> (done % letters_a_word * 5)) & 31) * 26 / 32);
      }
    }
    ends[count] = static_cast<std::int32_t>(count * length_);
    return array_ptr(std::make_shared<arrow::StringArray>(count, std::move(offsets), std::move(letters)));
  }

 private:
  std::uint64_t key_;
  int length_;
};

/// Takes values of a list of constants.
class choice_generator : public column_generator {
 public:
  choice_generator(std::uint64_t key, array_ptr values) : key_(key), values_(std::move(values)) {}
  std::shared_ptr<arrow::DataType> type() const override { return values_->type(); }
  int bytes_per_row() const override {
    if (values_->type_id() != arrow::Type::STRING) return 8;
    const auto& texts = static_cast<const arrow::StringArray&>(*values_);
    return 4 + static_cast<int>(texts.total_values_length() / texts.length());
  }
  result<array_ptr> make(std::int64_t first, std::int64_t count) const override {
    const auto choices = static_cast<std::uint64_t>(values_->length());
    SLUICE_ASSIGN(auto indices, fill<std::int32_t>(arrow::int32(), first, count, [&](auto row) {
                    return static_cast<std::int32_t>(scale(mix(key_, row), choices));
                  }));
    SLUICE_ASSIGN_ARROW(auto taken,
                        arrow::compute::Take(*values_, *indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                        "generate rows");
    return taken;
  }

 private:
  std::uint64_t key_;
  array_ptr values_;
};

/// Gives another generator's values a type and replaces a share of them by null.
class finished_generator : public column_generator {
 public:
  finished_generator(generator_ptr inner, std::shared_ptr<arrow::DataType> type, std::uint64_t key, double nulls)
      : inner_(std::move(inner)),
        type_(std::move(type)),
        key_(key),
        null_below_(static_cast<std::uint64_t>(nulls * 0x1p53)) {}
  std::shared_ptr<arrow::DataType> type() const override { return type_; }
  int bytes_per_row() const override { return inner_->bytes_per_row(); }
  result<array_ptr> make(std::int64_t first, std::int64_t count) const override {
    SLUICE_ASSIGN(auto values, inner_->make(first, count));
    if (!values->type()->Equals(*type_)) {
      arrow::compute::CastOptions how;
      how.to_type = type_;
      how.allow_decimal_truncate = how.allow_float_truncate = true;
      SLUICE_ASSIGN_ARROW(values, arrow::compute::Cast(*values, type_, how),
                          "generate values of type " + type_name(*type_));
    }
    return null_below_ == 0 ? values : with_nulls(*values, first);
  }

 private:
  result<array_ptr> with_nulls(const arrow::Array& values, std::int64_t first) const {
    const auto count = values.length();
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bitmap, arrow::AllocateBitmap(count), "generate rows");
    auto* bits = bitmap->mutable_data();
    std::fill(bits, bits + bitmap->size(), std::uint8_t{0});
    for (std::int64_t i = 0; i < count; ++i) {
      const bool valid = values.IsValid(i) && (mix(key_, static_cast<std::uint64_t>(first + i)) >> 11) >= null_below_;
      bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (valid ? 1U << (i % 8) : 0U));
    }
    auto data = values.data()->Copy();
    data->buffers[0] = std::move(bitmap);
    data->null_count = arrow::kUnknownNullCount;
    return arrow::MakeArray(std::move(data));
  }

  generator_ptr inner_;
  std::shared_ptr<arrow::DataType> type_;
  std::uint64_t key_;
  std::uint64_t null_below_;
};

/// Reads a date or timestamp, with or without zone.
std::shared_ptr<arrow::Scalar> parse_moment(const std::string& text) {
  if (auto date = arrow::Scalar::Parse(arrow::date32(), text); date.ok()) return *date;
  // Arrow reads a zone behind any timestamp, whether its type has one or not.
  const auto time = text.find_first_of("T ");
  const bool zoned = time != std::string::npos && text.find_first_of("Z+-", time) != std::string::npos;
  const auto type = zoned ? timestamptz_type() : timestamp_type();
  return arrow::Scalar::Parse(type, text).ValueOr(nullptr);
}

result<generator_ptr> make_sequence(const options& what) {
  if (!what.is_null() && !what.is_object())
    return fault("sequence must be { start: VALUE, step: VALUE }", "{ sequence: { start: 1, step: 1 } }", "/sequence");
  const auto start = what.is_object() && what.contains("start") ? what["start"] : options(1);
  const auto step = what.is_object() && what.contains("step") ? what["step"] : options(1);
  if (start.is_number_integer()) {
    if (!step.is_number_integer())
      return fault("the step of a sequence of integers must be an integer", "{ sequence: { start: 0, step: 10 } }",
                   "/sequence/step");
    return generator_ptr(new sequence_generator(arrow::int64(), start.get<std::int64_t>(), step.get<std::int64_t>()));
  }
  const auto moment = start.is_string() ? parse_moment(start.get<std::string>()) : nullptr;
  if (!moment)
    return fault("a sequence must start with an integer, a date or a timestamp",
                 "{ sequence: { start: 2024-01-01, step: 1 } }", "/sequence/start");
  if (moment->type->id() == arrow::Type::DATE32) {
    if (!step.is_number_integer())
      return fault("the step of a sequence of dates must be a number of days",
                   "{ sequence: { start: 2024-01-01, step: 1 } }", "/sequence/step");
    const auto days = static_cast<const arrow::Date32Scalar&>(*moment).value;
    return generator_ptr(new sequence_generator(moment->type, days, step.get<std::int64_t>()));
  }
  auto microseconds = result<std::int64_t>(1'000'000);
  if (step.is_string()) microseconds = parse_duration(step.get<std::string>());
  if (!microseconds.ok() || (!step.is_string() && step != options(1)))
    return fault("the step of a sequence of timestamps must be a duration",
                 "{ sequence: { start: 2024-01-01T00:00:00Z, step: 1s } }", "/sequence/step");
  const auto value = static_cast<const arrow::TimestampScalar&>(*moment).value;
  return generator_ptr(new sequence_generator(moment->type, value, *microseconds));
}

result<generator_ptr> make_random(const options& what, std::uint64_t key) {
  const bool pair = what.is_array() && what.size() == 2 && what[0].is_number() && what[1].is_number();
  if (!pair)
    return fault("random must be a list of the lowest and the highest value", "{ random: [0, 999] }", "/random");
  const bool whole = what[0].is_number_integer() && what[1].is_number_integer();
  if (whole ? what[0].get<std::int64_t>() > what[1].get<std::int64_t>() : what[0].get<double>() > what[1].get<double>())
    return fault("the lowest value must come first", "{ random: [0, 999] }", "/random");
  if (whole) return generator_ptr(new random_integer(key, what[0].get<std::int64_t>(), what[1].get<std::int64_t>()));
  return generator_ptr(new random_double(key, what[0].get<double>(), what[1].get<double>()));
}

result<array_ptr> constants(const options& list, const std::string& path) {
  const auto given = std::find_if(list.begin(), list.end(), [](const auto& value) { return !value.is_null(); });
  const auto& kind = given == list.end() ? list.back() : *given;
  std::shared_ptr<arrow::DataType> type = arrow::utf8();
  if (kind.is_boolean()) type = arrow::boolean();
  if (kind.is_number()) {
    const bool whole = std::all_of(list.begin(), list.end(), [](const auto& v) { return !v.is_number_float(); });
    type = whole ? arrow::int64() : arrow::float64();
  }
  SLUICE_ASSIGN_ARROW(auto builder, arrow::MakeBuilder(type), "make the choices");
  for (const auto& value : list) {
    if (value.is_null()) {
      SLUICE_TRY_ARROW(builder->AppendNull(), "make the choices");
      continue;
    }
    const bool fits = type->id() == arrow::Type::STRING ? value.is_string()
                      : type->id() == arrow::Type::BOOL ? value.is_boolean()
                                                        : value.is_number();
    if (!fits)
      return fault("the choices of a column must be all texts, all numbers or all booleans",
                   "quote the texts: [\"1\", a]", path);
    const auto text = value.is_string() ? value.get<std::string>() : value.dump();
    SLUICE_ASSIGN_ARROW(auto scalar, arrow::Scalar::Parse(type, text), "make the choices");
    SLUICE_TRY_ARROW(builder->AppendScalar(*scalar), "make the choices");
  }
  SLUICE_ASSIGN_ARROW(auto values, builder->Finish(), "make the choices");
  return values;
}

result<generator_ptr> make_choice(const options& list, std::uint64_t key, const std::string& path) {
  if (!list.is_array() || list.empty())
    return fault("choice must be a list of values", "{ choice: [red, green] }", path);
  SLUICE_ASSIGN(auto values, constants(list, path));
  return generator_ptr(new choice_generator(key, std::move(values)));
}

result<generator_ptr> make_text(const options& what, std::uint64_t key) {
  constexpr int longest = 4096;
  if (!what.is_number_integer() || what.get<std::int64_t>() < 0 || what.get<std::int64_t>() > longest)
    return fault("text must be the number of random letters, 0 to 4096", "{ text: 12 }", "/text");
  return generator_ptr(new random_text(key, what.get<int>()));
}

const char* const known_kinds =
    "generators are sequence, random, choice, constant and text, for example { random: [0, 999] }";

result<generator_ptr> make_kind(const std::string& column, const options& what, std::uint64_t seed) {
  const auto key = key_of(column, seed, "values");
  if (what == options("sequence")) return make_sequence(nullptr);
  if (!what.is_object()) return fault("column " + column + " has no generator", known_kinds);
  std::vector<std::string> kinds;
  for (const auto* kind : {"sequence", "random", "choice", "constant", "text"})
    if (what.contains(kind)) kinds.emplace_back(kind);
  if (kinds.size() != 1)
    return fault("column " + column + " must have one generator, found " + std::to_string(kinds.size()), known_kinds);
  const auto& value = what[kinds[0]];
  if (kinds[0] == "sequence") return make_sequence(value);
  if (kinds[0] == "random") return make_random(value, key);
  if (kinds[0] == "choice") return make_choice(value, key, "/choice");
  if (kinds[0] == "constant") return make_choice(options::array({value}), key, "/constant");
  return make_text(value, key);
}

}  // namespace

result<generator_ptr> make_generator(const std::string& column, const options& what, std::uint64_t seed) {
  SLUICE_ASSIGN(auto made, make_kind(column, what, seed));
  if (!what.is_object()) return made;
  auto type = made->type();
  double nulls = 0;
  if (what.contains("nulls")) {
    nulls = what["nulls"].is_number() ? what["nulls"].get<double>() : -1;
    if (!(nulls >= 0 && nulls <= 1))
      return fault("nulls must be a number from 0 to 1", "{ random: [0, 9], nulls: 0.1 }", "/nulls");
  }
  if (what.contains("type") && what["type"].is_string()) {
    auto parsed = parse_type(what["type"].get<std::string>());
    if (!parsed.ok()) {
      auto problem = std::move(parsed).problem();
      problem.path = "/type";
      return problem;
    }
    type = *parsed;
  }
  if (nulls == 0 && type->Equals(*made->type())) return made;
  auto finished = generator_ptr(new finished_generator(std::move(made), type, key_of(column, seed, "nulls"), nulls));
  // A type that the values can't have shows in the first row.
  if (auto tried = finished->make(0, 1); !tried.ok()) {
    auto problem = std::move(tried).problem();
    problem.path = "/type";
    return problem;
  }
  return finished;
}

}  // namespace sluice
