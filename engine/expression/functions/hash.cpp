#include "engine/expression/functions/sha256.hpp"
#include "engine/expression/functions/support.hpp"

#include <openssl/evp.h>

#include <array>

namespace sluice::expression {

namespace {

void append_hex(text_builder& out, const unsigned char* bytes, std::size_t count) {
  constexpr char digits[] = "0123456789abcdef";
  char* place = out.room(static_cast<std::int64_t>(count) * 2);
  for (std::size_t i = 0; i < count; ++i) {
    *place++ = digits[bytes[i] >> 4];
    *place++ = digits[bytes[i] & 15];
  }
  out.advance(static_cast<std::int64_t>(count) * 2);
}

/// Looked up once in the process: OpenSSL would go through its providers for every value.
template <const EVP_MD* (*Algorithm)()>
const EVP_MD* fetched() {
  static const EVP_MD* const found = EVP_MD_fetch(nullptr, EVP_MD_get0_name(Algorithm()), nullptr);
  return found;
}

template <const EVP_MD* (*Algorithm)()>
result<array_ptr> digest_kernel(call& c) {
  const texts_of from(c.args[0]);
  const EVP_MD* algorithm = fetched<Algorithm>();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool good = context != nullptr && algorithm != nullptr;
  auto made = build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    good = good && EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1 &&
           EVP_DigestUpdate(context.get(), from[row].data(), from[row].size()) == 1 &&
           EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1;
    algorithm = nullptr;  // from the second value on the context knows it
    append_hex(out, digest.data(), length);
  });
  if (!good)
    return external_error("crypto_error", "OpenSSL refused the digest " + static_cast<const call_node&>(c.of).name,
                          "a FIPS installation may forbid md5: use sha256");
  return made;
}

result<array_ptr> sha256_kernel(call& c) {
  if (!has_sha_instructions()) return digest_kernel<EVP_sha256>(c);
  const texts_of from(c.args[0]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    sha256_digest digest;
    sha256_by_instructions(from[row], digest);
    append_hex(out, digest.data(), digest.size());
  });
}

template <result<array_ptr> (*Kernel)(call&)>
node_ptr bind_digest(binder& b, const call_site& site) {
  const bool bytes = site.args[0].value->type->id() == arrow::Type::BINARY;
  return bind_fixed(b, site, {bytes ? arrow::binary() : arrow::utf8()}, arrow::utf8(), Kernel);
}

result<array_ptr> to_hex_kernel(call& c) {
  const column_of<std::int64_t> from(c.args[0]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    constexpr char digits[] = "0123456789abcdef";
    char text[16];
    std::size_t at = 16;
    auto rest = static_cast<std::uint64_t>(from[row]);
    do {
      text[--at] = digits[rest & 15];
      rest >>= 4;
    } while (rest != 0);
    out.append({text + at, 16 - at});
  });
}

node_ptr bind_to_hex(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int64()}, arrow::utf8(), to_hex_kernel);
}

}  // namespace

const std::vector<function>& hash_functions() {
  static const std::vector<function> all = {
      entry("md5", "hash", "md5(text or bytea) -> text", "MD5 in hexadecimal; not secure", "md5('abc')",
            "900150983cd24fb0d6963f7d28e17f72", 1, 1, bind_digest<digest_kernel<EVP_md5>>),
      entry("sha256", "hash", "sha256(text or bytea) -> text", "SHA-256 in hexadecimal", "sha256('abc')",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1, 1, bind_digest<sha256_kernel>),
      entry("to_hex", "hash", "to_hex(bigint) -> text",
            "hexadecimal digits; negative numbers as 64-bit two's complement", "to_hex(255)", "ff", 1, 1, bind_to_hex),
  };
  return all;
}

}  // namespace sluice::expression
