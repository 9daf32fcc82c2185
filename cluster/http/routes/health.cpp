#include "cluster/http/route.hpp"

namespace sluice::cluster {

namespace {

api_response healthz(const api_call&) { return {.content_type = "text/plain", .body = "ok\n"}; }

api_response readyz(const api_call& call) {
  const auto& ask = call.handlers().ready;
  const bool ready = !ask || ask();
  return {.status = ready ? 200 : 503, .content_type = "text/plain", .body = ready ? "ready\n" : "not ready\n"};
}

}  // namespace

route_group health_routes() {
  return {.name = "health",
          .routes = {{.method = "GET",
                      .path = "/healthz",
                      .id = "healthz",
                      .summary = "200 while the process runs",
                      .answers = {{.summary = "It runs", .content_type = "text/plain"}},
                      .how = answered::at_once,
                      .open = true,
                      .answer = healthz},
                     {.method = "GET",
                      .path = "/readyz",
                      .id = "readyz",
                      .summary = "200 when it accepts work, else 503: while it starts or stops, or when its node actor "
                                 "has ended",
                      .answers = {{.summary = "It accepts work", .content_type = "text/plain"},
                                  {.status = 503, .summary = "It does not", .content_type = "text/plain"}},
                      .how = answered::at_once,
                      .open = true,
                      .answer = readyz}}};
}

}  // namespace sluice::cluster
