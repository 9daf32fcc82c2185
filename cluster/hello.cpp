#include "cluster/hello.hpp"

#include <msgpack.hpp>

namespace sluice::cluster {

namespace {

/// Takes a flat map of texts and whole numbers, and nothing else.
class hello_visitor : public msgpack::null_visitor {
 public:
  std::string magic, kind;
  hello found;
  int keys = 0;

  bool start_map(std::uint32_t) { return depth_++ == 0; }
  bool start_map_key() { return in_key_ = true; }
  bool end_map_key() { return in_key_ = false, true; }
  bool start_array(std::uint32_t) { return false; }
  bool visit_positive_integer(std::uint64_t value) {
    if (depth_ == 0 || in_key_ || key_ != "sluice") return false;
    magic = std::to_string(value);
    return true;
  }
  bool visit_str(const char* text, std::uint32_t size) {
    if (depth_ == 0) return false;
    const std::string_view value(text, size);
    if (in_key_) return ++keys, key_ = value, true;
    if (key_ == "kind") return kind = value, true;
    if (key_ == "node") return found.node = value, true;
    if (key_ == "token") return found.token = value, true;
    return false;
  }
  bool visit_nil() { return false; }
  bool visit_boolean(bool) { return false; }
  bool visit_negative_integer(std::int64_t) { return false; }
  bool visit_float32(float) { return false; }
  bool visit_float64(double) { return false; }
  bool visit_bin(const char*, std::uint32_t) { return false; }
  bool visit_ext(const char*, std::uint32_t) { return false; }
  void parse_error(std::size_t, std::size_t) {}
  void insufficient_bytes(std::size_t, std::size_t) {}

 private:
  int depth_ = 0;
  bool in_key_ = false;
  std::string key_;
};

}  // namespace

std::string encode_hello(const hello& from) {
  msgpack::sbuffer out;
  msgpack::packer<msgpack::sbuffer> to(out);
  to.pack_map(4);
  to.pack(std::string("sluice"));
  to.pack(1);
  to.pack(std::string("kind"));
  to.pack(std::string("hello"));
  to.pack(std::string("node"));
  to.pack(from.node);
  to.pack(std::string("token"));
  to.pack(from.token);
  return {out.data(), out.size()};
}

result<hello> decode_hello(std::string_view bytes) {
  const auto foreign =
      external_error("foreign_client", "a program that is no node of this cluster connected to the data port");
  if (bytes.size() > max_hello_bytes) return foreign;
  hello_visitor visitor;
  std::size_t offset = 0;
  try {
    if (!msgpack::parse(bytes.data(), bytes.size(), offset, visitor) || offset != bytes.size()) return foreign;
  } catch (const std::exception&) {
    return foreign;
  }
  if (visitor.keys != 4 || visitor.magic != "1" || visitor.kind != "hello") return foreign;
  return visitor.found;
}

}  // namespace sluice::cluster
