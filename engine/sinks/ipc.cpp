#include "engine/component.hpp"
#include "engine/formats/file_target.hpp"
#include "engine/formats/file_target_stream.hpp"
#include "engine/sinks/file_sink_options.hpp"
#include "engine/version.hpp"

#include <arrow/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/compression.h>

namespace sluice {

namespace {

struct ipc_options {
  std::string path;
  arrow::Compression::type compression = arrow::Compression::UNCOMPRESSED;
  bool stream = false;
};

class ipc_file : public sink {
 public:
  ipc_file(const sink_request& request, ipc_options what)
      : schema_(request.schema), what_(std::move(what)), target_(request, what_.path), stream_(target_) {}
  ~ipc_file() override { ipc_file::abort(); }

  status open() override {
    SLUICE_TRY(target_.open());
    auto how = arrow::ipc::IpcWriteOptions::Defaults();
    how.use_threads = false;
    if (what_.compression != arrow::Compression::UNCOMPRESSED) {
      SLUICE_ASSIGN_ARROW(how.codec, arrow::util::Codec::Create(what_.compression), "compress " + target_.path());
    }
    const auto maker = arrow::key_value_metadata({"created_by"}, {std::string("sluice version ") + version()});
    auto made = what_.stream ? arrow::ipc::MakeStreamWriter(&stream_, schema_, how)
                             : arrow::ipc::MakeFileWriter(&stream_, schema_, how, maker);
    if (!made.ok()) return stream_.explain(made.status(), "write the Arrow file " + target_.path());
    writer_ = std::move(made).ValueUnsafe();
    return {};
  }

  status write(const batch& rows, row_errors&) override {
    if (rows.rows() == 0) return {};
    SLUICE_TRY(checked(writer_->WriteRecordBatch(*rows.data)));
    loaded_ += static_cast<std::uint64_t>(rows.rows());
    return {};
  }

  result<sink_report> prepare() override {
    SLUICE_TRY(checked(writer_->Close()));
    SLUICE_TRY(checked(stream_.Close()));
    writer_.reset();
    SLUICE_TRY(target_.prepare());
    return sink_report{
        .loaded = loaded_, .bytes = static_cast<std::uint64_t>(target_.bytes()), .target = target_.path()};
  }

  status commit() override { return target_.commit(); }

  void abort() noexcept override {
    stream_.drop();
    writer_.reset();
    target_.abort();
  }

 private:
  status checked(const arrow::Status& done) {
    return done.ok() ? status{} : status(stream_.explain(done, "write the Arrow file " + target_.path()));
  }

  std::shared_ptr<arrow::Schema> schema_;
  ipc_options what_;
  file_target target_;
  file_target_stream stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  std::uint64_t loaded_ = 0;
};

bool ends_with(const std::string& text, std::string_view tail) {
  return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  ipc_options what;
  what.path = target_path(request, "ipc", faults);
  if (request.mode == "append")
    faults.push_back(
        user_error("not_supported", "an Arrow file can't be appended to", "write another file, or mode: replace"));
  const auto compression = text_option(request.own, "compression", "none");
  if (compression == "lz4") {
    what.compression = arrow::Compression::LZ4_FRAME;
  } else if (compression == "zstd") {
    what.compression = arrow::Compression::ZSTD;
  } else if (compression != "none") {
    faults.push_back(option_fault("ipc", "compression",
                                  user_error("unknown_compression", "Arrow files are not compressed by " + compression,
                                             "known are lz4, zstd and none")));
  }
  const auto format = text_option(request.own, "format", "");
  what.stream = format.empty() ? what.path == "-" || ends_with(what.path, ".arrows") : format == "stream";
  if (faults.size() > before) return nullptr;
  return std::make_unique<ipc_file>(request, std::move(what));
}

component_spec spec() {
  return {
      .name = "ipc",
      .kind = component_kind::sink,
      .summary = "Writes an Arrow IPC file (also called Feather V2) or stream",
      .description =
          "The file appears under its name when it is complete. Each batch of the run becomes a record batch.",
      .value = {.form = shape::object,
                .help = "where to and how",
                .elements =
                    {target_path_field("out/sales.arrow"),
                     compression_field({"none", "lz4", "zstd"}, "none", "of the buffers"),
                     {.name = "format",
                      .form = shape::text,
                      .help = "file (can be read at random) or stream; unless given, stream for - and names in .arrows",
                      .choices = {"file", "stream"}}}},
      .law = "in = loaded",
      .example = R"yaml(version: 1
pipeline: ipc-sink-example
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, k: { random: [0, 9] } } }
load:
  file:
    from: orders
    ipc: { path: build/examples/orders.arrow, compression: lz4 }
)yaml",
      .promise = delivery::transactional,
      .modes = {"replace", "error"},
  };
}

}  // namespace

const component& ipc_sink() {
  static const component made = {.spec = spec(), .make_sink = make};
  return made;
}

}  // namespace sluice
