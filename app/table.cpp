#include "app/table.hpp"

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

std::size_t table::squeeze(std::vector<int>& sizes, int width) const {
  auto shown = sizes.size();
  const auto total = [&] {
    return std::accumulate(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(shown), 0) +
           gap * static_cast<int>(shown > 0 ? shown - 1 : 0);
  };
  while (total() > width) {
    // The widest column that may still shrink gives way first, down to the next widest or to what is needed.
    std::size_t widest = shown;
    for (std::size_t i = 0; i < shown; ++i)
      if (columns_[i].shrink_to > 0 && sizes[i] > columns_[i].shrink_to &&
          (widest == shown || sizes[i] > sizes[widest]))
        widest = i;
    if (widest < shown) {
      --sizes[widest];
    } else if (shown > 1) {
      --shown;
    } else {
      sizes[0] = width;
      break;
    }
  }
  return shown;
}

std::string table::render(int width, bool color, bool unicode) const {
  auto sizes = widths();
  const auto shown = squeeze(sizes, width);
  std::string text;
  const auto emit = [&](auto&& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < shown; ++i) {
      if (i > 0) line.append(gap, ' ');
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
  emit([&](std::size_t i) { return cell{columns_[i].title, style::bold}; });
  if (std::any_of(columns_.begin(), columns_.end(), [](const column& each) { return !each.note.empty(); }))
    emit([&](std::size_t i) { return cell{columns_[i].note, style::dim}; });
  draw_rule();
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (std::find(rules_.begin(), rules_.end(), row) != rules_.end()) draw_rule();
    emit([&](std::size_t i) { return i < rows_[row].size() ? rows_[row][i] : cell{}; });
  }
  if (shown < sizes.size()) {
    const auto hidden = sizes.size() - shown;
    text +=
        paint("+ " + std::to_string(hidden) + (hidden == 1 ? " column that does" : " columns that do") + " not fit\n",
              style::dim, color);
  }
  return text;
}

}  // namespace sluice::app
