// Bytes as text and back, and hashes beyond md5 and sha256.
#include "engine/expression/functions/support.hpp"
#include "engine/values/types.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace sluice::expression {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";
constexpr char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void put_hex(std::string& out, std::string_view bytes) {
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
  }
}

// Lines of 76 letters, as PostgreSQL and RFC 2045 have them.
void put_base64(std::string& out, std::string_view bytes) {
  std::size_t line = 0;
  const auto put = [&](char letter) {
    if (line == 76) {
      out += '\n';
      line = 0;
    }
    out += letter;
    ++line;
  };
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto left = bytes.size() - at;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = (bits << 8) | (i < left ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) put(i <= left ? base64_letters[(bits >> (18 - 6 * i)) & 63] : '=');
  }
}

void put_escaped(std::string& out, std::string_view bytes) {
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte == 0 || byte >= 0x80) {
      out += '\\';
      out += static_cast<char>('0' + (byte >> 6));
      out += static_cast<char>('0' + ((byte >> 3) & 7));
      out += static_cast<char>('0' + (byte & 7));
    } else {
      out += each;
      if (each == '\\') out += each;
    }
  }
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool read_hex(std::string_view text, std::string& out) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    if (at + 1 == text.size() || digit(text[at]) < 0 || digit(text[at + 1]) < 0) return false;
    out += static_cast<char>(digit(text[at]) * 16 + digit(text[at + 1]));
    at += 2;
  }
  return true;
}

bool read_base64(std::string_view text, std::string& out) {
  std::uint32_t bits = 0;
  int letters = 0, ends = 0;
  for (const char each : text) {
    if (is_blank(each)) continue;
    const auto* const found = each == '\0' ? nullptr : std::strchr(base64_letters, each);
    if (each == '=') {
      if (ends == 0 && letters < 2) return false;
      ++ends;
      bits <<= 6;
    } else if (found == nullptr || ends > 0) {
      return false;
    } else {
      bits = (bits << 6) | static_cast<std::uint32_t>(found - base64_letters);
    }
    if (++letters < 4) continue;
    for (int i = 0; i < 3 - ends; ++i) out += static_cast<char>((bits >> (16 - 8 * i)) & 0xff);
    if (ends > 2) return false;
    ends = 0;
    letters = 0;
    bits = 0;
  }
  return letters == 0;
}

bool read_escaped(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    const auto octal = [&](std::size_t i, char most) {
      return at + i < text.size() && text[at + i] >= '0' && text[at + i] <= most;
    };
    if (at + 1 < text.size() && text[at + 1] == '\\') {
      out += '\\';
      ++at;
    } else if (octal(1, '3') && octal(2, '7') && octal(3, '7')) {
      out += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
      at += 3;
    } else {
      return false;
    }
  }
  return true;
}

struct encoding {
  const char* name;
  void (*put)(std::string&, std::string_view);
  bool (*read)(std::string_view, std::string&);
};
constexpr encoding encodings[] = {
    {"base64", put_base64, read_base64}, {"escape", put_escaped, read_escaped}, {"hex", put_hex, read_hex}};

result<array_ptr> encode_kernel(call& c) {
  const auto& how = *static_cast<const encoding*>(c.state);
  const texts_of from(c.args[0]);
  std::string made;
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    made.clear();
    how.put(made, from[row]);
    out.append(made);
  });
}

