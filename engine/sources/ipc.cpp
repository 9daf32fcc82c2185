#include "engine/columns/language_columns.hpp"
#include "engine/columns/source_columns.hpp"
#include "engine/component/component.hpp"
#include "engine/component/opaque.hpp"
#include "engine/files/columnar_files.hpp"
#include "engine/files/files.hpp"
#include "engine/files/folder_source.hpp"
#include "engine/files/foreign_formats.hpp"
#include "engine/files/interruptible_stream.hpp"
#include "engine/files/listed_files.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr std::string_view file_magic = "ARROW1";
constexpr char position_in_batches = 'i';

/// Lets Arrow read a stream from bytes that may be packed or come from standard input.
class byte_stream_input : public arrow::io::InputStream {
 public:
  explicit byte_stream_input(std::unique_ptr<byte_stream> from) : from_(std::move(from)) {}
  arrow::Result<int64_t> Read(int64_t size, void* into) override {
    auto got = from_->read(static_cast<std::uint8_t*>(into), size);
    if (!got.ok()) {
      problem_ = std::move(got).problem();
      return arrow::Status::IOError(problem_.problem().message);
    }
    at_ += *got;
    return *got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size));
    ARROW_ASSIGN_OR_RAISE(const auto got, Read(size, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got, false));
    return buffer;
  }
  arrow::Result<int64_t> Tell() const override { return at_; }
  arrow::Status Close() override { return arrow::Status::OK(); }
  [[nodiscard]] bool closed() const override { return false; }
  [[nodiscard]] std::int64_t consumed() const { return from_->consumed(); }
  [[nodiscard]] const status& problem() const { return problem_; }
  void interrupt() noexcept { interrupt_stream(*from_); }

 private:
  std::unique_ptr<byte_stream> from_;
  std::int64_t at_ = 0;
  status problem_;
};

/// An Arrow file (batches at random) or stream (one after the other), open for reading some columns.
struct open_ipc {
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream;
  std::shared_ptr<byte_stream_input> bytes;

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const { return file ? file->schema() : stream->schema(); }
};

result<bool> is_file_format(const input_file& file) {
  if (!file.seekable()) return false;
  SLUICE_ASSIGN(const auto head, peek_file(file, format_bytes));
  if (head.starts_with(file_magic)) return true;
  if (auto foreign = not_wanted_format(file.name, head, "Arrow")) return std::move(*foreign);
  return false;
}

result<open_ipc> open_file(const input_file& file, const std::vector<int>& included) {
  open_ipc opened;
  auto how = arrow::ipc::IpcReadOptions::Defaults();
  how.use_threads = false;
  how.included_fields = included;
  SLUICE_ASSIGN(const bool random, is_file_format(file));
  if (random) {
    SLUICE_ASSIGN_ARROW(auto handle, arrow::io::ReadableFile::Open(file.path), "open " + file.name);
    auto made = arrow::ipc::RecordBatchFileReader::Open(handle, how);
    if (!made.ok()) return corrupt_file(file.name, "Arrow file", made.status());
    opened.file = std::move(made).ValueUnsafe();
    return opened;
  }
  SLUICE_ASSIGN(auto bytes, open_stream(file));
  opened.bytes = std::make_shared<byte_stream_input>(std::move(bytes));
  auto made = arrow::ipc::RecordBatchStreamReader::Open(opened.bytes, how);
  if (!opened.bytes->problem().ok()) return opened.bytes->problem().problem();
  if (!made.ok()) return corrupt_file(file.name, "Arrow file or stream", made.status());
  opened.stream = std::move(made).ValueUnsafe();
  return opened;
}

/// Reads only the schema. Standard input keeps its bytes for the reader.
result<std::shared_ptr<arrow::Schema>> read_schema(const input_file& file) {
  SLUICE_ASSIGN(const bool random, is_file_format(file));
  if (random) {
    SLUICE_ASSIGN(const auto opened, open_file(file, {}));
    return opened.schema();
  }
  constexpr std::int64_t longest_schema = 1024 * 1024;
  SLUICE_ASSIGN(auto head, peek_file(file, longest_schema));
  auto made = arrow::ipc::RecordBatchStreamReader::Open(
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(head))));
  if (!made.ok()) return corrupt_file(file.name, "Arrow file or stream", made.status());
  return (*made)->schema();
}

std::shared_ptr<arrow::Schema> wanted_schema(const columnar_table& what) {
  arrow::FieldVector fields;
  for (const int index : what.columns.wanted()) fields.push_back(what.records->field(index));
  return arrow::schema(std::move(fields));
}

