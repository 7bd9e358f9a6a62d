// How ranks meet, and what they are told where they do not.
#include "engine/distributed/rendezvous.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/distributed/session.h"
#include "kernels/error.h"
#include "tests/engine/distributed/run_ranks.h"

namespace orbit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kDeadline = 1;

// Joins, says what the ranks are called, and leaves.
std::string Join(int rank, int world, const std::string& rendezvous, const std::string& job = "job",
                 const std::string& interface = "", double deadline = kDeadline) {
  Session session({rank, world, rank, rendezvous, job, "the test"}, interface, deadline);
  return session.address() + ' ' + session.name_of(0).substr(0, 6) + ' ' + session.name_of(world - 1).substr(0, 6);
}

std::string PathOf(const std::string& rendezvous) { return rendezvous.substr(7); }

// An address on this machine where nobody listens yet.
std::string FreeAddress() { return "tcp://127.0.0.1:" + std::to_string(PortOf(Listen(0))); }

std::string AddressOf(const Socket& listener) { return "tcp://127.0.0.1:" + std::to_string(PortOf(listener)); }

// A file as a job leaves it that was killed before its ranks had met.
void LeaveStaleFile(const std::string& rendezvous) {
  RunProcesses(1, [&](int) {
    const Socket listener = Rendezvous(rendezvous).Open("job", "");
    return std::string();
  });
  ASSERT_TRUE(std::filesystem::exists(PathOf(rendezvous)));
}

TEST(Rendezvous, RefusesWhatIsNoPlace) {
  for (const char* place :
       {"", "host:1", "tcp://host", "tcp://host:0", "tcp://host:99999", "tcp://:7", "tcp://host:1x"})
    EXPECT_THAT([&] { Rendezvous{place}; }, ThrowsMessage<Error>(HasSubstr("it is tcp://HOST:PORT or file:///PATH")));
  EXPECT_THAT([] { Rendezvous{"file://relative"}; }, ThrowsMessage<Error>(HasSubstr("absolute path")));
}

