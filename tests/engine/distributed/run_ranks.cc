#include "tests/engine/distributed/run_ranks.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "kernels/error.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Process {
  pid_t id = 0;
  int output = -1;  // where its output can be read
  bool ended = false;
};

[[noreturn]] void RunAsProcess(int output, const std::function<std::string()>& run) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int status = 0;
  std::string text;
  try {
    text = run();
  } catch (const std::exception& error) {
    text = error.what();
    status = 1;
  }
  for (size_t written = 0; written < text.size();) {
    const ssize_t now = write(output, text.data() + written, text.size() - written);
    if (now <= 0) break;
    written += static_cast<size_t>(now);
  }
  _exit(status);
}

std::string ReadAll(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(descriptor, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  return text;
}

}  // namespace

std::string NewRendezvous() {
  const char* folder = std::getenv("TEST_TMPDIR");
  static int count = 0;
  return "file://" + std::string(folder ? folder : "/tmp") + "/ranks-" + std::to_string(getpid()) + "-" +
         std::to_string(++count);
}

std::vector<RankResult> RunProcesses(int count, const std::function<std::string(int)>& rank, double most_seconds) {
  std::vector<Process> processes(count);
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    int ends[2];
    Check(pipe(ends) == 0, "no pipe");
    processes[i].id = fork();
    Check(processes[i].id >= 0, "no process");
    if (processes[i].id == 0) {
      close(ends[0]);
      RunAsProcess(ends[1], [&] { return rank(i); });
    }
    close(ends[1]);
    processes[i].output = ends[0];
  }
  std::vector<RankResult> results(count);
  for (int left = count; left > 0; usleep(2000))
    for (int i = 0; i < count; ++i) {
      Process& process = processes[i];
      if (process.ended) continue;
      if (SecondsSince(start) > most_seconds) kill(process.id, SIGKILL);
      int status = 0;
      if (waitpid(process.id, &status, WNOHANG) != process.id) continue;
      process.ended = true;
      --left;
      results[i] = {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), ReadAll(process.output),
                    SecondsSince(start)};
      close(process.output);
    }
  return results;
}

std::vector<RankResult> RunRanks(int world, CommunicatorOptions options, Device device,
                                 const std::function<std::string(Communicator&)>& rank) {
  if (options.ranks.rendezvous.empty()) options.ranks.rendezvous = NewRendezvous();
  options.ranks.world = world;
  options.ranks.source = "the test";
  return RunProcesses(world, [&](int i) {
    options.ranks.rank = options.ranks.local_rank = i;
    const auto communicator = MakeCommunicator(options, device);
    return rank(*communicator);
  });
}

}  // namespace orbit
