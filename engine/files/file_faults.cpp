#include "engine/files/file_faults.hpp"

#include "engine/secrets/mask.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <algorithm>

namespace sluice {

error source_shrank(const std::string& name, std::int64_t size, std::int64_t now) {
  return user_error("source_changed",
                    "the file " + name + " had " + std::to_string(size) + " bytes when the run started, but only " +
                        std::to_string(now) + " while it was being read",
                    "run again when no program is writing to it");
}

error name_not_utf8(const std::string& name, const std::string& hint) {
  auto shown = name;
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return user_error("invalid_utf8", "the name " + shown + " is not valid UTF-8, so it can't be used as a text", hint);
}

result<std::shared_ptr<arrow::Array>> path_values(const std::string& path, std::int64_t rows) {
  if (!is_utf8(path)) return name_not_utf8(path, "rename the file, or remove the path from metadata:");
  SLUICE_ASSIGN_ARROW(auto paths, arrow::MakeArrayFromScalar(arrow::StringScalar(secrets::mask(path)), rows),
                      "fill in the path");
  return paths;
}

}  // namespace sluice
