#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Text as the content or an attribute of HTML or XML: & < > and " as references.
std::string escaped_markup(std::string_view text);

}  // namespace sluice
