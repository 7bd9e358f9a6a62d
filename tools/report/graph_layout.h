// Where to draw the nodes of a graph.
#ifndef ORBIT_TOOLS_REPORT_GRAPH_LAYOUT_H_
#define ORBIT_TOOLS_REPORT_GRAPH_LAYOUT_H_

#include <array>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

using Point = std::array<double, 2>;

// A point for every node, an edge being about 1 long: distances in the plane approach distances in the graph, by stress
// majorization (Gansner, Koren, North: Graph Drawing by Stress Majorization, GD 2004), the best of several fixed
// starts; then turned so that edges run along the axes where they can. Centred at 0. Throws Error for a graph that is
// not connected.
std::vector<Point> LayOut(const Graph& graph);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_GRAPH_LAYOUT_H_
