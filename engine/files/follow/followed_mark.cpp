#include "engine/files/follow/followed_mark.hpp"

#include "engine/component/opaque.hpp"

namespace sluice {

namespace {

constexpr char followed_position = 'f';

}  // namespace

std::string followed_mark::to_position() const {
  return opaque_writer(followed_position)
      .text(name)
      .number(number)
      .number(born)
      .number(begin)
      .number(end)
      .number(inner)
      .text(inside)
      .number(head)
      .number(head_bytes)
      .number(tail)
      .number((quiet ? 1 : 0) + (removed ? 2 : 0))
      .take();
}

result<followed_mark> followed_mark::of_position(const std::string& position) {
  opaque_reader bytes(position, followed_position);
  followed_mark made;
  made.name = bytes.text();
  made.number = bytes.number();
  made.born = bytes.number();
  made.begin = bytes.number();
  made.end = bytes.number();
  made.inner = bytes.number();
  made.inside = bytes.text();
  made.head = bytes.number();
  made.head_bytes = bytes.number();
  made.tail = bytes.number();
  const auto flags = bytes.number();
  made.quiet = (flags & 1) != 0;
  made.removed = (flags & 2) != 0;
  SLUICE_TRY(bytes.done("the position in a followed file"));
  return made;
}

}  // namespace sluice
