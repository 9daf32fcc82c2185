#include "tests/fuzz/read_file.hpp"
#include "tests/fuzz/targets.hpp"

#include <algorithm>

namespace sluice {
const component& ndjson_source();
}

namespace sluice::fuzz {

void ndjson_reader(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return;
  const unsigned choice = data[0];
  static memory_file file;
  file.write({reinterpret_cast<const char*>(data) + 1, size - 1});
  source_request ask;
  ask.unit = "in";
  ask.own = {{"path", file.path()}};
  if ((choice & 1) != 0) ask.types = {{"a", "bigint"}, {"b", "decimal(20,3)"}, {"c", "timestamptz"}};
  if ((choice & 2) != 0) ask.types = {{"a", "struct(x bigint, y text[])"}, {"b", "text"}, {"c", "double"}};
  if ((choice & 4) != 0) ask.types = {{"a", {{"type", "date"}, {"formats", {"%d.%m.%Y"}}}}, {"b", "ubigint"}};
  if ((choice & 8) != 0 && ask.types.is_object()) ask.columns = {"a", "b"};
  if ((choice & 16) != 0) ask.policy = on_error::set_null;
  if ((choice & 32) != 0) ask.sample = 3;
  static const char* const encodings[] = {"utf-8", "utf-8", "utf-16", "latin-1"};
  ask.own["encoding"] = encodings[choice >> 6];
  ask.split_bytes = std::int64_t{1} << 40;
  const auto whole = read_file(ndjson_source(), ask);
  ask.split_bytes = std::max<std::int64_t>(7, static_cast<std::int64_t>(size / 5));
  const auto pieces = read_file(ndjson_source(), ask);
  if (whole.problem != pieces.problem) broken_promise("one piece: " + whole.problem + ", splits: " + pieces.problem);
  if (!whole.problem.empty()) return;
  if (whole.columns != pieces.columns) broken_promise("splits have other rows");
  if (whole.rejects != pieces.rejects) broken_promise("splits have other rejects");
}

}  // namespace sluice::fuzz
