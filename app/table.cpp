#include "app/table.hpp"

#include "app/prose.hpp"
#include "app/text.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::app {

namespace {

constexpr int gap = 2;

std::string padded(const std::string& text, int width, bool right, style how, bool color) {
  const auto blanks = std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
  return right ? blanks + paint(text, how, color) : paint(text, how, color) + blanks;
}

/// Lines end without blanks, so that copied text is clean and files compare well.
void end_line(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text += '\n';
}

/// The lines of a cell that is broken between words.
std::vector<std::string> broken(const std::string& text, int width) {
  std::vector<std::string> lines;
  const auto all = wrapped(text, width);
  for (std::size_t at = 0; at <= all.size();) {
    const auto end = std::min(all.find('\n', at), all.size());
    auto line = all.substr(at, end - at);
    at = end + 1;
    // A word that is wider than the column goes on in the next line.
    while (display_width(line) > width) {
      const auto part = std::max<std::size_t>(1, bytes_within(line, width));
      lines.push_back(line.substr(0, part));
      line.erase(0, part);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::vector<int> table::widths() const {
  std::vector<int> sizes;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    int size = std::max(display_width(columns_[i].title), display_width(columns_[i].note));
    for (const auto& row : rows_)
      if (i < row.size()) size = std::max(size, display_width(row[i].text));
    sizes.push_back(size);
  }
  return sizes;
}

int table::width() const {
  const auto sizes = widths();
  return std::accumulate(sizes.begin(), sizes.end(), 0) + gap * (static_cast<int>(sizes.size()) - 1);
}

std::vector<std::size_t> table::squeeze(std::vector<int>& sizes, int width) const {
  std::vector<std::size_t> shown(sizes.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  const auto total = [&] {
    int sum = gap * (static_cast<int>(shown.size()) - 1);
    for (const auto i : shown) sum += sizes[i];
    return sum;
  };
  // Columns of a rank are left out before others are cut to less than they ask for.
  const auto least = [&] {
    int sum = gap * (static_cast<int>(shown.size()) - 1);
    for (const auto i : shown) sum += columns_[i].shrink_to > 0 ? std::min(sizes[i], columns_[i].shrink_to) : sizes[i];
    return sum;
  };
  while (shown.size() > 1 && least() > width) {
    auto last = shown.begin();
    for (auto each = shown.begin(); each != shown.end(); ++each)
      if (columns_[*each].rank >= columns_[*last].rank) last = each;
    shown.erase(last);
  }
  while (total() > width) {
    // The widest column that may still shrink gives way first, down to the next widest or to what is needed.
    auto widest = sizes.size();
    for (const auto i : shown)
      if (columns_[i].shrink_to > 0 && sizes[i] > columns_[i].shrink_to &&
          (widest == sizes.size() || sizes[i] > sizes[widest]))
        widest = i;
    if (widest == sizes.size()) {
      sizes[shown.front()] = width;
      break;
    }
    --sizes[widest];
  }
  return shown;
}

std::string table::render(int width, bool color, bool unicode) const {
  auto sizes = widths();
  const auto shown = squeeze(sizes, width);
  std::string text;
  const auto emit = [&](auto&& cell_of) {
    std::string line;
    for (const auto i : shown) {
      if (i != shown.front()) line.append(gap, ' ');
      const cell each = cell_of(i);
      line += padded(fit(each.text, sizes[i], unicode), sizes[i], columns_[i].right, each.how, color);
    }
    end_line(line);
    text += line;
  };
  const auto draw_rule = [&] {
    emit([&](std::size_t i) {
      std::string line;
      for (int k = 0; k < sizes[i]; ++k) line += unicode ? "─" : "-";
      return cell{line, style::dim};
    });
  };
  const auto emit_row = [&](const std::vector<cell>& row) {
    std::vector<std::vector<std::string>> lines(columns_.size());
    std::size_t most = 1;
    for (const auto i : shown) {
      if (i >= row.size()) continue;
      lines[i] = columns_[i].wraps ? broken(row[i].text, sizes[i]) : std::vector<std::string>{row[i].text};
      most = std::max(most, lines[i].size());
    }
    for (std::size_t at = 0; at < most; ++at)
      emit([&](std::size_t i) { return at < lines[i].size() ? cell{lines[i][at], row[i].how} : cell{}; });
  };
  emit([&](std::size_t i) { return cell{columns_[i].title, style::bold}; });
  if (std::any_of(columns_.begin(), columns_.end(), [](const column& each) { return !each.note.empty(); }))
    emit([&](std::size_t i) { return cell{columns_[i].note, style::dim}; });
  draw_rule();
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (std::find(rules_.begin(), rules_.end(), row) != rules_.end()) draw_rule();
    emit_row(rows_[row]);
  }
  if (shown.size() < columns_.size()) {
    std::string left_out;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (std::find(shown.begin(), shown.end(), i) == shown.end())
        left_out += (left_out.empty() ? "" : ", ") + columns_[i].title;
    text += wrapped(paint("not shown, for lack of room: " + left_out, style::dim, color), width) + "\n";
  }
  return text;
}

}  // namespace sluice::app
