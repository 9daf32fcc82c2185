#include "engine/columns/source_columns.hpp"
#include "engine/component/component.hpp"
#include "engine/component/interruption.hpp"
#include "engine/component/opaque.hpp"
#include "engine/sources/generate/generators.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>

namespace sluice {

namespace {

constexpr char position_of_rows = 'g';

/// Lets rows pass at a rate. Shared by the readers of a source.
class pace {
 public:
  explicit pace(double rows_per_second) : rate_(rows_per_second) {}
  /// Says when so many rows may pass.
  std::chrono::steady_clock::time_point due(std::int64_t rows) {
    using clock = std::chrono::steady_clock;
    const auto now = clock::now().time_since_epoch().count();
    std::int64_t begin = 0;
    begun_.compare_exchange_strong(begin, now);
    const auto before = passed_.fetch_add(rows);
    const auto due = begun_.load() + static_cast<std::int64_t>(static_cast<double>(before) / rate_ * 1e9);
    return clock::time_point(std::chrono::nanoseconds(due));
  }
  /// Rows a step, so that no wait is much longer than a tenth of a second.
  [[nodiscard]] std::int64_t step() const { return std::max<std::int64_t>(1, static_cast<std::int64_t>(rate_ / 10)); }

 private:
  double rate_;
  std::atomic<std::int64_t> begun_ = 0;
  std::atomic<std::int64_t> passed_ = 0;
};

struct table {
  std::int64_t rows = 0;
  bool endless = false;  ///< without `rows`
  std::int64_t bytes_per_row = 0;
  std::int64_t batch_rows = target_batch_rows;
  std::int64_t split_rows = target_batch_rows;
  std::uint32_t number = 0;
  bool want_positions = true;
  std::vector<std::unique_ptr<column_generator>> generators;  ///< of the wanted columns
  source_columns columns;
  std::unique_ptr<pace> limit;
};

class generate_reader : public split_reader {
 public:
  generate_reader(std::shared_ptr<const table> what, const split& piece, std::int64_t from)
      : what_(std::move(what)), split_(piece.id), begin_(piece.begin), end_(piece.end), at_(from) {
    if (what_->limit) stopped_.emplace();
  }
  void interrupt() noexcept override {
    if (stopped_) stopped_->raise();
  }

  result<read_step> next() override {
    read_step step;
    const auto count = std::min(what_->batch_rows, end_ - at_);
    if (count <= 0) {
      step.end = true;
      return step;
    }
    if (stopped_) (void)stopped_->sleep_until(what_->limit->due(count));
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const auto& generator : what_->generators) {
      SLUICE_ASSIGN(auto values, generator->make(at_, count));
      arrays.push_back(std::move(values));
    }
    SLUICE_ASSIGN(step.rows.data, what_->columns.assemble(arrays, count, "generate", at_ + 1));
    if (what_->want_positions) {
      SLUICE_ASSIGN(step.rows.positions, row_positions(what_->number, split_, at_ - begin_, count));
    }
    at_ += count;
    step.records = static_cast<std::uint64_t>(count);
    step.bytes = static_cast<std::uint64_t>(count * what_->bytes_per_row);
    step.position = opaque_writer(position_of_rows).number(at_).take();
    step.end = at_ >= end_;
    return step;
  }

