#include "engine/columns/typed/read_value.hpp"
#include "engine/component/component.hpp"
#include "engine/component/grows_in_place.hpp"
#include "engine/files/appended_text.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/files.hpp"
#include "engine/files/growing_file.hpp"
#include "engine/files/staged_files.hpp"
#include "engine/formats/csv/writer.hpp"
#include "engine/sinks/folders/folder_sink.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

constexpr std::size_t flush_bytes = 1024 * 1024;

struct csv_target {
  std::string path;
  csv::writer_rules rules;
  compression packed = compression::none;
};

class csv_file : public sink, public growing_file, public grows_in_place, public reads_back {
 public:
  csv_file(const sink_request& request, csv_target what)
      : request_(request),
        what_(std::move(what)),
        target_(request, what_.path),
        schema_(request.schema),
        writer_(what_.rules, schema_),
        columns_(request.schema->field_names()) {
    target_.continue_by([this](const input_file* old, const std::string* form) { return follow(old, form); });
  }

  status open(std::uint32_t attempt) override {
    SLUICE_ASSIGN(packer_, make_packer(what_.packed));
    SLUICE_TRY(target_.open(attempt));
    if (what_.rules.header && !target_.appends() && !target_.goes_on()) writer_.write_header();
    packs_ = !target_.goes_on();
    return {};
  }

  status write(const batch& rows, row_errors&) override {
    SLUICE_TRY(target_.takes_rows());
    writer_.write(*rows.data);
    loaded_ += static_cast<std::uint64_t>(rows.rows());
    // Who looks at standard output wants rows as they come.
    return writer_.size() >= flush_bytes || target_.is_stdout() ? flush() : status{};
  }

  result<prepared_epoch> prepare(std::uint64_t) override {
    SLUICE_TRY(flush());
    // Rows of the next epoch are packed as a stream of their own.
    if (packer_ && std::exchange(packs_, false)) {
      std::string rest;
      SLUICE_TRY(packer_->finish(rest));
      SLUICE_TRY(target_.write(rest));
      SLUICE_ASSIGN(packer_, make_packer(what_.packed));
    }
    SLUICE_ASSIGN(auto token, target_.prepare());
    return prepared_epoch{{.loaded = std::exchange(loaded_, 0),
                           .bytes = static_cast<std::uint64_t>(target_.more_bytes()),
                           .target = target_.path()},
                          std::move(token)};
  }

  status commit(const std::string& token) override { return target_.commit(token); }
  status recover(const std::vector<std::string>& tokens) override { return target_.recover(tokens); }
  status keep(const std::vector<std::string>& tokens) override { return target_.keep(tokens); }
  [[nodiscard]] bool can_grow() const override { return target_.can_grow(); }
  void grow(std::string behind) override { target_.grow(std::move(behind)); }
  void forget(const std::string& token) noexcept override { file_target::forget(token); }
  [[nodiscard]] bool one_epoch() const override { return target_.one_epoch(); }
  void abort() noexcept override { target_.abort(); }
  void interrupt() noexcept override { target_.interrupt(); }
  result<std::vector<staged_source>> staged(const std::string& token) override {
    return staged_file("csv", request_, token);
  }
  [[nodiscard]] std::int64_t size_so_far() const override {
    return target_.bytes() + (packer_ ? 0 : static_cast<std::int64_t>(writer_.size()));
  }

 private:
  /// Goes on in the form of the old content: its line ends, a header where there is none yet.
  result<continuation> follow(const input_file* old, const std::string* form) {
    text_form found;
    if (old != nullptr) {
      auto packed = *old;
      packed.packed = what_.packed;
      SLUICE_ASSIGN(found, form_of_csv(packed, what_.rules, columns_));
    }
    const auto line_end = !found.line_end.empty() ? found.line_end : form != nullptr ? *form : what_.rules.line_end;
    if (form != nullptr && *form != line_end) return other_line_ends(target_.path());
    writer_.end_lines_by(line_end);
    std::string between = found.ends_within_line ? line_end : "";
    if (what_.rules.header && !found.has_header) {
      csv::writer header(what_.rules, schema_);
      header.end_lines_by(line_end);
      header.write_header();
      between.append(header.data(), header.size());
    }
    SLUICE_ASSIGN(between, packed_whole(between, what_.packed));
    return continuation{.between = std::move(between), .form = line_end};
  }

  status flush() {
    const std::string_view text(writer_.data(), writer_.size());
    if (!packer_) {
      SLUICE_TRY(target_.write(text));
    } else if (!text.empty()) {
      packs_ = true;
      packed_.clear();
      SLUICE_TRY(packer_->pack(text, packed_));
      SLUICE_TRY(target_.write(packed_));
    }
    writer_.clear();
    return {};
  }

  sink_request request_;
  csv_target what_;
  file_target target_;
  std::shared_ptr<arrow::Schema> schema_;
  csv::writer writer_;
  std::vector<std::string> columns_;
  std::unique_ptr<packer> packer_;
  bool packs_ = true;  ///< its stream is to be ended
  std::string packed_;
  std::uint64_t loaded_ = 0;
};

