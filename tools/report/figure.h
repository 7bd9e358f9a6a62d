// Figures: curves as an SVG file, drawn by gnuplot.
#ifndef ORBIT_TOOLS_REPORT_FIGURE_H_
#define ORBIT_TOOLS_REPORT_FIGURE_H_

#include <string>
#include <utility>
#include <vector>

namespace orbit {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // (x, y); points that are not finite are skipped
};

struct Figure {
  std::string title, x_label, y_label;
  bool log_y = false;
  bool log_x = false;  // with powers of 2 for tics, of 10 beside rows
  std::vector<Series> series;
  std::vector<std::string> row_names = {};  // not empty: of y = 0, 1, ..., from the top; points are not joined
};

// Replaces the file atomically. Throws Error with gnuplot's message if it fails, or if gnuplot is missing.
void DrawFigure(const Figure& figure, const std::string& path);
// Several beside each other.
void DrawFigures(const std::vector<Figure>& figures, const std::string& path);

// For figures beside a result: where drawing fails, a program's first time is told on stderr and that is all.
void DrawFigureOrWarn(const Figure& figure, const std::string& path);
void DrawFiguresOrWarn(const std::vector<Figure>& figures, const std::string& path);

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_FIGURE_H_
