#include "engine/columns/file_types.hpp"
#include "engine/component/component.hpp"
#include "engine/files/arrow_file_sink.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/sinks/folders/folder_sink.hpp"
#include "engine/version.hpp"

#include <arrow/ipc/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>

namespace sluice {

namespace {

struct ipc_options {
  std::string path;
  arrow::Compression::type compression = arrow::Compression::UNCOMPRESSED;
  bool stream = false;
};

class ipc_file : public arrow_file_sink {
 public:
  ipc_file(const sink_request& request, const ipc_options& what)
      : arrow_file_sink(request, what.path, "the Arrow file", "ipc"), schema_(request.schema), what_(what) {}
  ~ipc_file() override { let_go(); }

 protected:
  status begin() override {
    auto how = arrow::ipc::IpcWriteOptions::Defaults();
    how.use_threads = false;
    if (what_.compression != arrow::Compression::UNCOMPRESSED) {
      SLUICE_ASSIGN_ARROW(how.codec, arrow::util::Codec::Create(what_.compression), "compress " + target_.path());
    }
    const auto maker = arrow::key_value_metadata({"created_by"}, {std::string("sluice version ") + version()});
    in_file_ = file_schema(schema_);
    auto made = what_.stream ? arrow::ipc::MakeStreamWriter(&stream_, in_file_, how)
                             : arrow::ipc::MakeFileWriter(&stream_, in_file_, how, maker);
    if (!made.ok()) return failed(made.status());
    writer_ = std::move(made).ValueUnsafe();
    return {};
  }

  status add(const batch& rows) override {
    auto data = rows.data;
    if (in_file_ != schema_) {
      SLUICE_ASSIGN(data, file_rows(data, in_file_));
    }
    return checked(writer_->WriteRecordBatch(*data));
  }
  status end() override { return checked(writer_->Close()); }
  void drop() noexcept override { writer_.reset(); }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> in_file_;  ///< file_schema of it
  ipc_options what_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

bool ends_with(const std::string& text, std::string_view tail) {
  return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  if (writes_folder(request.own)) return make_folder(request, "ipc", make, faults);
  const auto before = faults.size();
  ipc_options what;
  what.path = target_path(request, "ipc", faults);
  refuse_append(request, "an Arrow file", faults);
  const auto compression = text_option(request.own, "compression", "none");
  if (compression == "lz4") {
    what.compression = arrow::Compression::LZ4_FRAME;
  } else if (compression == "zstd") {
    what.compression = arrow::Compression::ZSTD;
  } else if (compression != "none") {
    faults.push_back(
        option_fault("ipc", "compression",
                     user_error("unknown_compression", "Arrow files can't be compressed with " + compression,
                                "known are lz4, zstd and none")));
  }
  const auto format = text_option(request.own, "format", "");
  what.stream = format.empty() ? what.path == "-" || ends_with(what.path, ".arrows") : format == "stream";
  if (faults.size() > before) return nullptr;
  return std::make_unique<ipc_file>(request, what);
}

component_spec spec() {
  return {
      .name = "ipc",
      .kind = component_kind::sink,
      .summary = "Writes an Arrow IPC file (also called Feather V2) or stream",
      .description = "The file appears under its name when it is complete. Each batch of rows becomes a record batch." +
                     folder_description(),
      .value = {.form = shape::object,
                .help = "the file and how to write it",
                .elements = with_folder_fields(
                    {target_path_field("out/sales.arrow"),
                     compression_field({"none", "lz4", "zstd"}, "none", "compression of the buffers"),
                     {.name = "format",
                      .form = shape::text,
                      .help = "file (random access) or stream (default: stream for `-` and for names ending in "
                              ".arrows, else file)",
                      .choices = {"file", "stream"}}})},
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
      .modes = {"replace", "error", "append", "replace_partitions"},
  };
}

}  // namespace

const component& ipc_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_files};
  return made;
}

}  // namespace sluice
