#include "engine/plan/increment_sink.hpp"

#include "engine/component/checks_rules.hpp"
#include "engine/component/may_be_down.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// The token of an epoch in which no row came.
constexpr const char* nothing = "nothing";

class increment_sink final : public sink, public may_be_down, public checks_rules {
 public:
  explicit increment_sink(std::unique_ptr<sink> inner) : inner_(std::move(inner)) {}

  status open(std::uint32_t attempt) override {
    attempt_ = attempt;
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    if (rows.rows() == 0) return {};
    if (!open_) SLUICE_TRY(inner_->open(attempt_));
    open_ = written_ = true;
    return inner_->write(rows, refused);
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    if (!written_) return prepared_epoch{{}, nothing};
    written_ = false;
    return inner_->prepare(epoch);
  }

  status commit(const std::string& token) override { return token == nothing ? status() : inner_->commit(token); }

  status recover(const std::vector<std::string>& tokens) override {
    auto written = tokens;
    std::erase(written, nothing);
    return inner_->recover(written);
  }

  status keep(const std::vector<std::string>& tokens) override {
    auto written = tokens;
    std::erase(written, nothing);
    return inner_->keep(written);
  }
  [[nodiscard]] bool one_epoch() const override { return inner_->one_epoch(); }

  void abort() noexcept override { inner_->abort(); }
  void interrupt() noexcept override { inner_->interrupt(); }
  [[nodiscard]] std::optional<down_state> down() const override { return down_of(inner_.get()); }
  [[nodiscard]] std::vector<rule_result> rules() const override {
    const auto* const checking = dynamic_cast<const checks_rules*>(inner_.get());
    return checking == nullptr ? std::vector<rule_result>() : checking->rules();
  }

 private:
  std::unique_ptr<sink> inner_;
  std::uint32_t attempt_ = 0;
  bool open_ = false;
  bool written_ = false;  ///< since the last epoch
};

}  // namespace

bool is_below_increment(const plan& of, int unit) {
  if (of.units[static_cast<std::size_t>(unit)].definition.incremental.by != incremental_rule::way::none) return true;
  const auto edges = of.edges_into(unit);
  return std::any_of(edges.begin(), edges.end(), [&](const int edge) {
    return is_below_increment(of, of.edges[static_cast<std::size_t>(edge)].from_unit);
  });
}

std::unique_ptr<sink> touch_only_with_rows(std::unique_ptr<sink> inner) {
  return std::make_unique<increment_sink>(std::move(inner));
}

}  // namespace sluice
