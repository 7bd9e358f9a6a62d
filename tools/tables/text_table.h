// Tables as text for people, or in Markdown.
#ifndef ORBIT_TOOLS_TABLES_TEXT_TABLE_H_
#define ORBIT_TOOLS_TABLES_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace orbit {

using TableLine = std::vector<std::string>;

// The lines one below the other, the first of them as the header. All have the same number of cells.
std::string FormatTable(const std::vector<TableLine>& lines, bool markdown);

}  // namespace orbit

#endif  // ORBIT_TOOLS_TABLES_TEXT_TABLE_H_
