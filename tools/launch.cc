// Starts the ranks of a job on this machine. See --help.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tools/common/number.h"
#include "tools/common/program.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::array kForwarded = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

struct Arguments {
  int ranks = 2;
  double grace = 10;
  std::string rendezvous;
  std::vector<std::string> command;
};

// A folder that is removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "orbit-launch-XXXXXX").string()) {
    Check(mkdtemp(path_.data()) != nullptr, "no folder can be made in ", fs::temp_directory_path().string(), ": ",
          std::strerror(errno));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a rank writes to stdout or stderr; it is passed on in whole lines, with the rank before each.
class Output {
 public:
  Output(int descriptor, std::FILE* to, std::string prefix)
      : descriptor_(descriptor), to_(to), prefix_(std::move(prefix)) {
    fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  }
  int descriptor() const { return descriptor_; }  // -1 after the end
  void Read() {
    char buffer[65536];
    for (;;) {
      const ssize_t got = read(descriptor_, buffer, sizeof buffer);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (got <= 0) return Close();
      text_.append(buffer, static_cast<size_t>(got));
    }
    WriteLines();
  }
  void Close() {
    if (descriptor_ < 0) return;
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
    WriteLines();
    close(descriptor_);
    descriptor_ = -1;
  }

 private:
  void WriteLines() {
    std::string lines;
    size_t begin = 0;
    for (size_t end; (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1)
      lines += prefix_ + text_.substr(begin, end + 1 - begin);
    text_.erase(0, begin);
    std::fwrite(lines.data(), 1, lines.size(), to_);
    std::fflush(to_);
  }

  int descriptor_;
  std::FILE* to_;
  const std::string prefix_;
  std::string text_;
};

// The rank's process, which leads a group of its own, and ends with this one.
struct Rank {
  pid_t process;
  std::array<Output, 2> outputs;
  bool ended = false;
};

// The file to execute: a program beside this one, as `train`, or any other.
std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::error_code ignored;
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  // In a bundle the loader, in a folder below, may be what is executed.
  for (const fs::path& folder : {here, here.parent_path()})
    if (access((folder / name).c_str(), X_OK) == 0 && fs::is_regular_file(folder / name, ignored)) return folder / name;
  return name;
}

[[noreturn]] void Execute(const Arguments& arguments, const std::string& program, pid_t launcher) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher) _exit(1);  // it has ended already
  std::vector<char*> argv;
  for (const std::string& argument : arguments.command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv[0] = const_cast<char*>(program.c_str());  // what it tells its user to call
  argv.push_back(nullptr);
  execvp(program.c_str(), argv.data());
  std::fprintf(stderr, "launch: %s cannot be executed: %s\n", program.c_str(), std::strerror(errno));
  _exit(127);
}

Rank Start(const Arguments& arguments, int rank, const std::string& rendezvous, const std::string& job,
           const sigset_t& signals_before) {
  int out[2], err[2];
  Check(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "no pipe: ", std::strerror(errno));
  const std::string program = FindProgram(arguments.command[0]);
  const pid_t launcher = getpid(), process = fork();
  Check(process >= 0, "rank ", rank, " cannot be started: ", std::strerror(errno));
  if (process == 0) {
    setpgid(0, 0);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, std::string>>{{"RANK", std::to_string(rank)},
                                                          {"LOCAL_RANK", std::to_string(rank)},
                                                          {"WORLD_SIZE", std::to_string(arguments.ranks)},
                                                          {"ORBIT_RENDEZVOUS", rendezvous},
                                                          {"ORBIT_JOB", job}})
      setenv(name, value.c_str(), 1);
    const int threads = std::max(1, kernels::NumThreads() / arguments.ranks);
    setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 0);  // what the user said stays
    sigprocmask(SIG_SETMASK, &signals_before, nullptr);
    std::signal(SIGPIPE, SIG_DFL);
    Execute(arguments, program, launcher);
  }
  setpgid(process, process);
  close(out[1]);
  close(err[1]);
  const std::string prefix = "[" + std::to_string(rank) + "] ";
  return {process, {Output(out[0], stdout, prefix), Output(err[0], stderr, prefix)}};
}

