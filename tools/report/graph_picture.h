// Pictures of graphs as an SVG file: a table of graphs whose nodes are coloured and marked.
#ifndef ORBIT_TOOLS_REPORT_GRAPH_PICTURE_H_
#define ORBIT_TOOLS_REPORT_GRAPH_PICTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

struct Colour {
  uint8_t red, green, blue;
};

// The viridis scale: from dark blue at 0 over green to yellow at 1, also for the colour-blind. Values outside are
// clamped.
Colour ColourOf(double share);
// Distinct colours for unordered categories; at least the first eight differ clearly.
Colour CategoryColour(int64_t category);

struct GraphColumn {
  std::string title, subtitle;
  Graph graph;
  std::vector<std::string> marks;            // [n]: text in each node
  std::vector<std::vector<Colour>> colours;  // [rows][n]
  double low = 0, high = 1;                  // values at the ends of the colour bar below the column
};

struct GraphPicture {
  std::string title;
  std::vector<std::string> rows;  // titles of the rows
  std::vector<GraphColumn> columns;
};

std::string ToSvg(const GraphPicture& picture);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_GRAPH_PICTURE_H_
