#include "engine/component/component.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/files/file_target.hpp"
#include "engine/formats/csv/writer.hpp"
#include "engine/formats/ndjson/writer.hpp"
#include "engine/formats/table_text.hpp"

#include <unistd.h>

#include <optional>

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 64 * 1024;

/// Writes rows to standard output as they come: what a terminal or a pipe has seen can't be taken back.
class stdout_rows : public sink {
 public:
  stdout_rows(const sink_request& request, const std::string& format)
      : policy_(request.policy), target_(request, "-"), json_(*request.schema, request.policy == on_error::set_null) {
    if (format == "csv") csv_.emplace(csv::writer_rules{}, request.schema);
    if (format == "table") table_.emplace(request.schema);
  }

  status open(std::uint32_t attempt) override {
    SLUICE_TRY(target_.open(attempt));
    if (csv_) csv_->write_header();
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    const auto before = refused.size();
    if (csv_) {
      csv_->write(*rows.data);
      SLUICE_TRY(pass_on_csv());
    } else if (table_) {
      table_->write(*rows.data, text_);
      SLUICE_TRY(pass_on_table());
    } else {
      SLUICE_TRY(write_json(rows, refused));
    }
    loaded_ += static_cast<std::uint64_t>(rows.rows()) - (refused.size() - before);
    return {};
  }

  /// Rows are out already: the epochs only count them.
  result<prepared_epoch> prepare(std::uint64_t) override {
    if (csv_) SLUICE_TRY(pass_on_csv());
    if (table_) {
      table_->finish(text_);
      SLUICE_TRY(pass_on_table());
    }
    SLUICE_ASSIGN(auto token, target_.prepare());
    const auto set_null = json_.set_null();
    const auto bytes = static_cast<std::uint64_t>(target_.bytes());
    return prepared_epoch{{.loaded = std::exchange(loaded_, 0),
                           .set_null = set_null - std::exchange(set_null_, set_null),
                           .bytes = bytes - std::exchange(bytes_, bytes),
                           .target = "standard output"},
                          std::move(token)};
  }

  status commit(const std::string& token) override { return target_.commit(token); }
  status recover(const std::vector<std::string>& tokens) override { return target_.recover(tokens); }
  void abort() noexcept override { target_.abort(); }
  void interrupt() noexcept override { target_.interrupt(); }

 private:
  status write_json(const batch& rows, row_errors& refused) {
    const auto before = refused.size();
    json_.start(*rows.data);
    for (std::int64_t row = 0; row < rows.rows();) {
      row = json_.write(row, block_bytes, lines_, refused);
      if (policy_ == on_error::fail && refused.size() > before)
        return user_error(refused[before].code, "column " + refused[before].column + ": " + refused[before].message,
                          "stdout: { format: csv } can show it; on_error: set_null writes null for it");
      SLUICE_TRY(target_.write(lines_.data(), static_cast<std::size_t>(lines_.size())));
      lines_.truncate(0);
    }
    return {};
  }
  status pass_on_csv() {
    SLUICE_TRY(target_.write(csv_->data(), csv_->size()));
    csv_->clear();
    return {};
  }
  status pass_on_table() {
    SLUICE_TRY(target_.write(text_));
    text_.clear();
    return {};
  }

  on_error policy_;
  file_target target_;
  ndjson::record_writer json_;
  growing_bytes lines_;
  std::optional<csv::writer> csv_;
  std::optional<table_text> table_;
  std::string text_;
  std::uint64_t loaded_ = 0;    ///< of this epoch
  std::uint64_t set_null_ = 0;  ///< of the epochs before
  std::uint64_t bytes_ = 0;
};

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  auto format = text_option(request.own, "format", "");
  if (format.empty()) format = ::isatty(STDOUT_FILENO) != 0 ? "table" : "ndjson";
  if (format != "csv" && format != "ndjson" && format != "table") {
    faults.push_back(option_fault(
        "stdout", "format",
        user_error("invalid_option", "stdout has no format " + format, "known are csv, ndjson and table")));
    return nullptr;
  }
  return std::make_unique<stdout_rows>(request, format);
}

write_target stated_stream(const options&) {
  return {.what = write_target::kind::standard_output, .path = "-", .option = ""};
}

component_spec spec() {
  return {
      .name = "stdout",
      .kind = component_kind::sink,
      .summary = "Writes rows to standard output",
      .description =
          "Rows are written as a table on a terminal, else as one JSON object per line; `format` changes this. They "
          "appear as soon as they arrive, also if the run fails later. A reader that closes the pipe early (`| head`) "
          "is not an error.",
      .value = {.form = shape::object,
                .help = "no options, or the format",
                .elements = {{.name = "format",
                              .form = shape::text,
                              .help = "default: table on a terminal, else ndjson",
                              .choices = {"csv", "ndjson", "table"}}}},
      .law = "in = loaded + rejected",
      .example = R"yaml(version: 1
pipeline: stdout-example
extract:
  numbers:
    generate: { rows: 3, columns: { id: sequence, name: { choice: [a, b] } } }
load:
  shown:
    from: numbers
    stdout: { format: csv }
)yaml",
      .promise = delivery::at_least_once,
      .modes = {"replace"},
  };
}

}  // namespace

const component& stdout_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_stream};
  return made;
}

}  // namespace sluice