int StatusOf(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// Runs the ranks to their end and returns the status of the first one that failed.
class Job {
 public:
  explicit Job(const Arguments& arguments) : arguments_(arguments) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGCHLD);
    for (const int signal : kForwarded) {
      struct sigaction before;
      sigaction(signal, nullptr, &before);
      if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;  // nohup's word holds
      sigaddset(&signals_, signal);
      std::signal(signal, SIG_DFL);  // for the ranks; shells have background processes ignore SIGINT
    }
    std::signal(SIGPIPE, SIG_IGN);  // ranks go on when nobody reads what they write any more
    sigprocmask(SIG_BLOCK, &signals_, &signals_before_);
    arrived_ = signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  int Run() {
    const std::string rendezvous =
        arguments_.rendezvous.empty() ? "file://" + folder_.path() + "/ranks" : arguments_.rendezvous;
    const std::string job = fs::path(folder_.path()).filename();
    for (int rank = 0; rank < arguments_.ranks; ++rank)
      ranks_.push_back(Start(arguments_, rank, rendezvous, job, signals_before_));
    while (std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return !rank.ended; })) {
      Poll();
      const bool overdue =
          failed_ && std::chrono::duration<double>(Clock::now() - failed_at_).count() > arguments_.grace;
      if (overdue) EndAll();
    }
    // What the ranks have started and left behind.
    for (const Rank& rank : ranks_) kill(-rank.process, SIGKILL);
    for (Rank& rank : ranks_)
      for (Output& output : rank.outputs) {
        if (output.descriptor() >= 0) output.Read();
        output.Close();
      }
    return status_;
  }

 private:
  void Poll() {
    std::vector<pollfd> polled = {{arrived_, POLLIN, 0}};
    for (const Rank& rank : ranks_)
      for (const Output& output : rank.outputs) polled.push_back({output.descriptor(), POLLIN, 0});
    poll(polled.data(), polled.size(), failed_ ? 100 : -1);
    for (Rank& rank : ranks_)
      for (Output& output : rank.outputs)
        if (output.descriptor() >= 0) output.Read();
    for (signalfd_siginfo signal; read(arrived_, &signal, sizeof signal) == sizeof signal;)
      if (signal.ssi_signo != SIGCHLD) Forward(static_cast<int>(signal.ssi_signo));
    Reap();
  }

  void Forward(int signal) {
    forwarded_.insert(signal);
    for (const Rank& rank : ranks_)
      if (!rank.ended) kill(-rank.process, signal);
  }

  void Reap() {
    for (size_t i = 0; i < ranks_.size(); ++i) {
      int wait_status = 0;
      if (ranks_[i].ended || waitpid(ranks_[i].process, &wait_status, WNOHANG) != ranks_[i].process) continue;
      ranks_[i].ended = true;
      const int status = StatusOf(wait_status);
      if (status == 0) continue;
      if (status_ == 0) status_ = status;
      // A rank that ends as after a signal was asked to stop, by this launcher or by others. So were the rest of the
      // ranks, or it tells them, and they may take their time to save.
      const bool stopped = std::any_of(kForwarded.begin(), kForwarded.end(), [&](int signal) {
        return status == 128 + signal && (WIFEXITED(wait_status) || forwarded_.contains(signal));
      });
      if (stopped || failed_) continue;
      std::string how = "has ended with status " + std::to_string(status);
      if (WIFSIGNALED(wait_status)) how = std::string("was ended by signal ") + strsignal(WTERMSIG(wait_status));
      std::fprintf(stderr, "launch: rank %zu %s; the others have %g s to end\n", i, how.c_str(), arguments_.grace);
      failed_ = true;
      failed_at_ = Clock::now();
    }
  }

  void EndAll() {
    for (size_t i = 0; i < ranks_.size(); ++i) {
      if (ranks_[i].ended) continue;
      std::fprintf(stderr, "launch: rank %zu does not end and is killed\n", i);
      kill(-ranks_[i].process, SIGKILL);
    }
    failed_at_ = Clock::now();
  }

  const Arguments& arguments_;
  const TemporaryFolder folder_;
  sigset_t signals_, signals_before_;
  int arrived_ = -1;  // tells of signals
  std::vector<Rank> ranks_;
  std::set<int> forwarded_;
  int status_ = 0;
  bool failed_ = false;
  Clock::time_point failed_at_;
};

int Main(int argc, char** argv) {
  CLI::App app(
      "Starts the ranks of a job on this machine: launch -n 2 -- train --preset nbody\n"
      "Every line that a rank writes comes with the rank before it. SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 reach "
      "all ranks. When a rank fails, the others have some time to end; the exit status is that of the first one that "
      "failed. The programs beside this one are called by their names.");
  Arguments arguments;
  app.add_option("-n,--ranks", arguments.ranks, "how many")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--grace", arguments.grace, "the seconds that ranks have to end after one has failed")
      ->check(NumberIn(0, 1e6))
      ->capture_default_str();
  app.add_option("--rendezvous", arguments.rendezvous,
                 "where the ranks meet: tcp://HOST:PORT or file:///PATH (default: a file of this job)");
  app.add_option("command", arguments.command, "the program and its arguments, after --")->required();
  app.positionals_at_end();
  CLI11_PARSE(app, argc, argv);
  return Job(arguments).Run();
}

const Program program("launch", Main);

}  // namespace
}  // namespace orbit