// Texts or bytes of rows, some of which fail.
template <class Work>
result<array_ptr> texts_or_failures(call& c, Work&& work) {
  row_failures failures(c);
  std::string made;
  SLUICE_ASSIGN(auto built,
                build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
                  made.clear();
                  if (work(row, made, failures)) out.append(made);
                }));
  if (failures.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = failures.apply(all_valid(c.args, c.rows));
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

result<array_ptr> decode_kernel(call& c) {
  const auto& how = *static_cast<const encoding*>(c.state);
  const texts_of from(c.args[0]);
  return texts_or_failures(c, [&](std::int64_t row, std::string& made, row_failures& failures) {
    if (how.read(from[row], made)) return true;
    failures.add(row, "invalid_cast",
                 std::string("expected ") + how.name + ", found '" + argument_text(c, 0, row).substr(0, 60) + "'");
    return false;
  });
}

const encoding* find_encoding(binder& b, const call_site& site) {
  auto name = constant_text(b.coerce(site.args[1], arrow::utf8(), site.name));
  if (name)
    for (auto& each : *name) each = each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each;
  for (const auto& each : encodings)
    if (name && *name == each.name) return &each;
  b.fault(site.args[1].at, "invalid_literal", "the format of " + site.name + " must be 'base64', 'hex' or 'escape'");
  return nullptr;
}

node_ptr bind_encode(binder& b, const call_site& site) {
  const auto* how = find_encoding(b, site);
  // A text stands for its bytes in UTF-8.
  auto value = b.settle(site.args[0]);
  if (value && !is_text_type(*value->type)) value = b.coerce(site.args[0], arrow::binary(), "encode");
  if (how == nullptr || !value) return nullptr;
  return b.call("encode", arrow::utf8(), {std::move(value), b.settle(site.args[1])}, encode_kernel,
                {.state = std::make_shared<const encoding>(*how)});
}
node_ptr bind_decode(binder& b, const call_site& site) {
  const auto* how = find_encoding(b, site);
  auto value = b.coerce(site.args[0], arrow::utf8(), "decode");
  if (how == nullptr || !value) return nullptr;
  return b.call("decode", arrow::binary(), {std::move(value), b.settle(site.args[1])}, decode_kernel,
                {.state = std::make_shared<const encoding>(*how)});
}

// --- between text and bytes

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const std::size_t more = first < 0x80                    ? 0
                             : first >= 0xc2 && first < 0xe0 ? 1
                             : first >= 0xe0 && first < 0xf0 ? 2
                             : first >= 0xf0 && first < 0xf5 ? 3
                                                             : 9;
    if (more == 9 || first == 0 || at + more >= bytes.size()) return false;
    for (std::size_t i = 1; i <= more; ++i)
      if ((static_cast<unsigned char>(bytes[at + i]) & 0xc0) != 0x80) return false;
    const auto second = more > 0 ? static_cast<unsigned char>(bytes[at + 1]) : 0U;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
      return false;
    at += more + 1;
  }
  return true;
}

result<array_ptr> convert_from_kernel(call& c) {
  const texts_of from(c.args[0]);
  return texts_or_failures(c, [&](std::int64_t row, std::string& made, row_failures& failures) {
    made = from[row];
    if (is_utf8(made)) return true;
    failures.add(row, "invalid_cast", "these bytes are not UTF-8");
    return false;
  });
}
result<array_ptr> convert_to_kernel(call& c) {
  const texts_of from(c.args[0]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows),
                     [&](std::int64_t row, text_builder& out) { out.append(from[row]); });
}
template <bool From>
node_ptr bind_convert(binder& b, const call_site& site) {
  auto name = constant_text(b.coerce(site.args[1], arrow::utf8(), site.name));
  if (name)
    for (auto& each : *name) each = each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each;
  if (!name || (*name != "utf8" && *name != "utf-8"))
    return b.fault(site.args[1].at, "not_supported_yet", "only UTF8 is supported as the encoding of " + site.name);
  return bind_fixed(b, site, {From ? arrow::binary() : arrow::utf8(), arrow::utf8()},
                    From ? arrow::utf8() : arrow::binary(), From ? convert_from_kernel : convert_to_kernel);
}

// --- hashes

template <const EVP_MD* (*Algorithm)()>
result<array_ptr> digest_kernel(call& c) {
  const texts_of from(c.args[0]);
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, EVP_MD_get0_name(Algorithm()), nullptr);
  std::string made;
  bool good = algorithm != nullptr;
  auto built = build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    good = good && EVP_Digest(from[row].data(), from[row].size(), digest.data(), &length, algorithm, nullptr) == 1;
    made.clear();
    put_hex(made, {reinterpret_cast<const char*>(digest.data()), length});
    out.append(made);
  });
  if (!good)
    return external_error("crypto_error", "OpenSSL refused the digest " + static_cast<const call_node&>(c.of).name,
                          "a FIPS installation may forbid it: use sha256");
  return built;
}

