#include "engine/files/encoding.hpp"

#include "engine/files/arriving_stream.hpp"
#include "engine/files/files.hpp"
#include "engine/files/interruptible_stream.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice {

namespace {

constexpr std::int64_t block_bytes = 128 * 1024;
constexpr std::size_t mark_bytes = 4;

struct named_encoding {
  std::string_view name;  ///< folded: small letters and digits only
  text_encoding encoding;
};

constexpr named_encoding named_encodings[] = {
    {"auto", text_encoding::utf8},
    {"utf8", text_encoding::utf8},
    {"ascii", text_encoding::utf8},
    {"usascii", text_encoding::utf8},
    {"utf16", text_encoding::utf16},
    {"utf16le", text_encoding::utf16_le},
    {"utf16be", text_encoding::utf16_be},
    {"ucs2", text_encoding::utf16},
    {"latin1", text_encoding::latin1},
    {"iso88591", text_encoding::latin1},
    {"windows1252", text_encoding::windows1252},
    {"cp1252", text_encoding::windows1252},
};

/// 0x80 to 0x9F of Windows-1252; 0: not in use.
constexpr std::array<std::uint16_t, 32> windows1252_high = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

/// Appends a code point; half a surrogate pair gets the three bytes that UTF-8 forbids.
void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xC0 | code >> 6), put(0x80 | (code & 63));
  if (code < 0x10000) return put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
}

void decode_bytes(std::string_view bytes, bool windows, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else if (!windows || byte > 0x9F) {
      append_utf8(byte, out);
    } else if (const auto code = windows1252_high[byte - 0x80U]; code != 0) {
      append_utf8(code, out);
    } else {
      out += c;
    }
  }
}

/// Whether text that begins so may have a mark, of which these bytes are not all.
bool may_have_mark(std::string_view begin) {
  for (const std::string_view mark : {std::string_view("\xFF\xFE\0\0", 4), std::string_view("\0\0\xFE\xFF", 4),
                                      std::string_view("\xFE\xFF"), std::string_view("\xEF\xBB\xBF")})
    if (begin.size() < mark.size() && begin == mark.substr(0, begin.size())) return true;
  return false;
}

class decoding_stream : public byte_stream, public interruptible_stream, public arriving_stream {
 public:
  decoding_stream(std::unique_ptr<byte_stream> from, std::string name, text_encoding named)
      : from_(std::move(from)), name_(std::move(name)), encoding_(named) {}

  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    if (!decoder_) SLUICE_TRY(look_at_mark());
    std::int64_t done = 0;
    while (done < size) {
      const auto some = std::min<std::int64_t>(size - done, static_cast<std::int64_t>(ready_.size() - at_));
      std::memcpy(into + done, ready_.data() + at_, static_cast<std::size_t>(some));
      at_ += static_cast<std::size_t>(some);
      done += some;
      if (done == size || ended_) break;
      if (encoding_ == text_encoding::utf8) {
        SLUICE_ASSIGN(const auto got, from_->read(into + done, size - done));
        return done + got;
      }
      SLUICE_TRY(fill());
    }
    return done;
  }
  /// Only bytes that are passed on as they come.
  [[nodiscard]] bool arrives() const override {
    return encoding_ == text_encoding::utf8 && as_arriving(*from_) != nullptr;
  }
  result<std::int64_t> read_some(std::uint8_t* into, std::int64_t size) override {
    if (!decoder_) SLUICE_TRY(look_at_mark());
    const auto kept = static_cast<std::int64_t>(ready_.size() - at_);
    if (kept > 0 || encoding_ != text_encoding::utf8) return read(into, kept > 0 ? std::min(kept, size) : size);
    return ended_ ? 0 : read_arrived(*from_, into, size);
  }
  [[nodiscard]] bool ready() override {
    auto* const from = as_arriving(*from_);
    return at_ < ready_.size() || ended_ || from == nullptr || from->ready();
  }
  [[nodiscard]] std::int64_t consumed() const override { return from_->consumed(); }
  void interrupt() noexcept override { interrupt_stream(*from_); }

 private:
  status look_at_mark() {
    SLUICE_ASSIGN(raw_, read_begin(*from_, mark_bytes, may_have_mark));
    ended_ = raw_.size() < mark_bytes && as_arriving(*from_) == nullptr;
    auto known = encoding_by_mark(raw_, encoding_);
    if (!known.ok()) {
      auto problem = std::move(known).problem();
      problem.message += ": " + name_;
      return problem;
    }
    encoding_ = *known;
    decoder_ = std::make_unique<text_decoder>(encoding_);
    decoder_->decode(raw_, ended_, ready_);
    return {};
  }

  status fill() {
    raw_.resize(block_bytes);
    SLUICE_ASSIGN(const auto got, from_->read(reinterpret_cast<std::uint8_t*>(raw_.data()), block_bytes));
    ended_ = got < block_bytes;
    ready_.clear();
    at_ = 0;
    decoder_->decode(std::string_view(raw_).substr(0, static_cast<std::size_t>(got)), ended_, ready_);
    return {};
  }

  std::unique_ptr<byte_stream> from_;
  std::string name_;
  text_encoding encoding_;
  std::unique_ptr<text_decoder> decoder_;
  std::string raw_;
  std::string ready_;  ///< decoded, given out from `at_` on
  std::size_t at_ = 0;
  bool ended_ = false;  ///< nothing follows what is ready
};

}  // namespace