 private:
  std::shared_ptr<const table> what_;
  std::uint32_t split_;
  std::int64_t begin_;
  std::int64_t end_;
  std::int64_t at_;
  std::optional<interruption> stopped_;  ///< where there is a rate, and so waiting
};

class generate_source_impl : public source {
 public:
  explicit generate_source_impl(std::shared_ptr<const table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  [[nodiscard]] bool bounded() const override { return !what_->endless; }

  result<std::vector<split>> discover() override {
    std::vector<split> splits;
    // One split, so that rows follow each other by number.
    if (what_->endless)
      return std::vector<split>{{.id = 0, .object = "generate", .begin = 0, .end = what_->rows, .bytes = 0}};
    for (std::int64_t begin = 0; begin < what_->rows; begin += what_->split_rows) {
      const auto end = std::min(begin + what_->split_rows, what_->rows);
      splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                        .object = "generate",
                        .begin = begin,
                        .end = end,
                        .bytes = (end - begin) * what_->bytes_per_row});
    }
    return splits;
  }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    auto from = piece.begin;
    if (!position.empty()) {
      opaque_reader bytes(position, position_of_rows);
      from = bytes.number();
      SLUICE_TRY(bytes.done("the position in generated rows"));
    }
    return std::unique_ptr<split_reader>(new generate_reader(what_, piece, from));
  }
  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    return static_cast<std::uint64_t>(piece.begin) + offset + 1;
  }

 private:
  std::shared_ptr<const table> what_;
};

