#include "data/graph/graph_sets.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "data/graph/graph6.h"
#include "data/io/pickled_graphs.h"

extern char** environ;

namespace orbit {
namespace {

constexpr size_t kGraph8c = 11117;

// Runs a program and returns its standard output.
std::string OutputOf(const std::vector<std::string>& command, const std::string& package) {
  std::array<int, 2> pipe_ends{};
  Check(pipe2(pipe_ends.data(), O_CLOEXEC) == 0, "no pipe: ", std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int error = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  std::string output;
  if (error == 0) {
    std::array<char, 65536> buffer{};
    ssize_t count = 0;
    while ((count = read(pipe_ends[0], buffer.data(), buffer.size())) > 0 || (count < 0 && errno == EINTR))
      if (count > 0) output.append(buffer.data(), static_cast<size_t>(count));
  }
  close(pipe_ends[0]);
  int status = 0;
  if (error == 0)
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
  Check(error != ENOENT && !(WIFEXITED(status) && WEXITSTATUS(status) == 127), command[0],
        " is not installed (Debian: ", package, ")");
  Check(error == 0 && status == 0, command[0], " failed", error ? std::string(": ") + std::strerror(error) : "");
  return output;
}

void ReadExpGraph(const PickledGraphs& pickled, int64_t number, Graph& graph) {
  const Tensor x = pickled.Attribute(number, "x");
  const Tensor index = pickled.Attribute(number, "edge_index");
  const Tensor y = pickled.Attribute(number, "y");
  Check(x.rank() == 2 && x.dim(1) == 1, "x ", x.Describe(), ", where [nodes, 1] is wanted");
  Check(index.rank() == 2 && index.dim(0) == 2 && !IsFloating(index.dtype()), "edge_index ", index.Describe(),
        ", where integers [2, edges] are wanted");
  Check(y.size() == 1 && y.Item() == std::floor(y.Item()), "y ", y.Describe(), ", where one class is wanted");
  graph.n = x.dim(0);
  graph.labels = x.ToVector<float>();
  graph.target = static_cast<int64_t>(y.Item());
  for (const float label : graph.labels) Check(std::isfinite(label), "a label that is not finite");
  const std::vector<int64_t> ends = index.ToVector<int64_t>();
  const size_t edges = ends.size() / 2;
  for (size_t e = 0; e < edges; ++e) {
    Check(ends[e] >= 0 && ends[e] < graph.n && ends[edges + e] >= 0 && ends[edges + e] < graph.n, "edge ", e, " joins ",
          ends[e], " and ", ends[edges + e], " of ", graph.n, " nodes");
    graph.edges.push_back({static_cast<int32_t>(ends[e]), static_cast<int32_t>(ends[edges + e])});
  }
  MergeEdges(graph);
}

}  // namespace

std::vector<Graph> EnumerateGraph8c() {
  std::vector<Graph> graphs = ParseGraph6Lines(OutputOf({"nauty-geng", "-c", "-q", "8"}, "nauty"), "nauty-geng");
  Check(graphs.size() == kGraph8c, "nauty-geng gave ", graphs.size(), " graphs, not ", kGraph8c);
  return graphs;
}

std::vector<Graph> ReadExp(const std::string& path) {
  const PickledGraphs pickled(path);
  std::vector<Graph> graphs(pickled.size());
  for (int64_t g = 0; g < pickled.size(); ++g) {
    try {
      ReadExpGraph(pickled, g, graphs[g]);
    } catch (const Error& error) {
      Fail(path, ": graph ", g, ": ", error.what());
    }
  }
  Check(!graphs.empty(), path, " has no graphs");
  Check(graphs.size() % 2 == 0, path, " has an odd number of graphs, ", graphs.size(), ": EXP's come in pairs");
  return graphs;
}

}  // namespace orbit
