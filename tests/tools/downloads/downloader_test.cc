#include "tools/downloads/downloader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <chrono>

#include "data/io/sha256.h"
#include "tests/engine/io/testing.h"
#include "tests/tools/downloads/http_server.h"

namespace orbit {
namespace {

using io::MessageOf;
using io::ReadFile;
using io::WriteFile;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// More than fits in a socket's buffers.
std::string Body() {
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i * 7919) + "\n";
  return body;
}

class DownloaderTest : public io::FileTest {
 protected:
  DownloaderTest() {
    for (const char* proxy : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) unsetenv(proxy);
    WriteFile(Path("original"), body_);
    sha256_ = Sha256OfFile(Path("original"));
    std::filesystem::remove(Path("original"));
  }

  DownloadRequest Request(const HttpServer& server) const {
    return {.url = server.url(), .sha256 = sha256_, .path = path(), .stall_seconds = 1};
  }
  std::string path() const { return Path("file"); }
  std::string part() const { return path() + ".part"; }

  const std::string body_ = Body();
  std::string sha256_;
};

TEST_F(DownloaderTest, FetchesAWholeFile) {
  HttpServer server(HttpServer::File(body_));
  DownloadRequest request = Request(server);
  int64_t done = 0, total = 0;
  request.progress = [&](int64_t d, int64_t t) {
    EXPECT_GT(d, done);
    done = d;
    total = t;
    EXPECT_FALSE(std::filesystem::exists(path()));  // not before it is whole
  };
  EXPECT_TRUE(Download(request).fetched);
  EXPECT_EQ(ReadFile(path()), body_);
  EXPECT_EQ(FilesInDirectory(), 1u);
  EXPECT_EQ(done, static_cast<int64_t>(body_.size()));
  EXPECT_EQ(total, done);
}

TEST_F(DownloaderTest, AsksForNothingWhereTheFileIsThere) {
  HttpServer server(HttpServer::File(body_));
  WriteFile(path(), body_);
  EXPECT_FALSE(Download(Request(server)).fetched);
  WriteFile(path(), "my own");
  EXPECT_THAT(MessageOf([&] { Download(Request(server)); }), HasSubstr("is there already, and is another file"));
  EXPECT_EQ(ReadFile(path()), "my own");
  server.Stop();
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(DownloaderTest, GoesOnFromThePart) {
  for (const bool size_known : {false, true}) {
    HttpServer server(HttpServer::File(body_));
    WriteFile(part(), body_.substr(0, 1'000'000));
    DownloadRequest request = Request(server);
    if (size_known) request.size = static_cast<int64_t>(body_.size());
    int64_t first = 0;
    request.progress = [&](int64_t done, int64_t total) {
      if (first == 0) first = done;
      EXPECT_EQ(total, static_cast<int64_t>(body_.size()));
    };
    EXPECT_TRUE(Download(request).fetched);
    server.Stop();
    ASSERT_THAT(server.requests(), SizeIs(1));
    EXPECT_THAT(server.requests()[0], HasSubstr("Range: bytes=1000000-"));
    EXPECT_GT(first, 1'000'000);
    EXPECT_EQ(ReadFile(path()), body_);
    EXPECT_EQ(FilesInDirectory(), 1u);
    std::filesystem::remove(path());
  }
}

TEST_F(DownloaderTest, StartsAnewWhereTheServerKnowsNoRanges) {
  HttpServer server(HttpServer::File(body_, /*ranges=*/false));
  WriteFile(part(), body_.substr(0, 1'000'000));
  EXPECT_TRUE(Download(Request(server)).fetched);
  EXPECT_EQ(ReadFile(path()), body_);
  server.Stop();
  EXPECT_THAT(server.requests(), SizeIs(1));
}

// The part may belong to an older version of the file, be longer than the file, or be complete already.
TEST_F(DownloaderTest, StartsAnewWhereThePartIsOfAnotherFile) {
  for (const std::string& wrong : {std::string(1'000'000, 'x'), body_ + "more", std::string(body_.size(), 'x')})
    for (const bool size_known : {false, true}) {
      HttpServer server(HttpServer::File(body_));
      WriteFile(part(), wrong);
      DownloadRequest request = Request(server);
      if (size_known) request.size = static_cast<int64_t>(body_.size());
      EXPECT_TRUE(Download(request).fetched);
      EXPECT_EQ(ReadFile(path()), body_);
      EXPECT_EQ(FilesInDirectory(), 1u);
      std::filesystem::remove(path());
    }
}

TEST_F(DownloaderTest, APartThatIsWholeGetsItsName) {
  HttpServer server(HttpServer::File(body_));
  WriteFile(part(), body_);
  EXPECT_TRUE(Download(Request(server)).fetched);
  EXPECT_EQ(ReadFile(path()), body_);
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(DownloaderTest, AWrongChecksumLeavesNoFile) {
  HttpServer server(HttpServer::File("another file"));
  EXPECT_THAT(MessageOf([&] { Download(Request(server)); }),
              AllOf(HasSubstr(server.url()), HasSubstr("its SHA-256 is "), HasSubstr(sha256_ + " is due")));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(DownloaderTest, ATransferThatBreaksOffIsGoneOnWith) {
  const auto size = static_cast<int64_t>(body_.size());
  {
    HttpServer server(HttpServer::File(body_, true, /*cut=*/2'000'000));
    EXPECT_THAT(MessageOf([&] { Download(Request(server)); }),
                AllOf(HasSubstr("bytes remaining"), HasSubstr("2000000 bytes are kept in " + part()),
                      HasSubstr("the same command goes on from there")));
    EXPECT_FALSE(std::filesystem::exists(path()));
    EXPECT_EQ(ReadFile(part()), body_.substr(0, 2'000'000));
  }
  {
    // For HTTP without a length, the end of the connection is the end of the file.
    HttpServer server([&](const std::string& request) {
      return "HTTP/1.1 206 Partial Content\r\nConnection: close\r\n\r\n" + body_.substr(RangeStart(request), 500'000);
    });
    DownloadRequest request = Request(server);
    request.size = size;
    EXPECT_THAT(MessageOf([&] { Download(request); }), HasSubstr("the server ends early; 2500000 bytes are kept in "));
  }
  HttpServer server(HttpServer::File(body_));
  EXPECT_TRUE(Download(Request(server)).fetched);
  EXPECT_EQ(ReadFile(path()), body_);
}

// The first download's checksum is kept, and is due from then on.
TEST_F(DownloaderTest, KeepsAChecksumThatIsNotKnown) {
  HttpServer server(HttpServer::File(body_));
  DownloadRequest request = Request(server);
  request.sha256.clear();
  WriteFile(part(), body_.substr(0, 1'000'000));  // nothing tells what it is a part of
  const Downloaded first = Download(request);
  EXPECT_TRUE(first.fetched);
  EXPECT_EQ(first.sha256, sha256_);
  EXPECT_EQ(ReadFile(path()), body_);
  EXPECT_EQ(ReadFile(path() + ".sha256"), sha256_ + "  file\n");
  EXPECT_FALSE(Download(request).fetched);
  std::filesystem::remove(path());
  EXPECT_TRUE(Download(request).fetched);
  server.Stop();
  ASSERT_THAT(server.requests(), SizeIs(2));
  for (const std::string& asked : server.requests()) EXPECT_THAT(asked, Not(HasSubstr("Range:")));

  HttpServer other(HttpServer::File("another file"));
  std::filesystem::remove(path());
  request.url = other.url();
  EXPECT_THAT(MessageOf([&] { Download(request); }),
              AllOf(HasSubstr("its SHA-256 is "), HasSubstr(sha256_ + " is due by " + path() + ".sha256")));
  EXPECT_FALSE(std::filesystem::exists(path()));
  WriteFile(path(), "changed");
  EXPECT_THAT(MessageOf([&] { Download(request); }), HasSubstr("is there already, and is another file"));
  std::filesystem::remove(path() + ".sha256");
  const Downloaded own = Download(request);  // a file of one's own, or what another program broke off
  EXPECT_FALSE(own.fetched || own.is_kept);
  EXPECT_FALSE(std::filesystem::exists(path() + ".sha256"));
}

TEST_F(DownloaderTest, KeepsNoChecksumOfWhatIsNotRight) {
  HttpServer server(HttpServer::File(body_));
  DownloadRequest request = Request(server);
  request.sha256.clear();
  request.check = [&](const std::string& path) {
    EXPECT_EQ(ReadFile(path), body_);
    Fail("no archive");
  };
  EXPECT_THAT(
      MessageOf([&] { Download(request); }),
      AllOf(HasSubstr(server.url() + " has is not the file that is due: no archive"), HasSubstr("it was deleted")));
  EXPECT_EQ(FilesInDirectory(), 0u);
  request.check = [](const std::string&) {};
  EXPECT_TRUE(Download(request).is_kept);
}

TEST_F(DownloaderTest, WithoutAChecksumNothingIsGoneOnWithAndPagesAreRefused) {
  HttpServer server(HttpServer::File(body_, true, /*cut=*/2'000'000));
  DownloadRequest request = Request(server);
  request.sha256.clear();
  EXPECT_THAT(MessageOf([&] { Download(request); }), AllOf(HasSubstr("bytes remaining"), Not(HasSubstr("kept"))));
  EXPECT_EQ(FilesInDirectory(), 0u);
  HttpServer page([](const std::string&) { return HttpServer::Status("200 OK", "Content-Type: text/html\r\n"); });
  request.url = page.url();
  EXPECT_THAT(MessageOf([&] { Download(request); }), HasSubstr("the server sends a web page"));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(DownloaderTest, WithoutAChecksumAnAnswerWithoutAFileIsRefused) {
  const auto message = [&](const std::string& answer) {
    HttpServer server([&](const std::string&) { return "HTTP/1.1 " + answer; });
    DownloadRequest request = Request(server);
    request.sha256.clear();
    const std::string message = MessageOf([&] { Download(request); });
    EXPECT_EQ(FilesInDirectory(), 0u) << answer;
    return message;
  };
  EXPECT_THAT(message("200 OK\r\nContent-Length: 0\r\n\r\n"), HasSubstr("the server sends nothing"));
  EXPECT_THAT(message("200 OK\r\nConnection: close\r\n\r\n"), HasSubstr("the server sends nothing"));
  EXPECT_THAT(message("200 OK\r\nContent-Length: 0\r\nContent-Type: text/html\r\n\r\n"), HasSubstr("a web page"));
  EXPECT_THAT(message("204 No Content\r\n\r\n"), HasSubstr("the server answers 204"));
  EXPECT_THAT(message("300 Multiple Choices\r\nContent-Length: 4\r\n\r\nbody"), HasSubstr("the server answers 300"));
}

TEST_F(DownloaderTest, SaysThatTheConnectionIsRefused) {
  HttpServer server(HttpServer::File(body_));
  server.Stop();
  EXPECT_THAT(MessageOf([&] { Download(Request(server)); }),
              AllOf(HasSubstr("cannot download " + server.url()), HasSubstr("Failed to connect to 127.0.0.1"),
                    Not(HasSubstr("kept"))));
  EXPECT_EQ(FilesInDirectory(), 0u);
  WriteFile(part(), "some");
  EXPECT_THAT(MessageOf([&] { Download(Request(server)); }), HasSubstr("4 bytes are kept in " + part()));
  EXPECT_EQ(ReadFile(part()), "some");
}

TEST_F(DownloaderTest, SaysThatThereIsNoNetwork) {
  const std::string message = MessageOf([&] {
    Download({.url = "https://no-such-host.invalid/file", .sha256 = sha256_, .path = path(), .connect_seconds = 5});
  });
  EXPECT_THAT(message, AllOf(HasSubstr("cannot download https://no-such-host.invalid/file: "),
                             HasSubstr("is there a network?")));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(DownloaderTest, SaysWhatTheServerAnswers) {
  for (const char* status : {"404 Not Found", "403 Forbidden", "500 Internal Server Error"}) {
    HttpServer server([&](const std::string&) { return HttpServer::Status(status); });
    EXPECT_THAT(MessageOf([&] { Download(Request(server)); }),
                HasSubstr("the server answers " + std::string(status).substr(0, 3)));
    EXPECT_EQ(FilesInDirectory(), 0u);
  }
}

TEST_F(DownloaderTest, FollowsRedirectionsButNotToFiles) {
  HttpServer server(HttpServer::File(body_));
  HttpServer first(
      [&](const std::string&) { return HttpServer::Status("302 Found", "Location: " + server.url() + "\r\n"); });
  EXPECT_TRUE(Download(Request(first)).fetched);
  EXPECT_EQ(ReadFile(path()), body_);
  std::filesystem::remove(path());
  HttpServer wrong(
      [&](const std::string&) { return HttpServer::Status("302 Found", "Location: file:///etc/hostname\r\n"); });
  EXPECT_THAT(MessageOf([&] { Download(Request(wrong)); }), HasSubstr("not supported or disabled"));
  EXPECT_THAT(MessageOf([&] { Download({.url = "file:///etc/hostname", .sha256 = sha256_, .path = path()}); }),
              HasSubstr("not supported or disabled"));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(DownloaderTest, DoesNotWaitForASilentServer) {
  HttpServer server([](const std::string&) { return ""; });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(MessageOf([&] { Download(Request(server)); }), HasSubstr("too slow"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(DownloaderTest, RefusesAnotherSizeThanTheOneDue) {
  HttpServer server(HttpServer::File(body_, /*ranges=*/false));
  DownloadRequest request = Request(server);
  request.size = 2'000'000;
  EXPECT_THAT(MessageOf([&] { Download(request); }),
              HasSubstr("the server has " + std::to_string(body_.size()) + " bytes, where 2000000 are due"));
  EXPECT_EQ(FilesInDirectory(), 0u);
  // Like the login page of a network: the existing part must be kept.
  HttpServer page([](const std::string&) { return HttpServer::Status("200 OK"); });
  WriteFile(part(), body_.substr(0, 1000));
  request.url = page.url();
  EXPECT_THAT(MessageOf([&] { Download(request); }),
              HasSubstr("has 4 bytes, where 2000000 are due; 1000 bytes are kept"));
  EXPECT_EQ(ReadFile(part()), body_.substr(0, 1000));
  std::filesystem::remove(part());
  // A server that never says how much there is.
  HttpServer endless([&](const std::string&) { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body_; });
  request.url = endless.url();
  EXPECT_THAT(MessageOf([&] { Download(request); }), HasSubstr("sends more than the 2000000 bytes due"));
  EXPECT_EQ(FilesInDirectory(), 0u);
}

TEST_F(DownloaderTest, SaysThatTheDiskIsFull) {
  HttpServer server(HttpServer::File(body_));
  std::string message;
  {
    const io::FullDisk full(1'500'000);
    message = MessageOf([&] { Download(Request(server)); });
  }
  EXPECT_THAT(message, AllOf(HasSubstr("cannot write " + part() + ": "), HasSubstr("1500000 bytes are kept")));
  EXPECT_TRUE(Download(Request(server)).fetched);
  EXPECT_EQ(ReadFile(path()), body_);
}

TEST_F(DownloaderTest, SaysWhereItCannotWrite) {
  HttpServer server(HttpServer::File(body_));
  DownloadRequest request = Request(server);
  request.path = Path("absent/file");
  EXPECT_THAT(MessageOf([&] { Download(request); }), HasSubstr("cannot write " + request.path + ".part: No such file"));
}

TEST_F(DownloaderTest, OneProcessAtATime) {
  HttpServer server(HttpServer::File(body_));
  const int other = open(part().c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  EXPECT_THAT(MessageOf([&] { Download(Request(server)); }), HasSubstr("another process is writing " + part()));
  close(other);
  EXPECT_TRUE(Download(Request(server)).fetched);
}

TEST_F(DownloaderTest, ComputesSha256) {
  WriteFile(path(), "abc");  // FIPS 180-2, appendix B.1
  EXPECT_EQ(Sha256OfFile(path()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  WriteFile(path(), "");
  EXPECT_EQ(Sha256OfFile(path()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_THAT(MessageOf([&] { Sha256OfFile(Path("absent")); }), HasSubstr("No such file"));
  EXPECT_EQ(ParseSha256(std::string(60, 'A') + "0123"), std::string(60, 'a') + "0123");
  for (const std::string& wrong : {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'), std::string()})
    EXPECT_THAT(MessageOf([&] { ParseSha256(wrong); }), HasSubstr("is not a SHA-256"));
}

}  // namespace
}  // namespace orbit
