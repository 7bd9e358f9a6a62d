#include "engine/distributed/session.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <sstream>
#include <utility>

#include "engine/distributed/rendezvous.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using Kind = Message::Kind;
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }
std::chrono::duration<double> Duration(double seconds) { return std::chrono::duration<double>(seconds); }

// The messages that have come within some seconds. If the connection is closed or of no use, *open is false and
// *problem says why.
std::vector<Message> Await(Connection& connection, double seconds, bool* open, std::string* problem) {
  pollfd waiting = {connection.socket().descriptor(), POLLIN, 0};
  poll(&waiting, 1, static_cast<int>(seconds * 1e3));
  std::vector<Message> messages;
  try {
    *open = connection.Flush() && connection.Receive(&messages);
    if (!*open) *problem = "rank 0, or another program there, closed the connection";
  } catch (const std::exception& error) {
    *open = false;
    *problem = error.what();
  }
  return messages;
}

}  // namespace

Session::Session(const JobRank& ranks, const std::string& interface, double deadline)
    : ranks_(ranks),
      patience_(deadline),
      name_("rank " + std::to_string(ranks.rank) + " on " + HostName() + " (process " + std::to_string(getpid()) + ")"),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      exceptions_(std::uncaught_exceptions()) {
  if (!interface.empty()) address_ = AddressOfInterface(interface);
  Meet(interface);
  thread_ = std::thread([this] { Run(); });
}

Session::~Session() {
  AbortIfUnwinding();
  Leave();
  AwaitFarewell();
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  eventfd_write(wake_.descriptor(), 1);
  thread_.join();
  connection_.reset();  // so that the coordinator ends
}

void Session::Meet(const std::string& interface) {
  const Rendezvous rendezvous(ranks_.rendezvous);
  const Clock::time_point start = Clock::now();
  int own_port = 0;
  if (ranks_.rank == 0) {
    Socket listener = rendezvous.Open(ranks_.job, interface);
    own_port = PortOf(listener);
    coordinator_ = std::make_unique<Coordinator>(std::move(listener), ranks_.world, ranks_.job, patience_.deadline);
  }
  const std::string host_and_process = name_.substr(name_.find(" on ") + 4);
  std::string problem = "nobody answers";
  try {
    for (double pause = 0.02; SecondsSince(start) < patience_.deadline; pause = std::min(2 * pause, 0.25)) {
      Socket socket = own_port ? Connect("localhost", own_port, 1, &problem) : rendezvous.TryConnect(&problem);
      if (!socket.valid()) {
        std::this_thread::sleep_for(Duration(pause));
        continue;
      }
      connection_ = std::make_unique<Connection>(std::move(socket));
      problem = "something accepts connections there, but does not answer: another program, or a rank 0 that hangs";
      bool open = true, joined = false;
      for (double left; open && (left = patience_.deadline - SecondsSince(start)) > 0;) {
        for (const Message& message : Await(*connection_, left, &open, &problem)) {
          if (message.kind == Kind::kAlive && !joined) {
            problem = "rank 0 answers, but not all ranks have come";
            connection_->Queue({Kind::kJoin, ranks_.rank, ranks_.world, ranks_.job, host_and_process});
            connection_->Flush();
            joined = true;
          }
          orbit::Check(message.kind != Kind::kRefuse, message.text);
          if (message.kind != Kind::kWelcome) continue;
          std::istringstream lines(message.text);
          for (std::string line; std::getline(lines, line);) names_.push_back(line);
          const std::string here = LocalAddress(connection_->socket());
          if (address_.empty()) address_ = !IsLoopback(here) ? here : message.name.empty() ? "127.0.0.1" : message.name;
          if (ranks_.rank == 0) rendezvous.Close();
          return;
        }
      }
      std::this_thread::sleep_for(Duration(pause));
    }
    Fail("no answer within ", patience_.deadline, " s: ", problem);
  } catch (const std::exception& error) {
    connection_.reset();
    if (ranks_.rank == 0) rendezvous.Close();
    Fail(name_, " of ", ranks_.world, " cannot join the others at ", rendezvous.place(), " (", ranks_.source,
         "): ", error.what());
  }
}

void Session::Run() {
  double silent = 0, since_progress = 0, since_failure = 0;
  for (auto last = Clock::now();;) {
    pollfd polled[] = {{connection_->socket().descriptor(), POLLIN, 0}, {wake_.descriptor(), POLLIN, 0}};
    {
      std::lock_guard lock(mutex_);
      if (connection_->queued()) polled[0].events |= POLLOUT;
    }
    const double pause = std::max(0.0, patience_.period - since_progress);
    poll(polled, 2, static_cast<int>(pause * 1e3) + 1);
    eventfd_t ignored;
    eventfd_read(wake_.descriptor(), &ignored);

    std::vector<Message> messages;
    std::string failed;
    bool open = true, stop = false;
    {
      std::lock_guard lock(mutex_);
      try {
        open = connection_->Receive(&messages) && connection_->Flush();
      } catch (const std::exception& error) {
        failed = error.what();
      }
      stop = stop_;
      for (const Message& message : messages)
        if (message.kind == Kind::kFarewell) farewell_ = true;
      // The process was stopped where much more time than a pause has passed, which is not the other end's silence.
      const double elapsed = std::min(SecondsSince(last), 2 * patience_.period);
      last = Clock::now();
      silent = messages.empty() ? silent + elapsed : 0;
      since_progress += elapsed;
      if (!failure_.empty()) since_failure += elapsed;
      if (since_progress >= patience_.period) {
        connection_->Queue(Progress(Kind::kProgress));
        since_progress = 0;
      }
      if (!farewell_ && open && failed.empty() && silent > patience_.silence)
        failed = names_[0] + " has been silent: it hangs, is stopped, or the network to it is down";
    }
    for (const Message& message : messages) Handle(message);
    if (!failed.empty()) SetFailure(failed);
    if (stop) return;
    if (since_failure > patience_.deadline) EndProcess();
    if (!open) {
      std::unique_lock lock(mutex_);
      const bool expected = farewell_;
      lock.unlock();
      if (!expected) SetFailure(names_[0] + ", which coordinates the others, has ended unexpectedly");
      lock.lock();
      const bool stopped = changed_.wait_for(lock, Duration(patience_.deadline), [&] { return stop_; });
      lock.unlock();
      if (!stopped) EndProcess();
      return;
    }
  }
}

