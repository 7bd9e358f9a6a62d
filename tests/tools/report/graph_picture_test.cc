#include "tools/report/graph_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/graph/inner_symmetric.h"
#include "kernels/error.h"
#include "tools/report/graph_layout.h"

namespace orbit {
namespace {

using testing::HasSubstr;

double Length(const std::vector<Point>& points, const Edge& edge) {
  const Point &a = points[edge.source], &b = points[edge.target];
  return std::hypot(a[0] - b[0], a[1] - b[1]);
}

TEST(GraphLayoutTest, EdgesAreAboutOneLongAndNodesApart) {
  for (const InnerSymmetricGraph& graph : InnerSymmetricGraphs()) {
    const std::vector<Point> points = LayOut(graph.graph);
    for (const Edge& edge : graph.graph.edges) EXPECT_NEAR(Length(points, edge), 1, 0.3) << graph.name;
    for (int32_t i = 0; i < graph.graph.n; ++i)
      for (int32_t j = 0; j < i; ++j) EXPECT_GT(Length(points, {i, j}), 0.6) << graph.name;
    double x = 0, y = 0;
    for (const Point& p : points) x += p[0], y += p[1];
    EXPECT_NEAR(std::hypot(x, y), 0, 1e-9);
  }
}

TEST(GraphLayoutTest, AGridIsAGridAlongTheAxes) {
  const Graph grid = InnerSymmetricGraphs().back().graph;
  const std::vector<Point> points = LayOut(grid);
  for (const Edge& edge : grid.edges) {
    const double x = std::abs(points[edge.source][0] - points[edge.target][0]);
    const double y = std::abs(points[edge.source][1] - points[edge.target][1]);
    EXPECT_LT(std::min(x, y), 0.2);
  }
}

TEST(GraphLayoutTest, RefusesWhatIsNotConnected) {
  EXPECT_THROW(LayOut({.n = 3, .edges = {{0, 1}, {1, 0}}}), Error);
  EXPECT_EQ(LayOut({.n = 1}).size(), 1u);
}

TEST(ColourTest, RunsFromDarkToBright) {
  const auto brightness = [](double share) {
    const Colour c = ColourOf(share);
    return 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue;
  };
  for (int i = 0; i < 100; ++i) EXPECT_LT(brightness(i / 100.0), brightness((i + 1) / 100.0) + 1) << i;
  EXPECT_GT(brightness(1), brightness(0) + 150);
  EXPECT_EQ(brightness(-3), brightness(0));
  EXPECT_EQ(brightness(3), brightness(1));
}

// Whether every tag is closed, in order, and no text contains a bare '<' or '&'.
bool IsWellFormed(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t i = 0; i < xml.size(); ++i) {
    if (xml[i] == '&' && xml.compare(i, 4, "&lt;") != 0 && xml.compare(i, 4, "&gt;") != 0 &&
        xml.compare(i, 5, "&amp;") != 0)
      return false;
    if (xml[i] != '<') continue;
    const size_t end = xml.find('>', i);
    if (end == std::string::npos || xml.find('<', i + 1) < end) return false;
    const std::string tag = xml.substr(i + 1, end - i - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    i = end;
  }
  return open.empty();
}

TEST(GraphPictureTest, IsWellFormedAndHasEveryNodeInEveryRow) {
  GraphColumn column{.title = "a < b & c", .subtitle = "S2", .graph = {.n = 2, .edges = {{0, 1}, {1, 0}}}};
  column.marks = {"x", "y"};
  column.colours = {{{1, 2, 3}, {255, 255, 255}}, {{4, 5, 6}, {7, 8, 9}}};
  column.low = -0.25;
  column.high = 1;
  const std::string svg = ToSvg({.title = "title", .rows = {"first", "second"}, .columns = {column, column}});
  EXPECT_TRUE(IsWellFormed(svg)) << svg;
  for (const char* text : {"a &lt; b &amp; c", ">S2<", ">title<", ">first<", ">second<", ">-0.25<", "#010203",
                           "#070809", "xmlns=\"http://www.w3.org/2000/svg\""})
    EXPECT_THAT(svg, HasSubstr(text));
  const auto count = [&](const std::string& tag) {
    size_t found = 0;
    for (size_t at = svg.find(tag); at != std::string::npos; at = svg.find(tag, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("<circle"), 8u);
  EXPECT_EQ(count("<line "), 4u);  // each edge once, not once per direction
  EXPECT_FALSE(IsWellFormed(svg.substr(0, svg.size() - 8)));
}

}  // namespace
}  // namespace orbit
