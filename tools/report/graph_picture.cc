#include "tools/report/graph_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "tools/report/graph_layout.h"

namespace orbit {
namespace {

// The viridis scale at nine equal steps (van der Walt and Smith 2015).
constexpr std::array<Colour, 9> kScale = {{{68, 1, 84},
                                           {71, 44, 122},
                                           {59, 81, 139},
                                           {44, 113, 142},
                                           {33, 144, 141},
                                           {39, 173, 129},
                                           {92, 200, 99},
                                           {170, 220, 50},
                                           {253, 231, 37}}};
// Colours by Okabe and Ito (2008).
constexpr std::array<Colour, 8> kCategories = {{{230, 159, 0},
                                                {86, 180, 233},
                                                {0, 158, 115},
                                                {240, 228, 66},
                                                {213, 94, 0},
                                                {204, 121, 167},
                                                {0, 114, 178},
                                                {170, 170, 170}}};

constexpr double kLeft = 130, kTop = 84, kPanel = 190, kBottom = 56, kInside = 150;  // pixels

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else
      escaped += c;
  }
  return escaped;
}

std::string Hex(const Colour& colour) {
  char text[8];
  std::snprintf(text, sizeof(text), "#%02x%02x%02x", colour.red, colour.green, colour.blue);
  return text;
}

bool IsDark(const Colour& c) { return 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue < 128; }

void Text(std::ostream& svg, double x, double y, double size, const char* anchor, const std::string& text,
          const char* more = "") {
  svg << "<text x=\"" << x << "\" y=\"" << y << "\" font-size=\"" << size << "\" text-anchor=\"" << anchor << "\""
      << more << ">" << Escape(text) << "</text>\n";
}

void Panel(std::ostream& svg, const GraphColumn& column, const std::vector<Point>& points, size_t row, double x,
           double y) {
  double reach = 1e-9;
  for (const Point& p : points) reach = std::max({reach, std::abs(p[0]), std::abs(p[1])});
  const double scale = kInside / 2 / reach, radius = std::min(13.0, 0.36 * scale);
  const auto at = [&](int64_t i) { return Point{x + scale * points[i][0], y + scale * points[i][1]}; };
  for (const Edge& edge : column.graph.edges) {
    if (edge.source > edge.target) continue;  // draw each edge once
    const Point a = at(edge.source), b = at(edge.target);
    svg << "<line x1=\"" << a[0] << "\" y1=\"" << a[1] << "\" x2=\"" << b[0] << "\" y2=\"" << b[1]
        << "\" stroke=\"#888888\" stroke-width=\"1.5\"/>\n";
  }
  for (int64_t i = 0; i < column.graph.n; ++i) {
    const Point p = at(i);
    const Colour& colour = column.colours.at(row).at(i);
    svg << "<circle cx=\"" << p[0] << "\" cy=\"" << p[1] << "\" r=\"" << radius << "\" fill=\"" << Hex(colour)
        << "\" stroke=\"#333333\"/>\n";
    Text(svg, p[0], p[1] + 0.36 * radius, radius, "middle", column.marks.at(i),
         IsDark(colour) ? " fill=\"#ffffff\"" : "");
  }
}

void ColourBar(std::ostream& svg, const GraphColumn& column, double x, double y) {
  std::ostringstream low, high;
  low.precision(3), high.precision(3);
  low << column.low, high << column.high;
  svg << "<rect x=\"" << x - kInside / 2 << "\" y=\"" << y << "\" width=\"" << kInside
      << "\" height=\"10\" fill=\"url(#scale)\"/>\n";
  Text(svg, x - kInside / 2, y + 24, 11, "start", low.str());
  Text(svg, x + kInside / 2, y + 24, 11, "end", high.str());
}

}  // namespace

Colour ColourOf(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (kScale.size() - 1);
  const auto step = std::min(static_cast<size_t>(place), kScale.size() - 2);
  const double part = place - static_cast<double>(step);
  const Colour &a = kScale[step], &b = kScale[step + 1];
  const auto mix = [&](uint8_t from, uint8_t to) {
    return static_cast<uint8_t>(std::lround(from + part * (to - from)));
  };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

Colour CategoryColour(int64_t category) { return kCategories[category % kCategories.size()]; }

std::string ToSvg(const GraphPicture& picture) {
  const double width = kLeft + kPanel * static_cast<double>(picture.columns.size());
  const double height = kTop + kPanel * static_cast<double>(picture.rows.size()) + kBottom;
  std::ostringstream svg;
  svg.precision(6);
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
      << "\" viewBox=\"0 0 " << width << " " << height
      << "\" font-family=\"sans-serif\">\n<defs><linearGradient id=\"scale\">\n";
  for (size_t i = 0; i < kScale.size(); ++i)
    svg << "<stop offset=\"" << static_cast<double>(i) / (kScale.size() - 1) << "\" stop-color=\"" << Hex(kScale[i])
        << "\"/>\n";
  svg << "</linearGradient></defs>\n<rect width=\"" << width << "\" height=\"" << height << "\" fill=\"#ffffff\"/>\n";
  Text(svg, width / 2, 26, 16, "middle", picture.title);
  for (size_t r = 0; r < picture.rows.size(); ++r)
    Text(svg, 12, kTop + kPanel * (static_cast<double>(r) + 0.5), 14, "start", picture.rows[r]);
  for (size_t c = 0; c < picture.columns.size(); ++c) {
    const GraphColumn& column = picture.columns[c];
    const std::vector<Point> points = LayOut(column.graph);
    const double x = kLeft + kPanel * (static_cast<double>(c) + 0.5);
    Text(svg, x, 54, 14, "middle", column.title);
    Text(svg, x, 72, 12, "middle", column.subtitle, " fill=\"#555555\"");
    for (size_t r = 0; r < picture.rows.size(); ++r)
      Panel(svg, column, points, r, x, kTop + kPanel * (static_cast<double>(r) + 0.5));
    ColourBar(svg, column, x, height - kBottom + 8);
  }
  svg << "</svg>\n";
  return svg.str();
}

}  // namespace orbit
