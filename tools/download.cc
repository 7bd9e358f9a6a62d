// Downloads published files. See --help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/io/sha256.h"
#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/downloads/downloader.h"
#include "tools/downloads/published_files.h"
#include "tools/downloads/unpack.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

struct Arguments {
  std::vector<std::string> names;
  std::string url, sha256, to;
  bool list = false;
  int connect_seconds = 30, stall_seconds = 60;
};

void List() {
  for (const PublishedFile& file : PublishedFiles()) {
    const std::string size = file.size > 0 ? std::to_string(file.size) + " bytes, " : "";
    std::printf("%s: %s\n  %s, %sfrom %s\n  %s\n", file.name.c_str(), file.what.c_str(), file.file.c_str(),
                size.c_str(), file.url.c_str(),
                file.sha256.empty() ? "its SHA-256 is not known here" : ("sha256 " + file.sha256).c_str());
    if (file.unpack) std::printf("  is unpacked\n");
  }
}

// Fetches a file and says what came of it.
void Fetch(const Arguments& arguments, DownloadRequest request) {
  request.connect_seconds = arguments.connect_seconds;
  request.stall_seconds = arguments.stall_seconds;
  std::optional<Progress> progress;
  request.progress = [&](int64_t done, int64_t total) {
    constexpr int64_t kKilo = 1000;
    if (!progress) progress.emplace("downloading, kB", total / kKilo, done / kKilo);
    progress->Update(done / kKilo);
  };
  const bool is_pinned = !request.sha256.empty();
  const Downloaded downloaded = Download(request);
  if (progress) progress->Finish();
  std::printf("%s %s\n", request.path.c_str(),
              !downloaded.fetched ? "was there already"
              : is_pinned         ? "is there, its checksum is right"
                                  : "is there");
  if (!is_pinned)
    std::printf("its SHA-256 is %s: no right one is known here to compare with%s\n", downloaded.sha256.c_str(),
                downloaded.is_kept
                    ? ("; it is kept in " + request.path + ".sha256, and a later download has to match it").c_str()
                    : ", nor has a download kept one");
}

void FetchPublished(const Arguments& arguments) {
  Check(!arguments.names.empty(), "say which file, by its name or by --url; --list tells the names");
  Check(arguments.sha256.empty(), "--sha256 goes with --url");
  std::vector<const PublishedFile*> files;
  for (const std::string& name : arguments.names) files.push_back(&FindPublishedFile(name));
  const std::filesystem::path directory = UserPath(arguments.to.empty() ? "." : arguments.to);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  Check(!error, "cannot make the directory ", directory.string(), ": ", error.message());
  for (const PublishedFile* file : files) {
    const std::string path = (directory / file->file).lexically_normal();
    DownloadRequest request{.url = file->url, .sha256 = file->sha256, .size = file->size, .path = path};
    if (file->unpack) request.check = CheckArchive;
    Fetch(arguments, request);
    if (!file->unpack) continue;
    for (const Unpacked& unpacked : Unpack(path, directory))
      std::printf("%s %s\n", unpacked.path.c_str(), unpacked.written ? "is unpacked" : "was there already");
  }
}

void FetchOther(const Arguments& arguments) {
  Check(!arguments.sha256.empty() && !arguments.to.empty(), "--url needs --sha256 and --to FILE");
  Fetch(arguments, {.url = arguments.url, .sha256 = ParseSha256(arguments.sha256), .path = UserPath(arguments.to)});
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Fetches published files and checks their SHA-256. A file gets its name when it is whole and right; until then "
      "it is NAME.part, from which the same command goes on after a transfer that broke off. Where no SHA-256 is "
      "known here, a transfer that broke off starts anew; the SHA-256 of the first download is printed and kept in "
      "FILE.sha256, and later downloads have to match it.");
  Arguments arguments;
  CLI::Option* name = app.add_option("NAMES", arguments.names, "the files; --list tells the names");
  app.add_flag("--list", arguments.list, "tell the files that have names");
  CLI::Option* url = app.add_option("--url", arguments.url, "any other file, by http or https");
  app.add_option("--sha256", arguments.sha256, "of that file, 64 hexadecimal digits");
  app.add_option("--to", arguments.to,
                 "the directory to put them in (default: this one); with --url, the file to write");
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
  arguments.url.empty() ? FetchPublished(arguments) : FetchOther(arguments);
  return 0;
}

const Program program("download", Main);

}  // namespace
}  // namespace orbit
