// Pictures of graphs: rows and columns of them, their nodes coloured and marked, as an SVG file.
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

// Dark blue at 0 over green to yellow at 1, alike for the colour-blind (viridis); beyond, the nearer end.
Colour ColourOf(double share);
// Colours for things without an order, well apart, for the first eight at least.
Colour CategoryColour(int64_t category);

struct GraphColumn {
  std::string title, subtitle;
  Graph graph;
  std::vector<std::string> marks;            // [n]: the text in each node
  std::vector<std::vector<Colour>> colours;  // [rows][n]
  double low = 0, high = 1;                  // what the ends of the colour bar below the column stand for
};

struct GraphPicture {
  std::string title;
  std::vector<std::string> rows;  // their titles
  std::vector<GraphColumn> columns;
};

std::string ToSvg(const GraphPicture& picture);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_GRAPH_PICTURE_H_
