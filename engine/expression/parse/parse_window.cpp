// ORDER BY inside of calls, and OVER (...).
#include "engine/expression/parse/parsing.hpp"

namespace sluice::expression {

bool parser::order_by(std::vector<order_syntax>& keys) {
  advance();
  advance();
  do {
    order_syntax key{.value = disjunction()};
    if (!key.value) return false;
    if (take_word("desc"))
      key.descending = true;
    else
      take_word("asc");
    key.nulls_first = key.descending;
    if (is_word("nulls") && (ahead().text == "first" || ahead().text == "last")) {
      advance();
      key.nulls_first = is_word("first");
      advance();
    }
    keys.push_back(std::move(key));
  } while (take_symbol(","));
  return true;
}

bool parser::over(syntax& made) {
  auto window = std::make_shared<window_syntax>();
  window->begin = now().begin;
  advance();
  if (!is_symbol("(")) {
    fault(now().begin, "expected ( after over, found " + found(),
          "write the window itself: over (partition by customer order by at)");
    return false;
  }
  advance();
  if (is_word("partition") && ahead().text == "by") {
    advance();
    advance();
    do {
      auto key = disjunction();
      if (!key) return false;
      window->partition.push_back(std::move(key));
    } while (take_symbol(","));
  }
  if (is_word("order") && ahead().text == "by" && !order_by(window->order)) return false;
  if ((is_word("rows") || is_word("range") || is_word("groups")) && !frame(*window)) return false;
  if (!is_symbol(")")) {
    unexpected("expected partition by, order by, a frame or ) in over (...), found");
    return false;
  }
  advance();
  for (const auto& key : window->partition) made.depth = std::max(made.depth, key->depth + 1);
  for (const auto& key : window->order) made.depth = std::max(made.depth, key.value->depth + 1);
  made.window = std::move(window);
  return true;
}

bool parser::frame(window_syntax& of) {
  of.frame_begin = now().begin;
  of.unit = is_word("rows") ? frame_unit::rows : is_word("groups") ? frame_unit::groups : frame_unit::range;
  advance();
  if (take_word("between")) {
    if (!frame_end(of.start, of.start_offset) || !expect_word("and", "of the frame") ||
        !frame_end(of.end, of.end_offset))
      return false;
  } else {
    if (!frame_end(of.start, of.start_offset)) return false;
    of.end = frame_bound::current_row;
  }
  const char* wrong = of.start == frame_bound::unbounded_following ? "a frame can't start at unbounded following"
                      : of.end == frame_bound::unbounded_preceding ? "a frame can't end at unbounded preceding"
                      : of.end < of.start                          ? "the frame ends before it starts"
                                                                   : nullptr;
  if (wrong != nullptr) {
    fault(of.frame_begin, wrong, "write, for example, rows between 2 preceding and current row");
    return false;
  }
  if (!take_word("exclude")) return true;
  if (take_word("group")) {
    of.exclusion = frame_exclusion::group;
  } else if (take_word("ties")) {
    of.exclusion = frame_exclusion::ties;
  } else if (is_word("current") && ahead().text == "row") {
    of.exclusion = frame_exclusion::current_row;
    advance();
    advance();
  } else if (is_word("no") && ahead().text == "others") {
    advance();
    advance();
  } else {
    unexpected("expected current row, group, ties or no others after exclude, found");
    return false;
  }
  return true;
}

bool parser::frame_end(frame_bound& bound, syntax_ptr& offset) {
  if (is_word("unbounded") && (ahead().text == "preceding" || ahead().text == "following")) {
    advance();
    bound = is_word("preceding") ? frame_bound::unbounded_preceding : frame_bound::unbounded_following;
    advance();
    return true;
  }
  if (is_word("current") && ahead().text == "row") {
    advance();
    advance();
    bound = frame_bound::current_row;
    return true;
  }
  offset = other_operator();
  if (!offset) return false;
  if (!is_word("preceding") && !is_word("following")) {
    unexpected("expected preceding or following, found");
    return false;
  }
  bound = is_word("preceding") ? frame_bound::preceding : frame_bound::following;
  advance();
  return true;
}

}  // namespace sluice::expression
