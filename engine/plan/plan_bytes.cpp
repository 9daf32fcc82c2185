#include "engine/plan/plan_json.hpp"

#include <string_view>
#include <vector>

namespace sluice {

namespace {

constexpr std::size_t deepest = 64;

error foreign(const std::string& why) {
  auto made = internal_error("invalid_plan", "not a plan of this version: " + why);
  made.hint = "check that both programs have the same version";
  return made;
}

/// Walks MessagePack without recursion, so that nesting can be bounded before the parser recurses into it.
class depth_check {
 public:
  explicit depth_check(std::string_view bytes) : bytes_(bytes) {}

  /// True where the bytes are one whole value, at most `deepest` deep.
  bool passes() {
    std::vector<std::uint64_t> open{1};  // values still to come at each depth
    while (!open.empty()) {
      if (open.back() == 0) {
        open.pop_back();
        continue;
      }
      --open.back();
      std::uint64_t children = 0;
      if (!step(children)) return false;
      if (children == 0) continue;
      if (open.size() > deepest) return false;
      open.push_back(children);
    }
    return at_ == bytes_.size();
  }

 private:
  bool step(std::uint64_t& children) {
    if (at_ >= bytes_.size()) return false;
    const auto tag = static_cast<unsigned char>(bytes_[at_++]);
    if (tag < 0x80 || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) return true;
    if (tag < 0x90) return children = 2 * (tag & 0x0fU), true;
    if (tag < 0xa0) return children = tag & 0x0fU, true;
    if (tag < 0xc0) return skip(tag & 0x1fU);
    switch (tag) {
      case 0xc4:
      case 0xd9:
        return sized(1, 0);
      case 0xc5:
      case 0xda:
        return sized(2, 0);
      case 0xc6:
      case 0xdb:
        return sized(4, 0);
      case 0xc7:
        return sized(1, 1);
      case 0xc8:
        return sized(2, 1);
      case 0xc9:
        return sized(4, 1);
      case 0xcc:
      case 0xd0:
        return skip(1);
      case 0xcd:
      case 0xd1:
        return skip(2);
      case 0xca:
      case 0xce:
      case 0xd2:
        return skip(4);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return skip(8);
      case 0xd4:
        return skip(2);
      case 0xd5:
        return skip(3);
      case 0xd6:
        return skip(5);
      case 0xd7:
        return skip(9);
      case 0xd8:
        return skip(17);
      case 0xdc:
        return number(2, children);
      case 0xdd:
        return number(4, children);
      case 0xde:
        return number(2, children) && (children *= 2, true);
      case 0xdf:
        return number(4, children) && (children *= 2, true);
      default:
        return false;
    }
  }
  bool number(std::size_t width, std::uint64_t& value) {
    if (bytes_.size() - at_ < width) return false;
    value = 0;
    for (std::size_t byte = 0; byte < width; ++byte) value = value << 8U | static_cast<unsigned char>(bytes_[at_++]);
    return true;
  }
  bool sized(std::size_t width, std::uint64_t more) {
    std::uint64_t length = 0;
    return number(width, length) && skip(length + more);
  }
  bool skip(std::uint64_t length) {
    if (bytes_.size() - at_ < length) return false;
    at_ += static_cast<std::size_t>(length);
    return true;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::string plan_to_bytes(const plan& from) { return plan_to_json(from).to_msgpack(); }

result<plan> plan_from_bytes(std::string_view bytes) {
  if (!depth_check(bytes).passes()) return foreign("not a complete MessagePack value, or nested too deeply");
  const auto parsed = options::from_msgpack(bytes);
  if (!parsed) return foreign("not valid MessagePack");
  try {
    return plan_from_json(*parsed);
  } catch (const std::exception& problem) {  // options': a key is missing, a value is of another kind
    return foreign(problem.what());
  }
}

}  // namespace sluice
