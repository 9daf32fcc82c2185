#include "engine/sinks/folders/part_names.hpp"

#include "engine/files/file_sink_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sluice::folders {

namespace {

constexpr std::size_t run_digits = 16;
constexpr std::array packed_extensions = {"", ".gz", ".zst", ".lz4", ".bz2"};

std::string packed_extension(const std::string& compression) {
  if (compression == "gzip") return ".gz";
  if (compression == "zstd") return ".zst";
  if (compression == "lz4") return ".lz4";
  return compression == "bz2" ? ".bz2" : "";
}

}  // namespace

std::string folder_path(const options& own) {
  return own.is_string() ? own.get<std::string>() : text_option(own, "path", "");
}

part_names::part_names(const sink_request& request, const std::string& component)
    : format_("." + (component == "ipc" ? std::string("arrow") : component)), extension_(format_) {
  if (component == "csv" || component == "ndjson")
    extension_ += packed_extension(text_option(request.own, "compression", "auto"));
  if (component == "ipc" && text_option(request.own, "format", "") == "stream") extension_ += "s";
  chain_ = fmt::format("{:014x}", request.context ? request.context->now_microseconds : 0);
  for (const char digit : request.context ? request.context->run_id : "")
    if (digit != '-' && run_.size() < run_digits) run_ += digit;
}

std::string part_names::name(std::uint64_t epoch_number, std::uint64_t roll) const {
  auto name = fmt::format("part-{}-{}-{}-{:06}", chain_, run_, attempt_, epoch_number);
  if (roll > 0) name += fmt::format("-{:06}", roll);
  return name + extension_;
}

bool part_names::is_of_others(const std::string& name, const std::string& chain) const {
  if (name.starts_with('.') || name.starts_with('_') || name.starts_with("part-" + chain + "-")) return false;
  return std::any_of(packed_extensions.begin(), packed_extensions.end(),
                     [&](const char* packed) { return name.ends_with(format_ + packed); }) ||
         name.ends_with(extension_);
}

}  // namespace sluice::folders
