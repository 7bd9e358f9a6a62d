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

std::string Script(const Figure& figure) {
  std::ostringstream script;
  script.precision(9);
  script << "set terminal svg size 800,500 dynamic enhanced font 'sans-serif,14' background rgb 'white'\n"
         << "set termoption noenhanced\n"
         << "set title " << Quote(figure.title) << "\nset xlabel " << Quote(figure.x_label) << "\nset ylabel "
         << Quote(figure.y_label) << "\nset grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n"
         << "set key top right opaque samplen 2\n";
  if (figure.log_y) script << "set logscale y\n";
  if (figure.log_x) script << "set logscale x 2\n";
  std::string plot;
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const Series& series = figure.series[i];
    std::ostringstream data;
    data.precision(9);
    size_t points = 0;
    for (const auto& [x, y] : series.points) {
      if (!std::isfinite(x) || !std::isfinite(y) || (figure.log_y && y <= 0) || (figure.log_x && x <= 0)) continue;
      data << x << ' ' << y << '\n';
      ++points;
    }
    if (points == 0) continue;
    script << "$data" << i << " << END\n" << data.str() << "END\n";
    plot += (plot.empty() ? "plot $data" : ", $data") + std::to_string(i) + " with " +
            (points > 60 ? "lines" : "linespoints pt 7 ps 0.4") + " lw 2 lc rgb '" + kColours[i % kColours.size()] +
            "' title " + Quote(series.name);
  }
  Check(!plot.empty(), "the figure '", figure.title, "' has no points");
  script << plot << "\n";
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

void DrawFigure(const Figure& figure, const std::string& path) {
  const std::string script = path + ".gnuplot-" + std::to_string(getpid()), drawn = script + ".svg",
                    complaints = script + ".txt";
  io::WriteFileAtomically(script, Script(figure));
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

void DrawFigureOrWarn(const Figure& figure, const std::string& path) {
  static bool warned = false;
  try {
    DrawFigure(figure, path);
  } catch (const std::exception& error) {
    if (!warned) std::cerr << "warning: " << error.what() << std::endl;
    warned = true;
  }
}

}  // namespace orbit
