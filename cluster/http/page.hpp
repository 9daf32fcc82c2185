#pragma once

#include "cluster/http/api.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace sluice::cluster {

/// A file of the web page, as it is in the program.
struct page_file {
  std::string_view path;  ///< its name below web/
  std::string_view content_type;
  std::string_view etag;  ///< changes with its content; quoted
  std::string_view body;
};

/// All of them; made from web/ when the program is built.
const std::vector<page_file>& page_files();

/// The answer to a request for a file of the page, which wants no token: there is no data in it. None for all other
/// requests. The headers allow scripts and styles of this address only, and no frame around the page.
std::optional<api_response> page_answer(const api_request& request);

/// The refusal of a request that came by a name that is not one of this machine's own: a page of another site, whose
/// name was made to point here (DNS rebinding), has no business with a server on loopback. None where the name is fine.
std::optional<api_response> misdirected(const api_request& request);

}  // namespace sluice::cluster