char byte_option(const options& own, const char* name, char preset, diagnostics& faults) {
  const auto text = text_option(own, name, std::string(1, preset));
  if (text == "\\t") return '\t';
  if (text.size() == 1 && text[0] != '\n' && text[0] != '\r') return text[0];
  faults.push_back(
      option_fault("csv", name,
                   user_error("invalid_option", std::string(name) + " must be one byte, found '" + text + "'",
                              "for example \",\", \";\", \"|\" or \"\\t\"")));
  return preset;
}

bool flag_option(const options& own, const char* name, bool preset) {
  return own.is_object() && own.contains(name) && own[name].is_boolean() ? own[name].get<bool>() : preset;
}

/// True where a value that is no text could be written so, and would be taken for a null by whoever reads it.
bool looks_like_value(const std::string& text) {
  double number = 0;
  typed::moment when;
  std::int64_t time = 0;
  return typed::read_double(text, number) || typed::read_moment(text, when) || typed::read_time(text, time) ||
         text == "true" || text == "false";
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  if (writes_folder(request.own)) return make_folder(request, "csv", make, faults);
  const auto before = faults.size();
  csv_target what;
  what.path = target_path(request, "csv", faults);
  what.rules.separator = byte_option(request.own, "separator", ',', faults);
  what.rules.quote = byte_option(request.own, "quote", '"', faults);
  if (what.rules.separator == what.rules.quote)
    faults.push_back(option_fault(
        "csv", "quote",
        user_error("invalid_option", "separator and quote are the same: '" + std::string(1, what.rules.quote) + "'",
                   "set another separator or quote")));
  what.rules.header = flag_option(request.own, "header", true);
  what.rules.null_value = text_option(request.own, "null_value", "");
  what.rules.quote_all = text_option(request.own, "quoting", "needed") == "always";
  what.rules.line_end = text_option(request.own, "line_end", "lf") == "crlf" ? "\r\n" : "\n";
  const auto packed = compression_of(what.path, text_option(request.own, "compression", "auto"));
  if (packed.ok()) {
    what.packed = *packed;
  } else {
    faults.push_back(option_fault("csv", "compression", packed.problem()));
  }
  if (what.rules.null_value.find_first_of(std::string{what.rules.separator, what.rules.quote, '\n', '\r'}) !=
      std::string::npos)
    faults.push_back(
        option_fault("csv", "null_value",
                     user_error("invalid_option", "null_value can't contain separators, quotes or line breaks")));
  if (looks_like_value(what.rules.null_value))
    faults.push_back(
        option_fault("csv", "null_value",
                     user_error("invalid_option", "null_value " + what.rules.null_value + " could also be a value",
                                "use a text that can't be a number, date or boolean, such as NULL")));
  if (faults.size() > before) return nullptr;
  return std::make_unique<csv_file>(request, std::move(what));
}

component_spec spec() {
  return {
      .name = "csv",
      .kind = component_kind::sink,
      .summary = "Writes a CSV file: text separated by commas, tabs or another separator",
      .description =
          "The file appears under its name when it is complete. Values that contain separators, quotes or line breaks "
          "are quoted (RFC 4180). Empty texts and texts that look like the null value are quoted too, so that they are "
          "not read back as null. Floating-point numbers are written as the shortest text that reads back as the same "
          "value.\n\n"
          "With `mode: append` the new rows are added to the existing file in one step; runs that append at the same "
          "time do so one after the other. The columns must be the same as in the file, in the same order. The file's "
          "line breaks are kept, and a missing one at its end is added. A file that is not UTF-8, or whose records "
          "have a different number of fields, is refused." +
          folder_description(),
      .value = {.name = "",
                .form = shape::object,
                .help = "the file and how to write it",
                .elements = with_folder_fields(
                    {target_path_field("out/report.csv"),
                     compression_field({"auto", "none", "gzip", "zstd", "lz4", "bz2"}, "auto",
                                       "compression of the file; auto: by its extension (.gz, .zst, .lz4, .bz2)"),
                     {.name = "separator",
                      .form = shape::text,
                      .help = "separator between fields; \"\\t\" for a tab",
                      .default_value = ","},
                     {.name = "quote",
                      .form = shape::text,
                      .help = "quote character for fields that need it",
                      .default_value = "\""},
                     {.name = "header",
                      .form = shape::boolean,
                      .help = "whether to write the column names as first line",
                      .default_value = true},
                     {.name = "null_value", .form = shape::text, .help = "text to write for null", .default_value = ""},
                     {.name = "quoting",
                      .form = shape::text,
                      .help = "which values to quote; nulls are never quoted",
                      .default_value = "needed",
                      .choices = {"needed", "always"}},
                     {.name = "line_end",
                      .form = shape::text,
                      .help = "line break: lf or crlf",
                      .default_value = "lf",
                      .choices = {"lf", "crlf"}}})},
      .law = "in = loaded",
      .example = R"(version: 1
pipeline: write-csv
extract:
  airlines:
    csv: { path: examples/data/airlines.csv }
load:
  out:
    from: airlines
    csv: { path: out/airlines.csv, separator: ";", quoting: always }
)",
      .promise = delivery::transactional,
      .modes = {"replace", "error", "append", "replace_partitions"},
  };
}

}  // namespace

const component& csv_sink() {
  static const component described = {.spec = spec(), .make_sink = make, .target = stated_files};
  return described;
}

}  // namespace sluice
