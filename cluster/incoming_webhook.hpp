#pragma once

#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <string>

namespace sluice::cluster {

/// A webhook that another system sends, by Standard Webhooks (https://www.standardwebhooks.com).
struct incoming_webhook {
  std::string id;
  std::string timestamp;  ///< seconds since 1970 UTC
  std::string signature;  ///< "v1,BASE64", several with blanks between
  std::string body;
};

/// Keeps a start of a pipeline whose schedule is a webhook; the same id gives the same start. Gives the run's id.
///
/// The timestamp may be five minutes from `now` (microseconds). Errors: invalid_signature, also where there is no such
/// pipeline, so that a stranger does not learn which there are; invalid_request, where it is signed but the body's
/// params are no texts; missing_secret.
result<std::string> start_from_webhook(store::store& in, const std::string& pipeline, const incoming_webhook& what,
                                       std::int64_t now);

}  // namespace sluice::cluster
