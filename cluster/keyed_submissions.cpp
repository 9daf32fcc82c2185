#include "cluster/keyed_submissions.hpp"

#include "engine/values/uuid.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <utility>

namespace sluice::cluster {

std::string keyed_run_id(const std::string& key) { return uuid_v8("submission\n" + key); }

std::string digest_of(const submission& what) {
  options all = {{"text", what.text},
                 {"params", what.params},
                 {"base_folder", what.base_folder},
                 {"fresh", what.fresh},
                 {"config", what.config}};
  if (!what.from.empty()) all["from"] = {what.from, what.again};
  if (!what.drop.empty()) all["drop_state"] = what.drop;
  const auto text = all.dump();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned at = 0; at < length; ++at) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", digest[at]);
    out += two.data();
  }
  return out;
}

result<std::optional<std::string>> earlier_run(store::store& in, const submission& what) {
  const auto id = keyed_run_id(what.key);
  const auto found = in.find_run(id);
  if (!found.ok() && found.problem().code == "run_not_found") return std::optional<std::string>();
  if (!found.ok()) return found.problem();
  const auto& context = found->context;
  if (context.is_object() && context.value("submission", "") == digest_of(what)) return std::optional(id);
  return user_error("idempotency_key_reused",
                    "run " + id + " was submitted with this key, but with another pipeline, params or folder",
                    "use a new key for each run, and the same one only to repeat a submission as it was");
}

keys_under_way::turn::turn(std::shared_ptr<keys_under_way> of, std::string key)
    : of_(std::move(of)), key_(std::move(key)) {
  const std::lock_guard guard(of_->lock_);
  held_ = of_->keys_.insert(key_).second;
}

keys_under_way::turn::~turn() {
  if (!held_) return;
  const std::lock_guard guard(of_->lock_);
  of_->keys_.erase(key_);
}

}  // namespace sluice::cluster