result<text_encoding> encoding_of(std::string_view option) {
  std::string folded;
  for (const char c : option) {
    if (c >= 'A' && c <= 'Z') folded += static_cast<char>(c + 32);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) folded += c;
  }
  for (const auto& known : named_encodings)
    if (known.name == folded) return known.encoding;
  auto problem =
      user_error("unknown_encoding", "unknown encoding " + std::string(option),
                 "use utf-8, utf-16, utf-16le, utf-16be, latin-1 or windows-1252; convert others with iconv -f " +
                     std::string(option) + " -t UTF-8");
  problem.path = "/encoding";
  return problem;
}

result<text_encoding> encoding_by_mark(std::string_view first_bytes, text_encoding named) {
  const auto starts = [&](std::string_view mark) { return first_bytes.substr(0, mark.size()) == mark; };
  if (starts({"\xFF\xFE\0\0", 4}) || starts({"\0\0\xFE\xFF", 4}))
    return user_error("unknown_encoding", "the text is encoded in UTF-32",
                      "convert it to UTF-8 first: iconv -f UTF-32 -t UTF-8");
  if (starts("\xFF\xFE")) return text_encoding::utf16_le;
  if (starts("\xFE\xFF")) return text_encoding::utf16_be;
  if (starts("\xEF\xBB\xBF")) return text_encoding::utf8;
  return named == text_encoding::utf16 ? text_encoding::utf16_le : named;
}

void text_decoder::decode(std::string_view bytes, bool last, std::string& out) {
  switch (from_) {
    case text_encoding::latin1:
    case text_encoding::windows1252:
      decode_bytes(bytes, from_ == text_encoding::windows1252, out);
      break;
    case text_encoding::utf16:
    case text_encoding::utf16_le:
    case text_encoding::utf16_be:
      kept_ += bytes;
      decode_utf16(kept_, last, out);
      break;
    case text_encoding::as_it_is:
    case text_encoding::utf8:
      out += bytes;
      break;
  }
}

void text_decoder::decode_utf16(std::string_view bytes, bool last, std::string& out) {
  // The mark is no part of the text.
  if (!started_ && bytes.size() >= 2) {
    started_ = true;
    const auto mark = from_ == text_encoding::utf16_be ? std::string_view("\xFE\xFF") : std::string_view("\xFF\xFE");
    if (bytes.substr(0, 2) == mark) {
      kept_.erase(0, 2);
      bytes = kept_;
    }
  }
  const std::size_t high = from_ == text_encoding::utf16_be ? 0 : 1;
  const auto unit = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + high])) << 8 |
           static_cast<unsigned char>(bytes[at + 1 - high]);
  };
  std::size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) {
    const auto first = unit(at);
    if (first < 0x80) {
      out += static_cast<char>(first);
      continue;
    }
    if (first < 0xD800 || first > 0xDBFF) {
      append_utf8(first, out);
      continue;
    }
    if (at + 3 >= bytes.size() && !last) break;
    const auto second = at + 3 < bytes.size() ? unit(at + 2) : 0;
    if (second < 0xDC00 || second > 0xDFFF) {
      append_utf8(first, out);
      continue;
    }
    append_utf8(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), out);
    at += 2;
  }
  if (last && at < bytes.size()) {
    out += '\xFF';
    at = bytes.size();
  }
  kept_.erase(0, at);
}

std::unique_ptr<byte_stream> decode_stream(std::unique_ptr<byte_stream> from, std::string name, text_encoding named) {
  return std::make_unique<decoding_stream>(std::move(from), std::move(name), named);
}

}  // namespace sluice
