#include "tests/actors/simulation/ledger.hpp"

#include "tests/actors/bench_run.hpp"

#include <algorithm>

namespace sluice::actors::simulation {

namespace {

class ledger_sink final : public sink {
 public:
  ledger_sink(std::shared_ptr<ledger> to, std::string unit) : to_(std::move(to)), unit_(std::move(unit)) {}

  status open(std::uint32_t attempt) override {
    SLUICE_TRY(to_->weather("open"));
    begun_ = unit_ + "/" + std::to_string(attempt);
    to_->begun[begun_].clear();
    return {};
  }
  status write(const batch& rows, row_errors&) override {
    SLUICE_TRY(to_->weather("write"));
    for (const auto value : testing::values(rows)) to_->begun[begun_].push_back(value);
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    SLUICE_TRY(to_->weather("prepare"));
    const auto token = begun_ + "/" + std::to_string(epoch);
    auto& rows = to_->prepared[token] = std::move(to_->begun[begun_]);
    to_->begun.erase(begun_);
    own_.push_back(token);
    return prepared_epoch{{.loaded = rows.size(), .target = "ledger"}, token};
  }
  status commit(const std::string& token) override {
    if (to_->refuses) return user_error("target_exists", "somebody made it");
    SLUICE_TRY(to_->weather("commit"));
    if (to_->visible.count(token) == 0) {
      const auto found = to_->prepared.find(token);
      if (found == to_->prepared.end()) return external_error("prepared_lost", "nothing was prepared as " + token);
      to_->visible[token] = std::move(found->second);
      to_->prepared.erase(found);
    }
    return to_->weather("commit answer");
  }
  status recover(const std::vector<std::string>& tokens) override {
    if (to_->dead) return external_error("dead", "this process is dead");
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    remove_but(tokens);
    return {};
  }
  status keep(const std::vector<std::string>& tokens) override {
    if (to_->dead) return external_error("dead", "this process is dead");
    SLUICE_TRY(to_->weather("keep"));
    remove_but(tokens);
    return {};
  }
  void abort() noexcept override {
    if (to_->dead) return;
    to_->begun.erase(begun_);
    for (const auto& token : own_) to_->prepared.erase(token);
  }

 private:
  /// Whatever any try of the unit has left.
  void remove_but(const std::vector<std::string>& tokens) {
    const auto ours = [this](const std::string& token) { return token.rfind(unit_ + "/", 0) == 0; };
    std::erase_if(to_->begun, [&](const auto& one) { return ours(one.first); });
    std::erase_if(to_->prepared, [&](const auto& one) {
      return ours(one.first) && std::find(tokens.begin(), tokens.end(), one.first) == tokens.end();
    });
  }

  std::shared_ptr<ledger> to_;
  std::string unit_;
  std::string begun_;             ///< of this try
  std::vector<std::string> own_;  ///< tokens of what this object has prepared
};

}  // namespace

std::vector<std::int64_t> ledger::rows() const {
  std::vector<std::int64_t> all;
  for (const auto& [token, some] : visible) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  return all;
}

std::unique_ptr<sink> open_ledger(std::shared_ptr<ledger> to, std::string unit) {
  return std::make_unique<ledger_sink>(std::move(to), std::move(unit));
}

}  // namespace sluice::actors::simulation