/// Finds the wanted columns in the file's own schema; all of the file's types are checked.
result<std::vector<int>> included_fields(const columnar_table& what, const arrow::Schema& file,
                                         const std::string& name) {
  const auto wanted = wanted_schema(what);
  SLUICE_TRY(same_columns(*wanted, file, name));
  std::vector<int> included;
  for (const auto& field : wanted->fields()) included.push_back(file.GetFieldIndex(field->name()));
  // Arrow takes an empty list for all columns: the rows of a file of which none is wanted are counted by the first.
  if (included.empty() && file.num_fields() > 0) included.push_back(0);
  return included;
}

error source_changed(const split& piece) {
  return user_error("source_changed", "the file " + piece.object + " has changed since the run started", "run again");
}

class ipc_reader : public split_reader {
 public:
  ipc_reader(std::shared_ptr<const columnar_table> what, const split& piece, open_ipc file)
      : what_(std::move(what)), piece_(piece), file_(std::move(file)), batch_(static_cast<int>(piece.begin)) {}

  void interrupt() noexcept override {
    if (file_.bytes) file_.bytes->interrupt();
  }

  /// Goes on where another reader of the split has stopped.
  status go_to(const std::string& position) {
    opaque_reader bytes(position, position_in_batches);
    const auto batch = static_cast<int>(bytes.number());
    const auto rows = bytes.number();
    row_ = bytes.number();
    SLUICE_TRY(bytes.done("the position in an Arrow file"));
    if (file_.file) batch_ = batch;
    while (batch_ < batch) {
      SLUICE_TRY(read_batch());
      if (!rest_) return source_changed(piece_);
    }
    rest_ = nullptr;
    if (rows == 0) return {};
    SLUICE_TRY(read_batch());
    if (!rest_ || rest_->num_rows() < rows) return source_changed(piece_);
    rest_ = rest_->Slice(rows);
    return {};
  }

  result<read_step> next() override {
    read_step step;
    const auto consumed = file_.bytes ? file_.bytes->consumed() : 0;
    // Empty batches are passed over.
    while (!rest_ || rest_->num_rows() == 0) {
      SLUICE_TRY(read_batch());
      if (rest_) continue;
      step.end = true;
      return step;
    }
    const auto rows = rest_->Slice(0, batch_rows_);
    rest_ = rest_->Slice(rows->num_rows());
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const int index : what_->columns.wanted()) {
      const auto& field = what_->records->field(index);
      SLUICE_ASSIGN(auto values,
                    to_language(rows->GetColumnByName(field->name()), field->type(), field->name(), piece_.object));
      arrays.push_back(std::move(values));
    }
    SLUICE_ASSIGN(step.rows.data, what_->columns.assemble(arrays, rows->num_rows(), piece_.object, 0));
    if (what_->want_positions) {
      SLUICE_ASSIGN(step.rows.positions, row_positions(what_->number, piece_.id, row_, rows->num_rows()));
    }
    row_ += rows->num_rows();
    step.records = static_cast<std::uint64_t>(rows->num_rows());
    const bool done = rest_->num_rows() == 0;
    step.position = opaque_writer(position_in_batches)
                        .number(done ? batch_ : batch_ - 1)
                        .number(done ? 0 : whole_rows_ - rest_->num_rows())
                        .number(row_)
                        .take();
    step.bytes =
        file_.bytes ? static_cast<std::uint64_t>(file_.bytes->consumed() - consumed) : bytes_of(rows->num_rows());
    return step;
  }

 private:
  [[nodiscard]] std::uint64_t bytes_of(std::int64_t rows) const {
    const auto batches = std::max<std::int64_t>(piece_.end - piece_.begin, 1);
    return static_cast<std::uint64_t>(piece_.bytes / batches * rows / std::max<std::int64_t>(whole_rows_, 1));
  }

  /// Reads the next record batch into `rest_`, null at the end.
  status read_batch() {
    rest_ = nullptr;
    if (file_.stream) {
      const auto got = file_.stream->ReadNext(&rest_);
      if (!file_.bytes->problem().ok()) return file_.bytes->problem().problem();
      if (!got.ok()) return corrupt_file(piece_.object, "Arrow stream", got);
      ++batch_;
    } else if (batch_ < piece_.end) {
      auto got = file_.file->ReadRecordBatch(batch_++);
      if (!got.ok()) return corrupt_file(piece_.object, "Arrow file", got.status());
      rest_ = std::move(got).ValueUnsafe();
    }
    if (!rest_) return {};
    // Bytes from outside: offsets that point out of their buffers must not get further.
    if (const auto valid = rest_->ValidateFull(); !valid.ok()) return corrupt_file(piece_.object, "Arrow file", valid);
    whole_rows_ = rest_->num_rows();
    const auto width = std::max<std::int64_t>(
        batch{.data = rest_, .positions = nullptr, .order = {}}.bytes() / std::max<std::int64_t>(whole_rows_, 1), 1);
    batch_rows_ = std::clamp<std::int64_t>(4 * target_batch_bytes / width, 1024, target_batch_rows);
    return {};
  }

  std::shared_ptr<const columnar_table> what_;
  split piece_;
  open_ipc file_;
  std::shared_ptr<arrow::RecordBatch> rest_;  ///< of the batch in the file: its rows not given out yet
  std::int64_t whole_rows_ = 0;
  std::int64_t batch_rows_ = target_batch_rows;
  std::int64_t row_ = 0;
  int batch_;
};

