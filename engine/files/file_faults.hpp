#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

/// The error source_changed of a file that ends nearer than it did when it was opened.
error source_shrank(const std::string& name, std::int64_t size, std::int64_t now);
/// The error invalid_utf8 of a file's name, or a folder's, that no text can hold; `hint` says how to go without.
error name_not_utf8(const std::string& name, const std::string& hint);
/// The name of a file as a column of texts; invalid_utf8 where it is none.
result<std::shared_ptr<arrow::Array>> path_values(const std::string& path, std::int64_t rows);

}  // namespace sluice
