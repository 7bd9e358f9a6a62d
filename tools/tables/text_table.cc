#include "tools/tables/text_table.h"

#include <algorithm>
#include <numeric>

namespace orbit {
namespace {

// The number of characters in UTF-8.
size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::string FormatMarkdown(const std::vector<TableLine>& lines) {
  std::string table;
  for (size_t l = 0; l < lines.size(); ++l) {
    table += "|";
    for (const std::string& cell : lines[l]) table += " " + cell + (cell.empty() ? "|" : " |");
    table += "\n";
    if (l > 0) continue;
    table += "|";
    for (size_t i = 0; i < lines[l].size(); ++i) table += " --- |";
    table += "\n";
  }
  return table;
}

std::string FormatText(const std::vector<TableLine>& lines) {
  std::vector<size_t> widths(lines.at(0).size(), 3);
  for (const TableLine& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
  std::string table;
  for (size_t l = 0; l < lines.size(); ++l) {
    std::string text;
    for (size_t i = 0; i < lines[l].size(); ++i)
      text += lines[l][i] + std::string(widths[i] + 2 - Width(lines[l][i]), ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    table += text + "\n";
    if (l == 0) table += std::string(std::accumulate(widths.begin(), widths.end(), 2 * widths.size()), '-') + "\n";
  }
  return table;
}

}  // namespace

std::string FormatTable(const std::vector<TableLine>& lines, bool markdown) {
  return markdown ? FormatMarkdown(lines) : FormatText(lines);
}

}  // namespace orbit
