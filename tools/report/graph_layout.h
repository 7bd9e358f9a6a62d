// Layout of graphs for drawing.
#ifndef ORBIT_TOOLS_REPORT_GRAPH_LAYOUT_H_
#define ORBIT_TOOLS_REPORT_GRAPH_LAYOUT_H_

#include <array>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

using Point = std::array<double, 2>;

// Returns one point per node, with edges about 1 long. Distances in the plane approximate distances in the graph by
// stress majorization (Gansner, Koren, North: Graph Drawing by Stress Majorization, GD 2004); the best of several fixed
// starts is used. The layout is rotated so that as many edges as possible run along the axes, and centred at 0. Throws
// Error for a graph that is not connected.
std::vector<Point> LayOut(const Graph& graph);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_GRAPH_LAYOUT_H_