// The job has failed, and the thread that would notice hangs, in a library or a file system.
void Session::EndProcess() const {
  std::fprintf(stderr, "%s (this process has not ended %g s after that, and is ended here)\n", failure().c_str(),
               patience_.deadline);
  _exit(1);
}

void Session::Handle(const Message& message) {
  if (message.kind == Kind::kFail) return SetFailure(message.text);
  std::lock_guard lock(mutex_);
  if (message.kind == Kind::kValue) values_[message.name] = message.text;
  changed_.notify_all();
}

void Session::Post(const Message& message) {
  {
    std::lock_guard lock(mutex_);
    connection_->Queue(message);
  }
  eventfd_write(wake_.descriptor(), 1);
}

void Session::SetFailure(const std::string& cause) {
  {
    std::lock_guard lock(mutex_);
    if (!failure_.empty()) return;
    // Where the cause names another rank, this one goes before it.
    failure_ = cause.starts_with(name_) ? cause : Whereabouts(true) + ": " + cause;
    changed_.notify_all();
  }
  std::lock_guard lock(callback_mutex_);
  if (on_failure_) on_failure_();
}

void Session::Set(const std::string& name, const std::string& value) {
  Post({Kind::kSet, ranks_.rank, 0, name, value});
}

std::string Session::Get(const std::string& name) {
  Post({Kind::kGet, ranks_.rank, 0, name});
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Duration(patience_.deadline), [&] { return values_.contains(name) || !failure_.empty(); });
  orbit::Check(failure_.empty(), failure_);
  orbit::Check(values_.contains(name), name_, " waited in vain for ", patience_.deadline, " s for '", name,
               "' of another rank");
  return values_[name];
}

void Session::SetContext(const std::string& context) {
  {
    std::lock_guard lock(mutex_);
    context_ = context;
    connection_->Queue(Progress(Kind::kProgress));
  }
  eventfd_write(wake_.descriptor(), 1);
}

std::string Session::Submit(const std::string& kind, const std::string& arguments) {
  std::lock_guard lock(mutex_);
  operation_ = kind + " " + std::to_string(++submitted_) + (arguments.empty() ? "" : " of " + arguments);
  return operation_;
}

Message Session::Progress(Message::Kind kind) const { return {kind, ranks_.rank, submitted_, operation_, context_}; }

void Session::OnFailure(std::function<void()> callback) {
  std::lock_guard lock(callback_mutex_);
  on_failure_ = std::move(callback);
  if (on_failure_ && failed()) on_failure_();
}

bool Session::failed() const {
  std::lock_guard lock(mutex_);
  return !failure_.empty();
}

std::string Session::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

void Session::Check() const {
  const std::string failure = this->failure();
  orbit::Check(failure.empty(), failure);
}

std::string Session::Whereabouts(bool with_operation) const {
  std::string where = name_;
  if (!context_.empty()) where += ", " + context_;
  if (with_operation && !operation_.empty()) where += ", " + operation_;
  return where;
}

void Session::Leave() {
  {
    std::lock_guard lock(mutex_);
    if (left_ || !failure_.empty()) return;
    left_ = true;
    connection_->Queue({Kind::kLeave, ranks_.rank, submitted_});
  }
  eventfd_write(wake_.descriptor(), 1);
}

void Session::AwaitFarewell() {
  std::unique_lock lock(mutex_);
  if (std::exchange(parted_, true)) return;
  changed_.wait_for(lock, Duration(patience_.deadline), [&] { return farewell_ || !failure_.empty(); });
}

void Session::Abort(const std::string& message) { EndJob(message, false); }

void Session::EndJob(const std::string& message, bool in_operation) {
  std::unique_lock lock(mutex_);
  if (!failure_.empty()) return;
  const std::string text = Whereabouts(in_operation) + ": " + message;
  connection_->Queue({Kind::kAbort, ranks_.rank, 0, "", text});
  eventfd_write(wake_.descriptor(), 1);
  // It comes back when the others are being told.
  if (changed_.wait_for(lock, Duration(4 * patience_.period + 0.2), [&] { return !failure_.empty(); })) return;
  lock.unlock();
  SetFailure(text);
}

void Session::AbortIfUnwinding() {
  if (std::uncaught_exceptions() > exceptions_) Abort("an exception ended this rank");
}

void Session::ReportOverdue(const std::string& symptom) {
  {
    std::lock_guard lock(mutex_);
    connection_->Queue(Progress(Kind::kOverdue));
  }
  eventfd_write(wake_.descriptor(), 1);
  ReportBroken(symptom);
}

void Session::ReportBroken(const std::string& symptom) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Duration(2 * patience_.period + 0.1), [&] { return !failure_.empty(); });
  }
  EndJob(symptom, true);
}

}  // namespace orbit
