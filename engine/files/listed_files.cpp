#include "engine/files/listed_files.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

options file_options(const source_request& request) {
  return request.own.is_object() ? request.own : options::object({{"path", request.own}});
}

file_search requested_files(const source_request& request, std::vector<std::string> extensions,
                            const std::string& encoding) {
  const auto own = file_options(request);
  return {.path = own.value("path", options()),
          .compression = own.value("compression", std::string("auto")),
          .base_folder = request.context ? request.context->base_folder : "",
          .extensions = std::move(extensions),
          .encoding = encoding.empty() ? encoding : own.value("encoding", encoding),
          .chosen = request.files};
}

std::optional<std::vector<input_file>> list_files(const file_search& search, const std::string& component,
                                                  diagnostics& faults) {
  auto files = find_files(search);
  if (files.ok()) return std::move(files).value();
  auto problem = std::move(files).problem();
  problem.path = "/" + component + (problem.path.empty() ? "/path" : problem.path);
  faults.push_back(std::move(problem));
  return std::nullopt;
}

namespace {

bool can_be_read_again(const input_file& file) { return file.path != "-" && file.size >= 0; }

}  // namespace

bool can_be_read_again(const std::vector<input_file>& files) {
  return std::all_of(files.begin(), files.end(), [](const auto& file) { return can_be_read_again(file); });
}

status check_position(const input_file& file, const std::string& position) {
  if (position.empty() || can_be_read_again(file)) return {};
  return external_error("not_replayable",
                        (file.path == "-" ? std::string("standard input") : file.name) +
                            " can't be read again from the position where an earlier reader stopped",
                        "write its data to a file, and read the file");
}

result<const input_file*> listed_file(const std::vector<input_file>& files, const split& piece) {
  for (const auto& file : files)
    if (file.name == piece.object) return &file;
  return internal_error("unknown_split", "the source has no file " + piece.object);
}

}  // namespace sluice
