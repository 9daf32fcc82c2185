#include "engine/formats/ndjson/documents.hpp"

#include "engine/error/names.hpp"
#include "engine/files/arriving_stream.hpp"
#include "engine/files/interruptible_stream.hpp"
#include "engine/formats/ndjson/cursor.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sluice::ndjson {

namespace {

constexpr std::size_t deepest_document = 4096;
constexpr std::size_t most_keys_noted = 100;
constexpr std::int64_t longest_scalar = 64 * 1024;

using kind = row_path::step::kind;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool ends_scalar(char c) { return is_blank(c) || c == ',' || c == ']' || c == '}'; }

/// What a scan of a row stops at.
constexpr auto row_stops = [] {
  std::array<bool, 256> stops{};
  for (const char c : {'"', '{', '}', '[', ']', '\n'}) stops[static_cast<unsigned char>(c)] = true;
  return stops;
}();

}  // namespace

document_blocks::document_blocks(std::unique_ptr<byte_stream> stream, std::string name, row_path path,
                                 std::int64_t block_bytes, std::shared_ptr<passing_lines> lines)
    : stream_(std::move(stream)),
      name_(std::move(name)),
      path_(std::move(path)),
      block_bytes_(block_bytes),
      lines_(std::move(lines)) {}

status document_blocks::go_to(std::int64_t offset) {
  // The way to a row is only known to who has read what is before it.
  wanted_ = offset;
  return {};
}

void document_blocks::interrupt() noexcept { interrupt_stream(*stream_); }

bool document_blocks::ready() {
  auto* const live = as_arriving(*stream_);
  return live == nullptr || live->ready();
}

// --- bytes -----------------------------------------------------------------------------------------------------------

void document_blocks::drop_used() {
  const bool holds_token =
      inside_ == inside::key || inside_ == inside::scalar ||
      ((inside_ == inside::row || inside_ == inside::row_text || inside_ == inside::row_scalar || row_ended_) &&
       place_ + token_ >= wanted_);
  // The byte before a row becomes its newline.
  const auto used = std::max<std::int64_t>(holds_token ? std::min(token_ - 1, at_) : at_, cut_);
  if (used <= 0) return;
  const auto rest = filled_ - used;
  if (rest > 0) std::memmove(buffer_.data(), buffer_.data() + used, static_cast<std::size_t>(rest));
  place_ += used;
  filled_ = rest;
  at_ -= used;
  token_ -= used;
  blank_ = std::max<std::int64_t>(blank_ - used, 0);
  cut_ = 0;
}

status document_blocks::read_more() {
  if (filled_ > longest_record)
    return user_error("record_too_long", "a value in " + name_ + at_place() + " has more than 256 MiB",
                      path_.automatic ? "name the list of rows inside of the document: rows: \"items[*]\""
                                      : "check the file; a row may have 256 MiB");
  const auto room = static_cast<std::size_t>(filled_ + block_bytes_ + padding);
  if (buffer_.size() < room) buffer_.resize(std::max(room, buffer_.size() + buffer_.size() / 2));
  auto* into = reinterpret_cast<std::uint8_t*>(buffer_.data() + filled_);
  SLUICE_ASSIGN(const auto got, read_arrived(*stream_, into, block_bytes_));
  if (lines_ && got > 0) {
    lines_->forget_before(place_);
    lines_->pass(place_ + filled_, into, got);
  }
  const bool first = place_ + filled_ == 0;
  filled_ += got;
  at_end_ = got == 0;
  std::memset(buffer_.data() + filled_, 0, padding);
  // The mark of UTF-8 that some programs put in front.
  if (first && got >= 3 && std::memcmp(buffer_.data(), "\xef\xbb\xbf", 3) == 0) at_ = 3;
  return {};
}

result<bool> document_blocks::next() {
  block_begin_ = block_end_ = nullptr;
  while (!at_end_) {
    drop_used();
    SLUICE_TRY(read_more());
    SLUICE_TRY(at_end_ ? finish() : scan());
    if (cut_ == 0) continue;
    block_begin_ = buffer_.data();
    block_end_ = buffer_.data() + cut_;
    block_offset_ = place_;
    return true;
  }
  return false;
}

// --- structure -------------------------------------------------------------------------------------------------------

