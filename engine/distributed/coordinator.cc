#include "engine/distributed/coordinator.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <sstream>

namespace orbit {
namespace {

using Kind = Message::Kind;
using Clock = std::chrono::steady_clock;

std::string Seconds(double seconds) {
  std::ostringstream text;
  text.precision(3);
  text << seconds << " s";
  return text.str();
}

}  // namespace

Patience::Patience(double deadline_seconds)
    : deadline(deadline_seconds),
      period(std::min(1.0, deadline / 20)),
      silence(0.8 * deadline),
      operation(0.85 * deadline) {}

Coordinator::Coordinator(Socket listener, int world, std::string job, double deadline)
    : listener_(std::move(listener)), world_(world), job_(std::move(job)), patience_(deadline), thread_([this] {
        Run();
      }) {}

Coordinator::~Coordinator() { thread_.join(); }

void Coordinator::Run() {
  for (auto last = Clock::now();;) {
    std::vector<pollfd> polled = {{listener_.descriptor(), POLLIN, 0}};
    for (const Member& member : members_)
      polled.push_back({member.connection.socket().descriptor(),
                        static_cast<short>(POLLIN | (member.connection.queued() ? POLLOUT : 0)), 0});
    poll(polled.data(), polled.size(), static_cast<int>(patience_.period * 1e3));

    for (Socket accepted = Accept(listener_); accepted.valid(); accepted = Accept(listener_)) {
      members_.emplace_back(std::move(accepted));
      members_.back().connection.Queue({Kind::kAlive});
    }
    for (Member& member : members_) {
      std::vector<Message> messages;
      try {
        member.open = member.connection.Receive(&messages);
      } catch (const std::exception&) {
        member.open = false;  // somebody who is not of the job
      }
      for (const Message& message : messages) Handle(member, message);
    }
    // What passed while this process was stopped itself does not count as the others' silence.
    const auto now = Clock::now();
    const double elapsed = std::min(std::chrono::duration<double>(now - last).count(), 2 * patience_.period);
    last = now;
    Tick(elapsed);
    for (Member& member : members_) {
      if (member.open && !member.connection.Flush()) member.open = false;
      if (!member.open) Lose(member);
    }
    for (Member& member : members_) member.connection.Flush();  // what Lose queued
    std::erase_if(waiting_, [](const auto& one) { return !one.second->open; });
    members_.remove_if([](const Member& member) { return !member.open; });
    if (Finished(elapsed)) return;
  }
}

bool Coordinator::Finished(double elapsed) {
  const bool rank_0_is_gone = (complete_ || failed_) && !OfRank(0);
  if (!rank_0_is_gone) return false;
  ending_ += elapsed;
  const bool all_written =
      std::none_of(members_.begin(), members_.end(), [](const Member& one) { return one.connection.queued(); });
  return members_.empty() || (failed_ && all_written) || ending_ > patience_.silence;
}

void Coordinator::Handle(Member& member, const Message& message) {
  if (message.kind == Kind::kJoin) return Join(member, message);
  if (member.rank < 0) return;
  member.silent = 0;
  switch (message.kind) {
    case Kind::kSet: {
      values_[message.name] = message.text;
      for (const auto& [name, waiting] : waiting_)
        if (name == message.name) waiting->connection.Queue({Kind::kValue, 0, 0, name, message.text});
      std::erase_if(waiting_, [&](const auto& one) { return one.first == message.name; });
      break;
    }
    case Kind::kGet:
      if (const auto found = values_.find(message.name); found != values_.end())
        member.connection.Queue({Kind::kValue, 0, 0, found->first, found->second});
      else
        waiting_.emplace_back(message.name, &member);
      break;
    case Kind::kProgress:
    case Kind::kOverdue:
      member.submitted = message.number;
      member.operation = message.name;
      member.context = message.text;
      if (message.kind == Kind::kOverdue) FailJob(member.rank, WhyOverdue(member));
      CheckAgreement(member);
      for (const Member& other : members_) CheckLeft(other, member);
      break;
    case Kind::kAbort:
      FailJob(member.rank, message.text);
      break;
    case Kind::kLeave:
      member.left = true;
      member.submitted = message.number;
      for (const Member& other : members_) CheckLeft(member, other);
      if (!failed_ &&
          std::count_if(members_.begin(), members_.end(), [](const Member& one) { return one.left; }) == world_)
        Broadcast({Kind::kFarewell});
      break;
    default:
      break;
  }
}

void Coordinator::Join(Member& member, const Message& message) {
  const auto joined = [](const Member& one) { return one.rank >= 0; };
  const std::string first = OfRank(0) ? OfRank(0)->name : "rank 0 on " + HostName();
  if (message.name != job_)
    return Refuse(member, "another job meets here: that of " + first + (job_.empty() ? "" : ", named " + job_) +
                              "; choose another place with --rendezvous or MASTER_PORT");
  if (message.number != world_)
    return Refuse(member, first + " is one of " + std::to_string(world_) + " ranks, this is one of " +
                              std::to_string(message.number) +
                              ": they are not of the same job, or were started differently");
  if (message.rank < 0 || message.rank >= world_)
    return Refuse(member, "there is no rank " + std::to_string(message.rank) + " of " + std::to_string(world_));
  if (const Member* other = OfRank(message.rank))
    return Refuse(member, other->name + " is here already: a second job meets at the same place, or two processes " +
                              "were started as the same rank");
  member.rank = message.rank;
  member.name = "rank " + std::to_string(message.rank) + " on " + message.text;
  if (std::count_if(members_.begin(), members_.end(), joined) < world_) return;

  complete_ = true;
  Message welcome = {Kind::kWelcome};
  for (int rank = 0; rank < world_; ++rank) {
    const Member& one = *OfRank(rank);
    welcome.text += one.name + '\n';
    const Socket& socket = one.connection.socket();
    const std::string here = LocalAddress(socket);
    if (welcome.name.empty() && !IsLoopback(here) && PeerAddress(socket) != here) welcome.name = here;
  }
  Broadcast(welcome);
}

void Coordinator::Tick(double elapsed) {
  age_ += elapsed;
  since_alive_ += elapsed;
  if (since_alive_ >= patience_.period) {
    Broadcast({Kind::kAlive});
    since_alive_ = 0;
  }
  if (failed_) return;
  if (!complete_ && age_ > patience_.silence) {
    std::string missing;
    for (int rank = 0; rank < world_; ++rank)
      if (!OfRank(rank)) missing += (missing.empty() ? "" : ", ") + std::to_string(rank);
    failed_ = true;
    for (Member& member : members_)
      Refuse(member,
             "of " + std::to_string(world_) + " ranks these did not come within " + Seconds(age_) + ": " + missing);
    return;
  }
  if (!complete_) return;
  for (Member& member : members_) {
    member.silent += elapsed;
    if (member.rank >= 0 && !member.left && member.silent > patience_.silence)
      return FailJob(member.rank, member.name + " has been silent for " + Seconds(member.silent) +
                                      ": it hangs, is stopped, or the network to it is down; it was " +
                                      Whereabouts(member));
  }
}

void Coordinator::Lose(Member& member) {
  if (!complete_ || member.rank < 0 || member.left || failed_) return;
  FailJob(member.rank, member.name + " has ended unexpectedly; it was " + Whereabouts(member));
}

void Coordinator::FailJob(int rank, const std::string& cause) {
  if (failed_) return;
  failed_ = true;
  Broadcast({Kind::kFail, rank, 0, "", cause});
}

std::string Coordinator::WhyOverdue(const Member& reporter) const {
  std::string why;
  const auto add = [&](const std::string& part) { why += (why.empty() ? "" : "; ") + part; };
  for (const Member& other : members_) {
    if (other.rank < 0 || &other == &reporter) continue;
    if (other.silent > std::max(4 * patience_.period, 0.5 * patience_.silence))
      add(other.name + " has been silent for " + Seconds(other.silent) + ", it was " + Whereabouts(other));
    else if (other.submitted < reporter.submitted)
      add(other.name + " has not come to it, it was " + Whereabouts(other));
  }
  if (why.empty())
    why = "all ranks take part and give signs of life, so that the network between them is too slow or broken";
  return Reported(reporter) + ": not complete within " + Seconds(patience_.operation) + ": " + why;
}

// The ranks' operations are the same. Only those that the ranks report are seen, which is enough for what goes on. A
// rank that has left tells how many it had, not what the last one was.
void Coordinator::CheckAgreement(const Member& member) {
  for (const Member& other : members_)
    if (other.rank >= 0 && !other.left && other.submitted == member.submitted && other.operation != member.operation)
      return FailJob(member.rank, Reported(member) + ": " + other.name + " started another operation in its place, " +
                                      other.operation);
}

// A rank that has left takes part in no further operation: whoever starts one would wait for ever.
void Coordinator::CheckLeft(const Member& left, const Member& member) {
  if (left.left && member.rank >= 0 && !member.left && member.submitted > left.submitted)
    FailJob(left.rank,
            Reported(member) + ": " + left.name + " has left after operation " + std::to_string(left.submitted));
}

void Coordinator::Broadcast(const Message& message) {
  for (Member& member : members_) member.connection.Queue(message);
}

void Coordinator::Refuse(Member& member, const std::string& why) {
  member.connection.Queue({Kind::kRefuse, 0, 0, "", why});
}

Coordinator::Member* Coordinator::OfRank(int rank) {
  for (Member& member : members_)
    if (member.rank == rank) return &member;
  return nullptr;
}

// "rank 1 on node7 (process 1234), step 5, all-reduce 9 of 1000 f32", as the rank itself begins a message.
std::string Coordinator::Reported(const Member& member) {
  std::string text = member.name;
  if (!member.context.empty()) text += ", " + member.context;
  if (!member.operation.empty()) text += ", " + member.operation;
  return text;
}

std::string Coordinator::Whereabouts(const Member& member) {
  const std::string operation = member.operation.empty() ? "before its first operation" : "at " + member.operation;
  return member.context.empty() ? operation : "in " + member.context + ", " + operation;
}

}  // namespace orbit
