#include "engine/expression/regex/tree.hpp"

#include <utility>

namespace sluice::expression::regex {

namespace {

using part = std::unique_ptr<tree>;

enum preference { none = 0, longest = 1, shortest = 2 };

int preference_of(const tree& of) { return (of.prefers_longest ? longest : 0) | (of.prefers_shortest ? shortest : 0); }

void set_preference(tree& of, int what) {
  of.prefers_longest = (what & longest) != 0;
  of.prefers_shortest = (what & shortest) != 0;
}

node_ptr sequence_of(std::vector<node_ptr> parts) {
  if (parts.size() == 1) return parts.front();
  node made;
  made.parts = std::move(parts);
  return std::make_shared<const node>(std::move(made));
}

part plain(node_ptr whole, int preference) {
  auto made = std::make_unique<tree>();
  made->whole = std::move(whole);
  set_preference(*made, preference);
  return made;
}

// The first of two that has a preference decides.
int first_of(int a, int b) { return a != none ? a : b; }
bool mixed(int a, int b) { return (a | b) == (longest | shortest); }

part join(part left, part right, int preference) {
  auto made = std::make_unique<tree>();
  made->what = tree::kind::concatenation;
  made->whole = sequence_of({left->whole, right->whole});
  set_preference(*made, preference);
  made->mixed = left->mixed || right->mixed || mixed(preference_of(*left), preference_of(*right));
  made->has_capture = left->has_capture || right->has_capture;
  made->parts.push_back(std::move(left));
  made->parts.push_back(std::move(right));
  return made;
}

node_ptr repeated(const node_ptr& inner, int least, int most) {
  return std::make_shared<const node>(node{.what = node::kind::repeat, .parts = {inner}, .least = least, .most = most});
}

class cutter {
 public:
  part alternatives(const node_ptr& of) {
    if (of->what != node::kind::alternatives) return branch(items_of(of), 0);
    auto made = std::make_unique<tree>();
    made->what = tree::kind::alternatives;
    made->whole = of;
    for (const auto& each : of->parts) {
      made->parts.push_back(branch(items_of(each), 0));
      const auto& inner = *made->parts.back();
      made->mixed |= inner.mixed || inner.prefers_shortest;
      made->has_capture |= inner.has_capture;
    }
    made->prefers_longest = true;
    if (!made->needs_cut()) return plain(of, longest);
    return made;
  }

 private:
  static std::vector<node_ptr> items_of(const node_ptr& of) {
    if (of->what == node::kind::sequence) return of->parts;
    return {of};
  }

  // One atom with its quantifier.
  struct item {
    node_ptr whole, atom;
    int least = 1, most = 1;
    int preference = none;  // of the quantifier
    [[nodiscard]] bool once() const { return least == 1 && most == 1; }
  };
  static item item_of(const node_ptr& of) {
    if (of->what != node::kind::repeat) return {.whole = of, .atom = of};
    return {.whole = of,
            .atom = of->parts.front(),
            .least = of->least,
            .most = of->most,
            .preference = !of->prefers   ? none
                          : of->shortest ? shortest
                                         : longest};
  }

  part atom(const node_ptr& of) {
    if (of->what != node::kind::group) return plain(of, none);
    auto inner = alternatives(of->parts.front());
    if (of->number == 0) return inner;
    auto made = std::make_unique<tree>();
    made->what = tree::kind::capture;
    made->whole = of;
    set_preference(*made, preference_of(*inner));
    made->mixed = inner->mixed;
    made->has_capture = true;
    made->number = of->number;
    made->parts.push_back(std::move(inner));
    return made;
  }

  // An atom that needs a cut, with its quantifier.
  part quantified(part inner, const item& of) {
    const auto own = preference_of(*inner);
    const bool same =
        of.preference == none || (own == none && !inner->mixed) || (of.preference == own && !inner->mixed);
    if (of.once() && same) return inner;
    const auto preference = first_of(of.preference, own);
    const bool differs = inner->mixed || mixed(of.preference, own);
    part made;
    if (!inner->has_capture) {
      made = plain(of.whole, preference);
    } else if (of.least > 0) {
      // Only the last turn leaves its captures.
      auto before = plain(repeated(of.atom, of.least - 1, of.most < 0 ? -1 : of.most - 1), preference);
      made = join(std::move(before), std::move(inner), preference);
    } else {
      made = std::make_unique<tree>();
      made->what = tree::kind::repeat;
      made->whole = of.whole;
      set_preference(*made, preference);
      made->has_capture = true;
      made->least = of.least;
      made->most = of.most;
      made->parts.push_back(std::move(inner));
    }
    made->mixed = made->mixed || differs;
    return made;
  }

  // Items that need no cut are gathered; the first that needs one ends the gathering.
  part branch(const std::vector<node_ptr>& items, std::size_t from) {
    std::vector<node_ptr> gathered;
    int preference = none;
    for (auto i = from; i < items.size(); ++i) {
      const auto one = item_of(items[i]);
      if (one.most == 0) continue;  // {0}
      auto inner = atom(one.atom);
      const auto own = preference_of(*inner);
      const auto together = preference | one.preference | own;
      if (!inner->needs_cut() && together != (longest | shortest)) {
        gathered.push_back(one.whole);
        preference = together;
        continue;
      }
      const auto of_atom = first_of(one.preference, own);
      auto quantity = quantified(std::move(inner), one);
      auto rest = branch(items, i + 1);
      const auto of_both = first_of(of_atom, preference_of(*rest));
      auto both = join(std::move(quantity), std::move(rest), of_both);
      auto before = plain(sequence_of(std::move(gathered)), preference);
      return join(std::move(before), std::move(both), first_of(preference, of_both));
    }
    return plain(sequence_of(std::move(gathered)), preference);
  }
};

}  // namespace

std::unique_ptr<tree> cut(const node_ptr& pattern) { return cutter().alternatives(pattern); }

}  // namespace sluice::expression::regex
