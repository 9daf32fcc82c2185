#include "engine/component/down_board.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace sluice::down_board {

namespace {

struct board {
  std::mutex lock;
  std::map<std::pair<std::string, std::string>, const may_be_down*> asked;  ///< by run and unit
};

board& all() {
  static board made;
  return made;
}

}  // namespace

void put(const std::string& run, const std::string& unit, const may_be_down* component) {
  if (component == nullptr) return;
  auto& on = all();
  const std::lock_guard guard(on.lock);
  on.asked.insert_or_assign({run, unit}, component);
}

void take_off(const std::string& run, const std::string& unit, const may_be_down* component) {
  auto& on = all();
  const std::lock_guard guard(on.lock);
  const auto found = on.asked.find({run, unit});
  if (found != on.asked.end() && found->second == component) on.asked.erase(found);
}

std::optional<down_state> find(const std::string& run, const std::string& unit) {
  auto& on = all();
  const std::lock_guard guard(on.lock);
  const auto found = on.asked.find({run, unit});
  return found == on.asked.end() ? std::nullopt : found->second->down();
}

}  // namespace sluice::down_board