class ipc_files : public source {
 public:
  explicit ipc_files(std::shared_ptr<const columnar_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  result<std::vector<split>> discover() override {
    std::vector<split> splits;
    for (const auto& file : what_->files) {
      SLUICE_ASSIGN(const bool random, is_file_format(file));
      // A stream has no end that is known before.
      std::int64_t batches = 1;
      std::int64_t step = 1;
      if (random) {
        SLUICE_ASSIGN(const auto opened, open_file(file, {}));
        batches = opened.file->num_record_batches();
        step = std::max<std::int64_t>(what_->split_bytes * batches / std::max<std::int64_t>(file.size, 1), 1);
      }
      for (std::int64_t begin = 0; begin < batches; begin += step) {
        const auto end = std::min(begin + step, batches);
        splits.push_back(
            {.id = static_cast<std::uint32_t>(splits.size()),
             .object = file.name,
             .begin = begin,
             .end = end,
             .bytes = std::max<std::int64_t>(file.size, 0) / std::max<std::int64_t>(batches, 1) * (end - begin)});
      }
    }
    return splits;
  }

  bool replayable() const override { return can_be_read_again(what_->files); }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(const auto* file, listed_file(what_->files, piece));
    SLUICE_TRY(check_position(*file, position));
    SLUICE_ASSIGN(const auto schema, read_schema(*file));
    SLUICE_ASSIGN(const auto included, included_fields(*what_, *schema, file->name));
    SLUICE_ASSIGN(auto opened, open_file(*file, included));
    if (opened.file && piece.end > opened.file->num_record_batches()) return source_changed(piece);
    auto reader = std::make_unique<ipc_reader>(what_, piece, std::move(opened));
    if (!position.empty()) SLUICE_TRY(reader->go_to(position));
    return std::unique_ptr<split_reader>(std::move(reader));
  }

 private:
  std::shared_ptr<const columnar_table> what_;
};

result<std::shared_ptr<arrow::Schema>> columns_of(const source_request& request, const input_file& file) {
  return columns_of_file(request, file, read_schema);
}

std::vector<std::string> file_extensions() { return {"arrow", "arrows", "ipc", "feather"}; }

std::unique_ptr<source> make_records(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  if (!request.types.is_null() && !request.types.empty()) {
    auto problem =
        user_error("not_supported", "types can't be given for Arrow files: the file holds the types of its columns",
                   "cast them in a transform: cast: { amount: double }");
    problem.path = "/types";
    faults.push_back(std::move(problem));
  }
  auto files = list_files(requested_files(request, file_extensions()), "ipc", faults);
  if (!files) return nullptr;
  auto records = request.resolved ? records_of(request) : infer_columnar(request, *files, read_schema, faults);
  if (faults.size() > before) return nullptr;
  auto table = make_columnar_table(request, std::move(*files), std::move(records), false, faults);
  return table ? std::make_unique<ipc_files>(std::move(table)) : nullptr;
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  return make_with_folder_columns(request, "ipc", file_extensions(), "", faults, make_records);
}

component_spec spec() {
  return {
      .name = "ipc",
      .kind = component_kind::source,
      .summary = "Reads Arrow IPC files (also called Feather V2) and streams",
      .description =
          "The first bytes show whether it is a file or a stream. The record batches of a file are read in parallel; a "
          "stream is read from its beginning, also from standard input. Only the columns that the pipeline uses are "
          "read. All files must have the columns of the first file, with the same types. A folder that is named "
          "`day=2024-05-01` gives the column day (bigint, date or text), as Hive and Spark write partitions.",
      .value = {.form = shape::object, .help = "the files to read", .elements = file_source_fields()},
      .law = "in = out",
      .example = R"yaml(version: 1
pipeline: ipc-source-example
extract:
  orders:
    ipc: { path: examples/data/shop/products.arrow }
load:
  out:
    from: orders
    stdout: {}
)yaml",
  };
}

}  // namespace

const component& ipc_source() {
  static const component made = {
      .spec = spec(), .make_source = make, .files = {.extensions = file_extensions(), .columns = columns_of}};
  return made;
}

}  // namespace sluice
