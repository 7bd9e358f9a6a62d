// The table of graph separation: pairs of graphs never told apart, published and as `separate` measured them.
#ifndef ORBIT_TOOLS_TABLES_SEPARATION_TABLE_H_
#define ORBIT_TOOLS_TABLES_SEPARATION_TABLE_H_

#include <filesystem>
#include <string>
#include <vector>

#include "tools/separation/separation_cell.h"

namespace orbit {

// The cells of the table; `data` is the path of the published file of EXP.
std::vector<SeparationCell> SeparationCells(const std::string& data);

// From the results in these files and folders; of several for a cell, that of the most samples (sound criterion,
// sampled distributions) or seeds counts, then the last by path, and notes name the others. What has no result is "not
// run". Throws Error for a path that does not exist.
std::string SeparationTable(const std::vector<std::filesystem::path>& paths, bool markdown);

}  // namespace orbit

#endif  // ORBIT_TOOLS_TABLES_SEPARATION_TABLE_H_
