#include "tests/fuzz/read_file.hpp"
#include "tests/fuzz/targets.hpp"

#include <algorithm>

namespace sluice {
const component& csv_source();
}

namespace sluice::fuzz {

namespace {

/// The first two bytes choose the dialect and the types.
source_request request_for(unsigned choice, const std::string& path) {
  static const char* const separators[] = {",", ";", "\t", "|"};
  source_request ask;
  ask.unit = "in";
  ask.own = {{"path", path}, {"separator", separators[choice & 3]}};
  if ((choice & 4) != 0) ask.own["header"] = false;
  if ((choice & 8) != 0) ask.own["quote"] = "'";
  if ((choice & 16) != 0) ask.own["escape"] = "\\";
  if ((choice & 32) != 0) ask.own["comment"] = "#";
  if ((choice & 64) != 0) ask.own["null_values"] = options::array({"", "NA", "1"});
  if ((choice & 128) != 0) ask.own["skip_rows"] = 1;
  static const char* const encodings[] = {"utf-8", "utf-8", "utf-16", "latin-1"};
  ask.own["encoding"] = encodings[choice >> 8 & 3];
  if ((choice & 1024) != 0) ask.policy = on_error::set_null;
  if ((choice & 2048) != 0) ask.metadata = {{"_row", "row"}};
  ask.types = options::object();
  if ((choice & 4096) != 0) {
    ask.own["header"] = options::array({"a", "b", "c"});
    ask.types = {{"a", "bigint"}, {"b", "decimal(20,3)"}, {"c", "timestamptz"}};
  } else if ((choice & 8192) != 0) {
    ask.own["header"] = options::array({"a", "b"});
    ask.types = {{"a", {{"type", "date"}, {"formats", {"%d.%m.%Y", "%b %e %y"}}}},
                 {"b", {{"type", "double"}, {"decimal", ","}, {"thousands", "."}}}};
  }
  return ask;
}

}  // namespace

void csv_reader(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return;
  static memory_file file;
  file.write({reinterpret_cast<const char*>(data) + 2, size - 2});
  auto ask = request_for(data[0] | static_cast<unsigned>(data[1]) << 8, file.path());
  ask.split_bytes = std::int64_t{1} << 40;
  const auto whole = read_file(csv_source(), ask);
  ask.split_bytes = std::max<std::int64_t>(7, static_cast<std::int64_t>(size / 5));
  const auto pieces = read_file(csv_source(), ask);
  if (!whole.problem.empty() || !pieces.problem.empty()) {
    if (whole.problem != pieces.problem) broken_promise("one piece: " + whole.problem + ", splits: " + pieces.problem);
    return;
  }
  if (whole.columns != pieces.columns) broken_promise("splits have other rows");
  if (whole.rejects != pieces.rejects) broken_promise("splits have other rejects");
  if (whole.records != pieces.records) broken_promise("splits have other records");
}

}  // namespace sluice::fuzz