error fault(std::string code, std::string message, std::string hint, std::string path) {
  auto problem = user_error(std::move(code), std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

void read_columns(const source_request& request, table& made, diagnostics& faults) {
  const auto columns = request.own.value("columns", options::object());
  const auto seed = request.own.value("seed", std::uint64_t{1});
  if (columns.empty())
    faults.push_back(fault("missing_columns", "generate needs columns: at least one", "columns: { id: sequence }",
                           "/generate/columns"));
  std::vector<std::unique_ptr<column_generator>> all;
  arrow::FieldVector fields;
  for (const auto& [name, what] : columns.items()) {
    auto generator = make_generator(name, what, seed);
    if (!generator.ok()) {
      auto problem = std::move(generator).problem();
      problem.path = "/generate/columns/" + name + problem.path;
      faults.push_back(std::move(problem));
      continue;
    }
    fields.push_back(arrow::field(name, (*generator)->type()));
    all.push_back(std::move(generator).value());
  }
  if (!faults.empty()) return;
  auto chosen = source_columns::choose(request, *arrow::schema(fields), true, faults);
  if (!chosen.ok()) return;
  made.columns = std::move(chosen).value();
  for (const int index : made.columns.wanted()) {
    auto& generator = all[static_cast<std::size_t>(index)];
    made.bytes_per_row += generator->bytes_per_row();
    made.generators.push_back(std::move(generator));
  }
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto made = std::make_shared<table>();
  made->number = request.number;
  made->want_positions = request.want_positions;
  const auto rate = request.own.contains("rate") ? request.own["rate"] : options();
  made->endless = !request.own.contains("rows") || request.own["rows"].is_null();
  made->rows = made->endless ? std::numeric_limits<std::int64_t>::max() : request.own.value("rows", std::int64_t{0});
  if (made->endless && rate.is_null())
    faults.push_back(fault("missing_option", "generate needs rows, or rate for rows without end",
                           "rows: 1000000, or rate: 1000 (rows per second, until the run is drained)", "/generate"));
  if (made->rows < 0)
    faults.push_back(fault("invalid_option", "rows must not be negative", "rows: 1000000", "/generate/rows"));
  if (!request.types.is_null() && !request.types.empty())
    faults.push_back(fault("not_supported", "the source generate can't use types: give the type in the column itself",
                           "{ random: [0, 9], type: smallint }", "/types"));
  if (rate.is_number() && !(rate.get<double>() > 0))
    faults.push_back(fault("invalid_option", "rate must be above 0", "rate: 1000", "/generate/rate"));
  diagnostics of_columns;
  read_columns(request, *made, of_columns);
  faults.insert(faults.end(), of_columns.begin(), of_columns.end());
  if (faults.size() > before) return nullptr;

  const auto width = std::max<std::int64_t>(made->bytes_per_row, 1);
  made->batch_rows = std::clamp<std::int64_t>(target_batch_bytes * 2 / width, 1024, target_batch_rows);
  // At most half a million splits, whatever the number of rows: the list of all is held in memory.
  constexpr std::int64_t most_splits = 1 << 19;
  const auto fewest = made->rows / most_splits + 1;
  made->split_rows = std::max({fewest, request.split_bytes / width, made->batch_rows});
  if (rate.is_number()) {
    made->limit = std::make_unique<pace>(rate.get<double>());
    made->batch_rows = std::min(made->batch_rows, made->limit->step());
  }
  return std::make_unique<generate_source_impl>(std::move(made));
}

field_spec any_scalar(std::string name, std::string help) {
  return {
      .name = std::move(name),
      .form = shape::one_of,
      .help = std::move(help),
      .elements = {{.form = shape::boolean}, {.form = shape::integer}, {.form = shape::number}, {.form = shape::text}}};
}

field_spec column_spec() {
  const field_spec sequence = {
      .name = "sequence",
      .form = shape::object,
      .help = "start, start + step, ...: integers, dates (step in days) or timestamps (step is a duration)",
      .elements = {any_scalar("start", "value of the first row (default: 1)"),
                   any_scalar("step", "added for each row (default: 1, 1 day or 1s)")}};
  const field_spec random = {
      .name = "random",
      .form = shape::list,
      .help = "[lowest, highest]: bigint for whole numbers, including both limits; else double",
      .elements = {{.form = shape::one_of, .elements = {{.form = shape::integer}, {.form = shape::number}}}}};
  const field_spec choice = {.name = "choice",
                             .form = shape::list,
                             .help = "one of these values, all equally likely",
                             .elements = {any_scalar("", "")}};
  const field_spec detailed = {
      .form = shape::object,
      .help = "one generator, and how its values are changed",
      .elements = {sequence,
                   random,
                   choice,
                   any_scalar("constant", "the same value in every row"),
                   {.name = "text", .form = shape::integer, .help = "number of random lower-case letters"},
                   {.name = "nulls", .form = shape::number, .help = "proportion of nulls, 0 to 1"},
                   {.name = "type", .form = shape::type, .help = "type to cast the values to"}}};
  return {.form = shape::one_of,
          .help =
              "sequence, or { random: [0, 999] }, { choice: [a, b] }, { constant: x }, { text: 12 }, { sequence: { "
              "start, step } }",
          .elements = {{.form = shape::text, .help = "the numbers 1, 2, 3, ...", .choices = {"sequence"}}, detailed}};
}

component_spec spec() {
  return {
      .name = "generate",
      .kind = component_kind::source,
      .summary = "Generates rows for tests, demos and measurements",
      .description =
          "A value depends only on the seed, the column's name and the row number. So the rows are the same for any "
          "number of splits and on any node, and a column keeps its values if other columns are added or removed. The "
          "position of a row is its number in the split.\n\n"
          "With `rate` and without `rows` it has no end: the run continues until it is drained, and its sinks commit "
          "with "
          "each checkpoint.",
      .value = {.form = shape::object,
                .help = "number of rows, and the columns",
                .elements =
                    {{.name = "rows",
                      .form = shape::integer,
                      .help = "number of rows; without it, rows come at `rate` until the run is drained"},
                     {.name = "columns",
                      .form = shape::map,
                      .help = "name: generator",
                      .required = true,
                      .elements = {column_spec()}},
                     {.name = "seed", .form = shape::integer, .help = "seed of the random values", .default_value = 1},
                     {.name = "rate",
                      .form = shape::number,
                      .help = "maximum rows per second (default: as fast as possible)"}}},
      .law = "in = out",
      .example = R"yaml(version: 1
pipeline: generate-example
extract:
  orders:
    generate:
      rows: 1000
      columns:
        id: sequence
        customer: { random: [1, 50] }
        amount: { random: [0.0, 99.9], type: "decimal(12,2)" }
        status: { choice: [paid, open, returned], nulls: 0.05 }
        ordered_at: { sequence: { start: "2024-01-01T00:00:00Z", step: 90s } }
load:
  nowhere:
    from: orders
    blackhole: {}
)yaml",
      .bounded = false,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& generate_source() {
  static const component made = {.spec = spec(), .make_source = make};
  return made;
}

}  // namespace sluice