TEST(Rendezvous, OfRanksThatComeInAnyOrder) {
  for (const std::string& place : {FreeAddress(), NewRendezvous()}) {
    const std::vector<RankResult> results = RunProcesses(3, [&](int rank) {
      usleep(static_cast<unsigned>(100'000 * (2 - rank)));  // rank 0 is the last
      return Join(rank, 3, place);
    });
    for (const RankResult& result : results) {
      EXPECT_EQ(result.status, 0) << result.output;
      EXPECT_THAT(result.output, HasSubstr(" rank 0 rank 2"));
    }
    EXPECT_FALSE(place.starts_with("file") && std::filesystem::exists(PathOf(place))) << "the file stays";
  }
}

TEST(Rendezvous, NamesTheRanksThatAreMissing) {
  const std::string place = FreeAddress();
  const std::vector<RankResult> results = RunProcesses(2, [&](int rank) { return Join(2 * rank, 4, place); });
  for (const RankResult& result : results) {
    EXPECT_EQ(result.status, 1);
    EXPECT_LT(result.seconds, 1.2 * kDeadline);
    EXPECT_THAT(result.output, AllOf(HasSubstr("of 4 ranks these did not come"), HasSubstr("1, 3"), HasSubstr(place)));
  }
}

TEST(Rendezvous, NamesARankZeroThatIsMissing) {
  EXPECT_THAT([] { Join(1, 2, FreeAddress()); }, ThrowsMessage<Error>(HasSubstr("nobody listens there")));
  EXPECT_THAT([] { Join(1, 2, NewRendezvous()); }, ThrowsMessage<Error>(HasSubstr("rank 0 has not yet written")));
  EXPECT_THAT([] { Join(1, 2, "tcp://no-such-host.invalid:7"); },
              ThrowsMessage<Error>(HasSubstr("the host 'no-such-host.invalid' is unknown here")));
}

TEST(Rendezvous, NamesABusyPort) {
  const Socket listener = Listen(0);
  EXPECT_THAT(
      [&] { Join(0, 2, AddressOf(listener)); },
      ThrowsMessage<Error>(AllOf(HasSubstr("port " + std::to_string(PortOf(listener))), HasSubstr("is in use"))));
}

TEST(Rendezvous, NamesAnotherProgram) {
  const Socket silent = Listen(0);
  EXPECT_THAT([&] { Join(1, 2, AddressOf(silent)); },
              ThrowsMessage<Error>(HasSubstr("does not answer: another program")));
  const std::vector<RankResult> results = RunProcesses(2, [&](int process) {
    if (process == 1) return Join(1, 2, AddressOf(silent));
    for (int i = 0; i < 200; ++i, usleep(10'000))
      if (const Socket accepted = Accept(silent); accepted.valid()) {
        const std::string text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        send(accepted.descriptor(), text.data(), text.size(), MSG_NOSIGNAL);
        usleep(20'000);
      }
    return std::string();
  });
  EXPECT_THAT(results[1].output, AllOf(HasSubstr("cannot join"), HasSubstr("is another program")));
}

TEST(Rendezvous, NamesASecondJobAtTheSameAddress) {
  const std::string place = FreeAddress();
  const std::vector<RankResult> results = RunProcesses(4, [&](int process) {
    const int rank = process % 2;
    if (process < 2) {
      const Session session({rank, 2, rank, place, "first", "the test"}, "", 5);
      usleep(600'000);
      return std::string("went well");
    }
    usleep(200'000);
    return Join(rank, 2, place, "second");
  });
  EXPECT_EQ(results[0].output, "went well");
  EXPECT_EQ(results[1].output, "went well");
  EXPECT_THAT(results[2].output, HasSubstr("is in use, by another job"));
  EXPECT_THAT(results[3].output, HasSubstr("another job meets here: that of rank 0 on"));
}

TEST(Rendezvous, NamesASecondJobAtTheSameFile) {
  const std::string place = NewRendezvous();
  const std::vector<RankResult> results = RunProcesses(2, [&](int process) {
    usleep(static_cast<unsigned>(200'000 * process));
    return Join(0, 2, place, process == 0 ? "first" : "second");
  });
  EXPECT_THAT(results[0].output, HasSubstr("did not come"));
  EXPECT_THAT(results[1].output, HasSubstr("another job is meeting at file://"));
}

TEST(Rendezvous, NamesTwoProcessesOfOneRankAndAnotherNumberOfRanks) {
  const std::string place = FreeAddress();
  const std::vector<RankResult> results = RunProcesses(4, [&](int process) {
    usleep(static_cast<unsigned>(150'000 * process));
    return Join(std::array{0, 1, 1, 2}[process], process == 2 ? 4 : 3, place);
  });
  EXPECT_THAT(results[2].output, HasSubstr("is one of 3 ranks, this is one of 4"));
  EXPECT_EQ(results[3].status, 0) << results[3].output;
  const std::vector<RankResult> twice = RunProcesses(3, [&](int process) {
    usleep(static_cast<unsigned>(150'000 * process));
    return Join(std::min(process, 1), 3, place);
  });
  EXPECT_THAT(twice[2].output, HasSubstr("is here already"));
}

TEST(Rendezvous, AStaleFileIsReplacedOrNamed) {
  const std::string place = NewRendezvous();
  LeaveStaleFile(place);
  EXPECT_THAT([&] { Join(1, 2, place); }, ThrowsMessage<Error>(HasSubstr("it may be left over from an earlier job")));
  for (const RankResult& result : RunProcesses(2, [&](int rank) {
         usleep(static_cast<unsigned>(200'000 * (1 - rank)));  // rank 1 finds the old one
         return Join(rank, 2, place);
       }))
    EXPECT_EQ(result.status, 0) << result.output;
  std::ofstream(PathOf(place)) << "my thesis";
  EXPECT_THAT([&] { Join(1, 2, place); }, ThrowsMessage<Error>(HasSubstr("is no file of a meeting of ranks")));
}

TEST(Rendezvous, TakesTheInterfaceOfTheUsersChoice) {
  EXPECT_THAT([] { Join(0, 2, NewRendezvous(), "job", "ib9"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("no network interface 'ib9'"), HasSubstr("lo (127.0.0.1)"))));
  const std::string place = NewRendezvous();
  for (const RankResult& result : RunProcesses(2, [&](int rank) { return Join(rank, 2, place, "job", "lo"); }))
    EXPECT_THAT(result.output, HasSubstr("127.0.0.1 rank 0"));
}

TEST(Rendezvous, PassesValues) {
  const std::string place = NewRendezvous();
  for (const RankResult& result : RunProcesses(3, [&](int rank) {
         Session session({rank, 3, rank, place, "", "the test"}, "", 5);
         const std::string value("a\0b", 3);
         if (rank == 1) usleep(100'000);
         session.Set("of " + std::to_string(rank), value + std::to_string(rank));
         for (const int other : {0, 1, 2})
           Check(session.Get("of " + std::to_string(other)) == value + std::to_string(other), "not ", other, "'s");
         return std::string();
       }))
    EXPECT_EQ(result.status, 0) << result.output;
}

}  // namespace
}  // namespace orbit
