#pragma once

#include <arrow/type_fwd.h>

#include <string>
#include <string_view>

namespace sluice::typed {

/// Reads a text as a value of json, uuid or varchar(n) into `out`; false where it is none.
bool read_marked(std::string_view text, const arrow::DataType& type, std::string& out);

}  // namespace sluice::typed
