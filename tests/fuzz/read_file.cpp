#include "tests/fuzz/read_file.hpp"

#include <arrow/api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sluice::fuzz {

void broken_promise(const std::string& what) {
  std::fprintf(stderr, "broken promise: %s\n", what.c_str());
  std::abort();
}

memory_file::memory_file()
    : handle_(::memfd_create("fuzz", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(handle_)) {
  if (handle_ < 0) broken_promise("no file in memory");
}

memory_file::~memory_file() { ::close(handle_); }

void memory_file::write(std::string_view content) {
  const auto size = static_cast<off_t>(content.size());
  if (::ftruncate(handle_, size) != 0 || ::pwrite(handle_, content.data(), content.size(), 0) != size)
    broken_promise("cannot write a file in memory");
}

namespace {

/// Reads one split; false where it ended with an error.
bool read_split(source& from, const split& piece, reading& all,
                std::vector<std::shared_ptr<arrow::RecordBatch>>* keep) {
  auto reader = from.open(piece, "");
  if (!reader.ok()) {
    all.problem = reader.problem().code;
    return false;
  }
  for (;;) {
    auto step = (*reader)->next();
    if (!step.ok()) {
      all.problem = step.problem().code;
      return false;
    }
    const auto rows = step->rows.data ? static_cast<std::uint64_t>(step->rows.rows()) : 0;
    if (step->records != rows + step->rejected.size() + step->filtered)
      broken_promise("records are not rows and rejects");
    all.records += step->records;
    all.rows += rows;
    for (const auto& bad : step->rejected)
      all.rejects.emplace_back(static_cast<std::uint64_t>(piece.begin) + bad.offset, bad.code);
    if (step->rows.data) {
      if (const auto valid = step->rows.data->ValidateFull(); !valid.ok()) broken_promise(valid.ToString());
      if (!step->rows.positions || step->rows.positions->length() != step->rows.rows())
        broken_promise("rows without positions");
      for (int i = 0; i < step->rows.data->num_columns(); ++i) {
        const auto& column = *step->rows.data->column(i);
        for (std::int64_t row = 0; row < column.length(); ++row)
          all.columns[static_cast<std::size_t>(i)] += column.GetScalar(row).ValueOrDie()->ToString() + "\n";
      }
      if (keep) keep->push_back(step->rows.data);
    }
    if (step->end || !step->rows.data) return true;
  }
}

}  // namespace

reading read_file(const component& by, source_request request, std::vector<std::shared_ptr<arrow::RecordBatch>>* keep) {
  reading all;
  diagnostics faults;
  const auto from = by.make_source(request, faults);
  if (!from) {
    all.problem = faults.empty() ? "none" : faults.front().code;
    return all;
  }
  all.schema = from->schema()->ToString();
  all.columns.resize(static_cast<std::size_t>(from->schema()->num_fields()));
  const auto splits = from->discover();
  if (!splits.ok()) {
    all.problem = splits.problem().code;
    return all;
  }
  for (const auto& piece : *splits)
    if (!read_split(*from, piece, all, keep)) break;
  return all;
}

}  // namespace sluice::fuzz