template <const EVP_MD* (*Algorithm)()>
node_ptr bind_digest(binder& b, const call_site& site) {
  const bool bytes = site.args[0].value->type->id() == arrow::Type::BINARY;
  return bind_fixed(b, site, {bytes ? arrow::binary() : arrow::utf8()}, arrow::utf8(), digest_kernel<Algorithm>);
}

result<array_ptr> hmac_kernel(call& c) {
  const texts_of from(c.args[0]), key(c.args[1]);
  const auto* const algorithm = static_cast<const EVP_MD*>(c.state);
  std::string made;
  bool good = true;
  auto built = build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    good = good && HMAC(algorithm, key[row].data(), static_cast<int>(key[row].size()),
                        reinterpret_cast<const unsigned char*>(from[row].data()), from[row].size(), digest.data(),
                        &length) != nullptr;
    made.clear();
    put_hex(made, {reinterpret_cast<const char*>(digest.data()), length});
    out.append(made);
  });
  if (!good)
    return external_error("crypto_error", "OpenSSL refused hmac", "a FIPS installation may forbid short keys or md5");
  return built;
}

node_ptr bind_hmac(binder& b, const call_site& site) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  const auto name = constant_text(inputs[2]);
  const EVP_MD* const found = !name               ? nullptr
                              : *name == "md5"    ? EVP_md5()
                              : *name == "sha1"   ? EVP_sha1()
                              : *name == "sha224" ? EVP_sha224()
                              : *name == "sha256" ? EVP_sha256()
                              : *name == "sha384" ? EVP_sha384()
                              : *name == "sha512" ? EVP_sha512()
                                                  : nullptr;
  if (found == nullptr)
    return b.fault(site.args[2].at, "invalid_literal",
                   "the algorithm of hmac must be 'md5', 'sha1', 'sha224', 'sha256', 'sha384' or 'sha512'");
  return b.call("hmac", arrow::utf8(), std::move(inputs), hmac_kernel,
                {.state = std::shared_ptr<const void>(found, [](const void*) {})});
}

}  // namespace

const std::vector<function>& encoding_functions() {
  static const std::vector<function> all = {
      entry("convert_from", "text", "convert_from(bytea, 'UTF8') -> text", "the text that the bytes are",
            "convert_from('\\x6162'::bytea, 'UTF8')", "ab", 2, 2, bind_convert<true>),
      entry("convert_to", "text", "convert_to(text, 'UTF8') -> bytea", "the bytes of a text",
            "encode(convert_to('ä', 'UTF8'), 'hex')", "c3a4", 2, 2, bind_convert<false>),
      entry("decode", "hash", "decode(text, format) -> bytea",
            "the bytes that a text in 'base64', 'hex' or 'escape' means", "encode(decode('YWI=', 'base64'), 'hex')",
            "6162", 2, 2, bind_decode),
      entry("encode", "hash", "encode(bytea or text, format) -> text", "bytes as text: 'base64', 'hex' or 'escape'",
            "encode('ab', 'base64')", "YWI=", 2, 2, bind_encode),
      entry("hmac", "hash", "hmac(text, key, algorithm) -> text",
            "keyed hash in hexadecimal; the algorithm is 'sha256', 'sha512', 'sha1' or another one",
            "left(hmac('abc', 'key', 'sha256'), 16)", "9c196e32dc0175f8", 3, 3, bind_hmac),
      entry("sha1", "hash", "sha1(text or bytea) -> text", "SHA-1 in hexadecimal; not secure", "sha1('abc')",
            "a9993e364706816aba3e25717850c26c9cd0d89d", 1, 1, bind_digest<EVP_sha1>),
      entry("sha224", "hash", "sha224(text or bytea) -> text", "SHA-224 in hexadecimal", "left(sha224('abc'), 16)",
            "23097d223405d822", 1, 1, bind_digest<EVP_sha224>),
      entry("sha384", "hash", "sha384(text or bytea) -> text", "SHA-384 in hexadecimal", "left(sha384('abc'), 16)",
            "cb00753f45a35e8b", 1, 1, bind_digest<EVP_sha384>),
      entry("sha512", "hash", "sha512(text or bytea) -> text", "SHA-512 in hexadecimal", "left(sha512('abc'), 16)",
            "ddaf35a193617aba", 1, 1, bind_digest<EVP_sha512>),
  };
  return all;
}

}  // namespace sluice::expression