status document_blocks::scan() {
  while (at_ < filled_) {
    switch (inside_) {
      case inside::structure:
        SLUICE_TRY(structure());
        break;
      case inside::key:
      case inside::text:
        SLUICE_TRY(skipped_text());
        break;
      case inside::scalar:
      case inside::row_scalar:
        SLUICE_TRY(scalar());
        break;
      default:
        SLUICE_TRY(row());
    }
  }
  return {};
}

status document_blocks::structure() {
  const char c = buffer_[static_cast<std::size_t>(at_)];
  const bool behind_row = row_ended_;
  const auto here = at_;
  if (is_blank(c)) {
    if (c == '\n') {
      ++line_;
      line_begin_ = place_ + at_ + 1;
    }
    ++at_;
  } else {
    switch (expects_) {
      case expected::document:
        if (behind_row) return unexpected("white space between two documents");
        pending_ = 0;
        [[fallthrough]];
      case expected::value:
        SLUICE_TRY(begin_value());
        break;
      case expected::value_or_end:
        SLUICE_TRY(c == ']' ? end_container() : begin_value());
        break;
      case expected::key_or_end:
      case expected::key:
        if (c == '}' && expects_ == expected::key_or_end) {
          SLUICE_TRY(end_container());
          break;
        }
        if (c != '"') return unexpected(expects_ == expected::key ? "a key" : "a key or }");
        token_ = at_;
        inside_ = inside::key;
        ++at_;
        break;
      case expected::colon:
        if (c != ':') return unexpected("a colon after the key");
        expects_ = expected::value;
        ++at_;
        break;
      case expected::comma_or_end: {
        auto& top = levels_.back();
        if (c == (top.list ? ']' : '}')) {
          SLUICE_TRY(end_container());
          break;
        }
        if (c != ',') return unexpected(top.list ? "a comma or ]" : "a comma or }");
        ++top.index;
        ++at_;
        pending_ = top.list ? step_for_element(top) : -1;
        expects_ = top.list ? expected::value : expected::key;
      }
    }
  }
  if (behind_row) {
    row_ended_ = false;
    buffer_[static_cast<std::size_t>(here)] = '\n';
    cut_ = blank_ = here + 1;
  }
  return {};
}

int document_blocks::step_for_element(const level& of) const {
  if (of.step < 0) return -1;
  if (path_.automatic) return 1;
  const auto& step = path_.steps[static_cast<std::size_t>(of.step)];
  return step.of == kind::elements || step.index == of.index ? of.step + 1 : -1;
}

status document_blocks::begin_value() {
  const char c = buffer_[static_cast<std::size_t>(at_)];
  const bool list = c == '[';
  any_document_ = true;
  const bool automatic_row = path_.automatic && levels_.empty() && !list;
  const auto all = path_.automatic ? 1 : static_cast<int>(path_.steps.size());
  if (pending_ == all || automatic_row) {
    begin_row();
    return {};
  }
  if (c == '{' || list) return begin_container(list);
  if (pending_ >= 0 && c != 'n') {
    const bool wants_list = path_.steps[static_cast<std::size_t>(pending_)].of != kind::member;
    return wrong_kind(wants_list ? "a list" : "an object", c == '"'               ? "a text"
                                                           : c == 't' || c == 'f' ? "a boolean"
                                                                                  : "a number");
  }
  if (c == '"') {
    inside_ = inside::text;
    ++at_;
    return {};
  }
  if (c != '-' && c != 't' && c != 'f' && c != 'n' && !(c >= '0' && c <= '9')) return unexpected("a value");
  token_ = at_;
  inside_ = inside::scalar;
  return {};
}

status document_blocks::begin_container(bool list) {
  if (levels_.size() >= deepest_document)
    return user_error("invalid_json", name_ + at_place() + ": nested more than 4096 objects and lists deep",
                      "check the file");
  if (pending_ >= 0 && !path_.automatic) {
    const bool wants_list = path_.steps[static_cast<std::size_t>(pending_)].of != kind::member;
    if (wants_list != list) return wrong_kind(wants_list ? "a list" : "an object", list ? "a list" : "an object");
  }
  const auto all = path_.automatic ? 1 : static_cast<int>(path_.steps.size());
  levels_.push_back({.list = list, .step = pending_});
  // An empty list is a place as well.
  reached_ = reached_ || (list && pending_ == all - 1);
  pending_ = list ? step_for_element(levels_.back()) : -1;
  expects_ = list ? expected::value_or_end : expected::key_or_end;
  ++at_;
  return {};
}

