#include "tools/report/figure.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "engine/io/atomic_file.h"
#include "kernels/error.h"

extern char** environ;

namespace orbit {
namespace {

// Colours that colour-blind readers can distinguish: Okabe and Ito 2008.
constexpr std::array kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};

// Quotes text for gnuplot in single quotes, within which only the quote itself is special.
std::string Quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c == '\n' ? ' ' : c);
  return quoted + "'";
}

// The points that a figure can show.
std::vector<std::pair<double, double>> Drawable(const Series& series, const Figure& figure) {
  std::vector<std::pair<double, double>> points;
  for (const auto& [x, y] : series.points)
    if (std::isfinite(x) && std::isfinite(y) && (!figure.log_x || x > 0) && (!figure.log_y || y > 0))
      points.emplace_back(x, y);
  return points;
}

// A single point is a large dot, many are a line.
std::string Style(const Figure& figure, size_t points) {
  if (!figure.row_names.empty() || points == 1) return "points pt 7 ps 1";
  return points > 60 ? "lines lw 2" : "linespoints pt 7 ps 0.4 lw 2";
}

// Draws a figure with data blocks named after its number.
std::string Script(const Figure& figure, size_t number) {
  std::ostringstream script;
  script.precision(9);
  script << "set title " << Quote(figure.title) << "\nset xlabel " << Quote(figure.x_label) << "\nset ylabel "
         << Quote(figure.y_label) << "\nset yrange [*:*]\nset ytics autofreq\n"
         << (!figure.log_x              ? "unset logscale x\n"
             : figure.row_names.empty() ? "set logscale x 2\n"
                                        : "set logscale x 10\n")
         << (figure.log_y ? "set" : "unset") << " logscale y\n";
  if (!figure.row_names.empty()) {
    script << "set yrange [" << figure.row_names.size() - 1 << ".5:-0.5]\nset ytics (";
    for (size_t i = 0; i < figure.row_names.size(); ++i)
      script << (i > 0 ? ", " : "") << Quote(figure.row_names[i]) << ' ' << i;
    script << ")\n";
  }
  std::string plot;
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const auto points = Drawable(figure.series[i], figure);
    if (points.empty()) continue;
    const std::string block = "$data" + std::to_string(number) + "_" + std::to_string(i);
    script << block << " << END\n";
    for (const auto& [x, y] : points) script << x << ' ' << y << '\n';
    script << "END\n";
    plot += (plot.empty() ? "plot " : ", ") + block + " with " + Style(figure, points.size()) + " lc rgb '" +
            kColours[i % kColours.size()] + "' title " + Quote(figure.series[i].name);
  }
  Check(!plot.empty(), "the figure '", figure.title, "' has no points");
  script << plot << "\n";
  return script.str();
}

std::string Script(const std::vector<Figure>& figures) {
  std::ostringstream script;
  script << "set terminal svg size " << 800 * figures.size()
         << ",500 dynamic enhanced font 'sans-serif,14' background rgb 'white'\n"
         << "set termoption noenhanced\nset grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n"
         << "set key outside right top Left reverse samplen 2\nset format '%g'\n";
  if (figures.size() > 1) script << "set multiplot layout 1," << figures.size() << "\n";
  for (size_t i = 0; i < figures.size(); ++i) script << Script(figures[i], i);
  return script.str();
}

// The first line of a file that is not empty.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line) && line.find_first_not_of(" \t^") == std::string::npos) {
  }
  return line;
}

}  // namespace

void DrawFigure(const Figure& figure, const std::string& path) { DrawFigures({figure}, path); }

void DrawFigures(const std::vector<Figure>& figures, const std::string& path) {
  const std::string script = path + ".gnuplot-" + std::to_string(getpid()), drawn = script + ".svg",
                    complaints = script + ".txt";
  io::WriteFileAtomically(script, Script(figures));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, drawn.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaints.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const std::string program = "gnuplot";
  std::array<char*, 3> arguments = {const_cast<char*>(program.c_str()), const_cast<char*>(script.c_str()), nullptr};
  pid_t process = 0;
  const int error = posix_spawnp(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error == 0)
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
  const std::string told = FirstLine(complaints);
  std::error_code failed, ignored;
  if (error == 0 && status == 0) std::filesystem::rename(drawn, path, failed);
  for (const std::string& file : {script, drawn, complaints}) std::filesystem::remove(file, ignored);
  Check(error != ENOENT, "no figure ", path, ": gnuplot is not installed (Debian: gnuplot-nox)");
  Check(error == 0, "no figure ", path, ": cannot run gnuplot: ", std::strerror(error));
  Check(status == 0, "no figure ", path, ": gnuplot failed: ", told);
  Check(!failed, "no figure ", path, ": ", failed.message());
}

void DrawFigureOrWarn(const Figure& figure, const std::string& path) { DrawFiguresOrWarn({figure}, path); }

void DrawFiguresOrWarn(const std::vector<Figure>& figures, const std::string& path) {
  static bool warned = false;
  try {
    DrawFigures(figures, path);
  } catch (const std::exception& error) {
    if (!warned) std::cerr << "warning: " << error.what() << std::endl;
    warned = true;
  }
}

}  // namespace orbit
