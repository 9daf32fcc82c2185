#include "engine/component/component.hpp"
#include "engine/component/grows_in_place.hpp"
#include "engine/files/appended_text.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/files.hpp"
#include "engine/files/growing_file.hpp"
#include "engine/files/staged_files.hpp"
#include "engine/formats/ndjson/writer.hpp"
#include "engine/sinks/folders/folder_sink.hpp"

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 1024 * 1024;

class ndjson_file : public sink, public growing_file, public grows_in_place, public reads_back {
 public:
  ndjson_file(const sink_request& request, const std::string& path, compression packed)
      : request_(request),
        policy_(request.policy),
        packed_(packed),
        target_(request, path),
        writer_(*request.schema, request.policy == on_error::set_null) {
    target_.continue_by([this](const input_file* old, const std::string* form) { return follow(old, form); });
  }

  status open(std::uint32_t attempt) override {
    SLUICE_ASSIGN(packer_, make_packer(packed_));
    SLUICE_TRY(target_.open(attempt));
    packs_ = !target_.goes_on();
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    SLUICE_TRY(target_.takes_rows());
    writer_.start(*rows.data);
    const auto before = refused.size();
    for (std::int64_t row = 0; row < rows.rows();) {
      row = writer_.write(row, block_bytes, lines_, refused);
      if (policy_ == on_error::fail && refused.size() > before) {
        const auto& why = refused[before];
        return user_error(why.code,
                          "column " + why.column + ": " + why.message + ", in row " +
                              std::to_string(loaded_ + static_cast<std::uint64_t>(why.row) + 1),
                          "on_error: set_null writes null for it; on_error: reject sends the row to the rejects");
      }
      // Who looks at standard output wants rows as they come.
      if (lines_.size() >= block_bytes || target_.is_stdout()) SLUICE_TRY(pass_on());
    }
    loaded_ += static_cast<std::uint64_t>(rows.rows()) - (refused.size() - before);
    return {};
  }

  result<prepared_epoch> prepare(std::uint64_t) override {
    SLUICE_TRY(pass_on());
    // Rows of the next epoch are packed as a stream of their own.
    if (packer_ && std::exchange(packs_, false)) {
      packed_bytes_.clear();
      SLUICE_TRY(packer_->finish(packed_bytes_));
      SLUICE_TRY(target_.write(packed_bytes_));
      SLUICE_ASSIGN(packer_, make_packer(packed_));
    }
    SLUICE_ASSIGN(auto token, target_.prepare());
    return prepared_epoch{{.loaded = std::exchange(loaded_, 0),
                           .set_null = writer_.set_null() - std::exchange(set_null_, writer_.set_null()),
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
    return staged_file("ndjson", request_, token);
  }
  [[nodiscard]] std::int64_t size_so_far() const override { return target_.bytes() + (packer_ ? 0 : lines_.size()); }

 private:
  /// Goes on with the line ends of the old content.
  result<continuation> follow(const input_file* old, const std::string* form) {
    text_form found;
    if (old != nullptr) {
      auto packed = *old;
      packed.packed = packed_;
      SLUICE_ASSIGN(found, form_of_ndjson(packed));
    }
    const auto line_end = !found.line_end.empty() ? found.line_end : form != nullptr ? *form : "\n";
    if (form != nullptr && *form != line_end) return other_line_ends(target_.path());
    carriage_returns_ = line_end == "\r\n";
    SLUICE_ASSIGN(auto between, packed_whole(found.ends_within_line ? line_end : "", packed_));
    return continuation{.between = std::move(between), .form = line_end};
  }

  status pass_on() {
    std::string_view text(reinterpret_cast<const char*>(lines_.data()), static_cast<std::size_t>(lines_.size()));
    std::string with_returns;
    if (carriage_returns_) {
      // Within a text of JSON a line end is written as \n.
      for (const char letter : text) {
        if (letter == '\n') with_returns += '\r';
        with_returns += letter;
      }
      text = with_returns;
    }
    lines_.truncate(0);
    if (!packer_) return target_.write(text);
    if (text.empty()) return {};
    packs_ = true;
    packed_bytes_.clear();
    SLUICE_TRY(packer_->pack(text, packed_bytes_));
    return target_.write(packed_bytes_);
  }

  sink_request request_;
  on_error policy_;
  compression packed_;
  file_target target_;
  ndjson::record_writer writer_;
  growing_bytes lines_;
  std::unique_ptr<packer> packer_;
  bool packs_ = true;  ///< its stream is to be ended
  std::string packed_bytes_;
  bool carriage_returns_ = false;  ///< lines end as those before them: by CR and LF
  std::uint64_t loaded_ = 0;       ///< of this epoch
  std::uint64_t set_null_ = 0;     ///< of the epochs before
};

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  if (writes_folder(request.own)) return make_folder(request, "ndjson", make, faults);
  const auto before = faults.size();
  const auto path = target_path(request, "ndjson", faults);
  const auto packed = compression_of(path, text_option(request.own, "compression", "auto"));
  if (!packed.ok()) faults.push_back(option_fault("ndjson", "compression", packed.problem()));
  if (faults.size() > before) return nullptr;
  return std::make_unique<ndjson_file>(request, path, *packed);
}

component_spec spec() {
  return {
      .name = "ndjson",
      .kind = component_kind::sink,
      .summary = "Writes newline-delimited JSON: one object per line",
      .description =
          "The file appears under its name when it is complete. All fields are written, nulls included. Decimals are "
          "written as numbers with all their digits, dates and times as ISO 8601 texts (timestamptz in UTC with Z), "
          "bytea as text like \"\\\\x0a0b\", lists as arrays, structs as objects. JSON has no NaN and no infinity: "
          "`on_error` decides what happens to such rows (`set_null` writes null).\n\n"
          "With `mode: append` the new rows are added to the existing file in one step; runs that append at the same "
          "time do so one after the other. A file that is not UTF-8, or not one JSON object per line, is refused." +
          folder_description(),
      .value = {.form = shape::object,
                .help = "the file and how to write it",
                .elements = with_folder_fields(file_sink_fields())},
      .law = "in = loaded + rejected",
      .example = R"yaml(version: 1
pipeline: ndjson-sink-example
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  lines:
    from: orders
    ndjson: { path: build/examples/orders.ndjson.gz }
)yaml",
      .promise = delivery::transactional,
      .modes = {"replace", "error", "append", "replace_partitions"},
  };
}

}  // namespace

const component& ndjson_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_files};
  return made;
}

}  // namespace sluice