status document_blocks::end_container() {
  levels_.pop_back();
  ++at_;
  expect_behind_value();
  return {};
}

void document_blocks::expect_behind_value() {
  inside_ = inside::structure;
  expects_ = levels_.empty() ? expected::document : expected::comma_or_end;
}

status document_blocks::skipped_text() {
  // A backslash may be the last byte of what was read.
  if (std::exchange(escaped_, false)) {
    ++at_;
    return {};
  }
  const char* const begin = buffer_.data();
  const char* const stop = skip_plain(begin + at_);
  at_ = std::min<std::int64_t>(stop - begin, filled_);
  if (at_ == filled_) return {};
  if (*stop != '"' && *stop != '\\') return unexpected("the end of the text");
  ++at_;
  escaped_ = *stop == '\\';
  if (escaped_) return {};
  if (inside_ == inside::key) return end_key();
  expect_behind_value();
  return {};
}

status document_blocks::end_key() {
  inside_ = inside::structure;
  expects_ = expected::colon;
  auto& top = levels_.back();
  if (top.step < 0 || path_.automatic) return {};
  const char* const begin = buffer_.data() + token_ + 1;
  if (read_string(begin, scratch_) == nullptr) {
    at_ = token_;
    return unexpected("a key");
  }
  const auto& step = path_.steps[static_cast<std::size_t>(top.step)];
  if (step.of == kind::member && step.name == scratch_) {
    pending_ = top.step + 1;
  } else if (!reached_ && seen_keys_.size() < most_keys_noted &&
             std::find(seen_keys_.begin(), seen_keys_.end(), scratch_) == seen_keys_.end()) {
    seen_keys_.push_back(scratch_);
  }
  return {};
}

status document_blocks::scalar() {
  while (at_ < filled_ && !ends_scalar(buffer_[static_cast<std::size_t>(at_)])) ++at_;
  if (inside_ == inside::row_scalar) {
    if (at_ < filled_ || at_end_) end_row();
    return {};
  }
  if (at_ - token_ > longest_scalar) {
    at_ = token_;
    return unexpected("a value");
  }
  if (at_ == filled_ && !at_end_) return {};
  scratch_.assign(buffer_.data() + token_, static_cast<std::size_t>(at_ - token_));
  const auto size = scratch_.size();
  scratch_ += '\n';
  scratch_.append(static_cast<std::size_t>(padding), '\0');
  if (skip_value(scratch_.data(), 0) != scratch_.data() + size) {
    at_ = token_;
    return unexpected("a value");
  }
  expect_behind_value();
  return {};
}

// --- rows ------------------------------------------------------------------------------------------------------------

void document_blocks::begin_row() {
  reached_ = true;
  token_ = at_;
  auto* const bytes = buffer_.data();
  if (place_ + at_ >= wanted_ && at_ > blank_) {
    std::memset(bytes + blank_, ' ', static_cast<std::size_t>(at_ - blank_));
    bytes[at_ - 1] = '\n';
  }
  const char c = bytes[at_];
  brackets_.clear();
  if (c == '{' || c == '[') {
    inside_ = inside::row;
  } else {
    inside_ = c == '"' ? inside::row_text : inside::row_scalar;
    ++at_;
  }
}

void document_blocks::end_row() {
  expect_behind_value();
  row_ended_ = place_ + token_ >= wanted_;
}

