// Downloads published files. See --help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/downloads/downloader.h"
#include "tools/downloads/published_files.h"
#include "data/io/sha256.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

struct Arguments {
  std::string name, url, sha256, to;
  bool list = false;
  int connect_seconds = 30, stall_seconds = 60;
};

void List() {
  for (const PublishedFile& file : PublishedFiles())
    std::printf("%s: %s\n  %s, %ld bytes, from %s\n  sha256 %s\n", file.name.c_str(), file.what.c_str(),
                file.file.c_str(), file.size, file.url.c_str(), file.sha256.c_str());
}

DownloadRequest RequestFor(const Arguments& arguments) {
  DownloadRequest request{.connect_seconds = arguments.connect_seconds, .stall_seconds = arguments.stall_seconds};
  if (!arguments.url.empty()) {
    Check(!arguments.sha256.empty() && !arguments.to.empty(), "--url needs --sha256 and --to FILE");
    request.url = arguments.url;
    request.sha256 = ParseSha256(arguments.sha256);
    request.path = UserPath(arguments.to);
    return request;
  }
  Check(!arguments.name.empty(), "say which file, by its name or by --url; --list tells the names");
  Check(arguments.sha256.empty(), "--sha256 goes with --url: a named file has one already");
  const PublishedFile& file = FindPublishedFile(arguments.name);
  const std::filesystem::path directory = UserPath(arguments.to.empty() ? "." : arguments.to);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  Check(!error, "cannot make the directory ", directory.string(), ": ", error.message());
  request.url = file.url;
  request.sha256 = file.sha256;
  request.size = file.size;
  request.path = (directory / file.file).lexically_normal();
  return request;
}

int Fetch(const Arguments& arguments) {
  DownloadRequest request = RequestFor(arguments);
  std::optional<Progress> progress;
  request.progress = [&](int64_t done, int64_t total) {
    constexpr int64_t kKilo = 1000;
    if (!progress) progress.emplace("downloading, kB", total / kKilo, done / kKilo);
    progress->Update(done / kKilo);
  };
  const bool fetched = Download(request);
  if (progress) progress->Finish();
  std::printf("%s %s\n", request.path.c_str(), fetched ? "is there, its checksum is right" : "was there already");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Fetches a published file and checks its SHA-256. The file gets its name when it is whole and right; until then "
      "it is NAME.part, from which the same command goes on after a transfer that broke off.");
  Arguments arguments;
  CLI::Option* name = app.add_option("NAME", arguments.name, "the file; --list tells the names");
  app.add_flag("--list", arguments.list, "tell the files that have names");
  CLI::Option* url = app.add_option("--url", arguments.url, "any other file, by http or https");
  app.add_option("--sha256", arguments.sha256, "of that file, 64 hexadecimal digits");
  app.add_option("--to", arguments.to, "the directory to put it in (default: this one); with --url, the file to write");
  app.add_option("--connect-timeout", arguments.connect_seconds, "seconds for a connection")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--stall-timeout", arguments.stall_seconds, "seconds at less than 1,000 bytes a second")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  name->excludes(url);
  CLI11_PARSE(app, argc, argv);
  if (arguments.list) {
    List();
    return 0;
  }
  return Fetch(arguments);
}

const Program program("download", Main);

}  // namespace
}  // namespace orbit
