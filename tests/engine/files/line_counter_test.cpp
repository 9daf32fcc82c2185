#include "engine/files/line_counter.hpp"

#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace sluice;
using test::temporary_folder;

namespace {

/// Lines as they are counted by hand: of each offset that begins a line, its number.
std::vector<std::pair<std::int64_t, std::uint64_t>> lines_of(const std::string& text, line_break kind) {
  std::vector<std::pair<std::int64_t, std::uint64_t>> lines = {{0, 1}};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool last_of_two = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n' || (kind == line_break::any && text[i] == '\r' && !last_of_two))
      lines.emplace_back(static_cast<std::int64_t>(i + 1), lines.back().second + 1);
  }
  return lines;
}

std::string random_text(std::mt19937& draw, std::size_t size) {
  std::string text;
  while (text.size() < size) text += "ab\n\r\n\r"[draw() % 6];
  return text;
}

}  // namespace

TEST_CASE("lines are found in any order, whatever ends them") {
  std::mt19937 draw(5);
  const temporary_folder folder;
  for (const auto kind : {line_break::any, line_break::newline}) {
    const auto text = random_text(draw, 3000);
    const auto path = folder.write("a.txt", text);
    const input_file file{.name = "a.txt", .path = path, .size = static_cast<std::int64_t>(text.size())};
    auto stream = file;
    stream.size = -1;  // not seekable
    line_counter lines(kind);
    auto wanted = lines_of(text, kind);
    for (int round = 0; round < 2; ++round) {
      for (const auto& [offset, line] : wanted) {
        CHECK(lines.line_at(file, offset) == line);
        if (offset % 7 == 0) CHECK(lines.line_at(stream, offset) == line);
      }
      std::shuffle(wanted.begin(), wanted.end(), draw);
    }
    CHECK(lines.line_at(file, 4000) == 0);
  }
}

TEST_CASE("lines are numbered while they pass, and forgotten unless they are kept") {
  std::mt19937 draw(6);
  for (const auto kind : {line_break::any, line_break::newline}) {
    const auto text = random_text(draw, 5000);
    const auto wanted = lines_of(text, kind);
    passing_lines lines(kind);
    std::size_t next = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(1 + draw() % 9, text.size() - at);
      lines.pass(static_cast<std::int64_t>(at), reinterpret_cast<const std::uint8_t*>(text.data() + at),
                 static_cast<std::int64_t>(size));
      at += size;
      while (next < wanted.size() && wanted[next].first < static_cast<std::int64_t>(at)) {
        const auto& [offset, line] = wanted[next++];
        CHECK(lines.line_at(offset) == line);
        if (line % 3 == 0) lines.keep(offset);
        if (line % 5 == 0) lines.forget_before(offset);
      }
    }
    const auto end = static_cast<std::int64_t>(text.size());
    lines.forget_before(end);
    for (const auto& [offset, line] : wanted)
      if (offset < end) CHECK(lines.line_at(offset) == (line % 3 == 0 ? line : 0));
  }
}
