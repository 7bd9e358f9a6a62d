#include "data/graph/graph_sets.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "data/graph/graph6.h"
#include "data/io/pickle.h"
#include "engine/io/mapped_file.h"

extern char** environ;

namespace orbit {
namespace {

constexpr size_t kGraph8c = 11117;

// What a program writes to its standard output.
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

}  // namespace

std::vector<Graph> EnumerateGraph8c() {
  std::vector<Graph> graphs = ParseGraph6Lines(OutputOf({"nauty-geng", "-c", "-q", "8"}, "nauty"), "nauty-geng");
  Check(graphs.size() == kGraph8c, "nauty-geng gave ", graphs.size(), " graphs, not ", kGraph8c);
  return graphs;
}

std::vector<Graph> ReadExp(const std::string& path) {
  using Kind = PickleValue::Kind;
  const io::MappedFile file(path);
  const Pickle pickle(file.contents(), path);
  Check(pickle.root().kind == Kind::kList, path, " holds a ", NameOf(pickle.root().kind), ", not a list of graphs");
  std::vector<Graph> graphs;
  for (const PickleValue* item : pickle.root().items) {
    const std::string place = path + ": graph " + std::to_string(graphs.size());
    Graph graph;
    try {
      const Tensor& x = item->At("x", Kind::kTensor).tensor;
      const Tensor& index = item->At("edge_index", Kind::kTensor).tensor;
      Check(x.rank() == 2 && x.dim(1) == 1 && index.rank() == 2 && index.dim(0) == 2 && index.dtype() == DType::kI64,
            "x ", x.Describe(), ", edge_index ", index.Describe());
      graph.n = x.dim(0);
      graph.labels = x.ToVector<float>();
      graph.target = static_cast<int64_t>(item->At("y", Kind::kTensor).tensor.Item());
      const std::vector<int64_t> ends = index.ToVector<int64_t>();
      const size_t edges = ends.size() / 2;
      for (size_t e = 0; e < edges; ++e) {
        Check(ends[e] >= 0 && ends[e] < graph.n && ends[edges + e] >= 0 && ends[edges + e] < graph.n, "edge ", e,
              " joins ", ends[e], " and ", ends[edges + e], " of ", graph.n, " nodes");
        graph.edges.push_back({static_cast<int32_t>(ends[e]), static_cast<int32_t>(ends[edges + e])});
      }
    } catch (const Error& error) {
      Fail(place, ": ", error.what());
    }
    MergeEdges(graph);
    graphs.push_back(std::move(graph));
  }
  Check(!graphs.empty(), path, " has no graphs");
  return graphs;
}

}  // namespace orbit