status document_blocks::row() {
  auto* const bytes = buffer_.data();
  if (inside_ == inside::row_text) {
    if (std::exchange(escaped_, false)) {
      ++at_;
      return {};
    }
    at_ = std::min<std::int64_t>(skip_plain(bytes + at_) - bytes, filled_);
    if (at_ == filled_) return {};
    const char c = bytes[at_];
    if (c == '\n') {
      ++line_;
      line_begin_ = place_ + at_ + 1;
      // It is a fault of the row, which must stay in one line for that.
      bytes[at_] = '\1';
    }
    ++at_;
    escaped_ = c == '\\';
    if (c == '"') {
      inside_ = inside::row;
      if (brackets_.empty()) end_row();
    }
    return {};
  }
  while (at_ < filled_) {
    while (at_ < filled_ && !row_stops[static_cast<unsigned char>(bytes[at_])]) ++at_;
    if (at_ == filled_) return {};
    const char c = bytes[at_];
    switch (c) {
      case '"':
        ++at_;
        inside_ = inside::row_text;
        return {};
      case '\n':
        ++line_;
        line_begin_ = place_ + at_ + 1;
        bytes[at_] = ' ';
        break;
      case '{':
      case '[':
        if (brackets_.size() >= deepest_document)
          return user_error("invalid_json", name_ + at_place() + ": nested more than 4096 objects and lists deep",
                            "check the file");
        brackets_ += c == '{' ? '}' : ']';
        break;
      default:
        // Where the brackets don't match, nobody knows where the row ends.
        if (brackets_.back() != c) return unexpected(std::string("a comma or ") + brackets_.back());
        brackets_.pop_back();
    }
    ++at_;
    if (brackets_.empty() && c != '\n') {
      end_row();
      return {};
    }
  }
  return {};
}

// --- the end, and faults ---------------------------------------------------------------------------------------------

status document_blocks::finish() {
  if (inside_ == inside::scalar || inside_ == inside::row_scalar) SLUICE_TRY(scalar());
  if (inside_ != inside::structure || !levels_.empty()) {
    ran_out_ = true;
    return user_error("invalid_json",
                      name_ + " ends inside of a document" + at_place() + ", at " +
                          (levels_.empty()       ? "a value"
                           : levels_.back().list ? "a list"
                                                 : "an object"),
                      "the file is truncated: get it again");
  }
  if (row_ended_) {
    row_ended_ = false;
    if (buffer_.size() < static_cast<std::size_t>(filled_ + 1 + padding))
      buffer_.resize(static_cast<std::size_t>(filled_ + 1 + padding));
    buffer_[static_cast<std::size_t>(filled_)] = '\n';
    cut_ = ++filled_;
    at_ = filled_;
    std::memset(buffer_.data() + filled_, 0, static_cast<std::size_t>(padding));
  }
  if (any_document_ && !reached_) return not_found();
  return {};
}

error document_blocks::not_found() const {
  std::string near;
  for (const auto& step : path_.steps)
    if (near.empty() && step.of == kind::member &&
        std::find(seen_keys_.begin(), seen_keys_.end(), step.name) == seen_keys_.end())
      near = nearest_name(step.name, seen_keys_);
  std::string keys;
  for (std::size_t i = 0; i < std::min<std::size_t>(seen_keys_.size(), 8); ++i)
    keys += (keys.empty() ? "" : ", ") + shortened(seen_keys_[i], 40);
  return user_error("rows_not_found", name_ + " has nothing at " + path_text(path_, path_.steps.size()),
                    !near.empty()   ? "did you mean " + near + "?"
                    : !keys.empty() ? "on the way there are the keys " + keys
                                    : "check rows:");
}

std::string document_blocks::at_place() const {
  return " at line " + std::to_string(line_) + ", column " + std::to_string(place_ + at_ - line_begin_ + 1);
}

error document_blocks::unexpected(const std::string& wanted) const {
  const auto size = static_cast<std::size_t>(std::clamp<std::int64_t>(filled_ - at_, 0, 20));
  std::string found(buffer_.data() + at_, size);
  for (auto& c : found)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return user_error("invalid_json", name_ + at_place() + ": expected " + wanted + ", found " + shortened(found, 20),
                    "the JSON document is broken here; nothing after it can be read");
}

error document_blocks::wrong_kind(const char* wanted, const char* found) const {
  const auto here = path_text(path_, static_cast<std::size_t>(pending_));
  const bool list = std::string_view(found) == "a list";
  return user_error("rows_not_found", name_ + at_place() + ": expected " + wanted + " at " + here + ", found " + found,
                    list ? "add [*] for all of its elements: " + here + "[*]"
                         : "check the path: rows: \"" + path_text(path_, path_.steps.size()) + "\"");
}

}  // namespace sluice::ndjson
