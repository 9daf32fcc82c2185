#include "engine/clients/postgres/server_options.hpp"

#include "engine/clients/postgres/connection.hpp"

namespace sluice::postgres {

std::string canonical_server(const std::string& url) {
  auto place = place_of(url);
  for (auto& c : place)
    if (c >= 'A' && c <= 'Z' && &c < place.data() + place.find('/')) c = static_cast<char>(c | 0x20);
  for (const std::string_view here : {"127.0.0.1:", "::1:"})
    if (place.starts_with(here)) place = "localhost:" + place.substr(here.size());
  return "postgresql://" + place;
}

}  // namespace sluice::postgres
