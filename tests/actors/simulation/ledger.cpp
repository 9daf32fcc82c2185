#include "tests/actors/simulation/ledger.hpp"

#include "tests/actors/bench_run.hpp"

#include <algorithm>

namespace sluice::actors::simulation {

namespace {

class ledger_sink final : public sink {
 public:
  ledger_sink(std::shared_ptr<ledger> to, std::string token) : to_(std::move(to)), token_(std::move(token)) {}

  status open(std::uint32_t) override {
    SLUICE_TRY(to_->weather("open"));
    to_->begun[token_].clear();
    return {};
  }
  status write(const batch& rows, row_errors&) override {
    SLUICE_TRY(to_->weather("write"));
    for (const auto value : testing::values(rows)) to_->begun[token_].push_back(value);
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t) override {
    SLUICE_TRY(to_->weather("prepare"));
    auto& rows = to_->prepared[token_] = std::move(to_->begun[token_]);
    to_->begun.erase(token_);
    return prepared_epoch{{.loaded = rows.size(), .target = "ledger"}, token_};
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
    to_->begun.erase(token_);
    if (std::find(tokens.begin(), tokens.end(), token_) == tokens.end()) to_->prepared.erase(token_);
    return {};
  }
  void abort() noexcept override {
    if (to_->dead) return;
    to_->begun.erase(token_);
    to_->prepared.erase(token_);
  }

 private:
  std::shared_ptr<ledger> to_;
  std::string token_;
};

}  // namespace

std::vector<std::int64_t> ledger::rows() const {
  std::vector<std::int64_t> all;
  for (const auto& [token, some] : visible) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  return all;
}

std::unique_ptr<sink> open_ledger(std::shared_ptr<ledger> to, std::string token) {
  return std::make_unique<ledger_sink>(std::move(to), std::move(token));
}

}  // namespace sluice::actors::simulation
