#pragma once

#include "cluster/http_client.hpp"
#include "engine/store/store.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace sluice::cluster {

// A submission may come with a key, so that a client that got no answer can send it again: the run's id follows from
// the key, and the Store never has two runs of one id.

/// The id of the run that a key stands for.
std::string keyed_run_id(const std::string& key);
/// What must be the same when a key comes again: text, params, folder and `fresh`, as a SHA-256 in hexadecimal digits.
/// It is kept in the run's context. Values of the environment are left out, so that it tells nothing of secrets.
std::string digest_of(const submission& what);
/// The run of an earlier submission with this key; none: it is the first. Errors: idempotency_key_reused, and those of
/// the Store.
result<std::optional<std::string>> earlier_run(store::store& in, const submission& what);

/// Which keys have a submission under way. Thread-safe.
class keys_under_way {
 public:
  /// Holds a key while it lives; false where another does.
  class turn {
   public:
    turn(std::shared_ptr<keys_under_way> of, std::string key);
    ~turn();
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    [[nodiscard]] bool held() const { return held_; }

   private:
    std::shared_ptr<keys_under_way> of_;
    std::string key_;
    bool held_;
  };

 private:
  std::mutex lock_;
  std::set<std::string> keys_;
};

}  // namespace sluice::cluster
