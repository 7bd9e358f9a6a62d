#include "tools/report/figure.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmath>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using io::ReadFile;
using io::WriteFile;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Figure Curves() {
  Figure figure{.title = "it's a run_of $x", .x_label = "step", .y_label = "loss", .log_y = true, .series = {}};
  figure.series.push_back({"train/a_b", {{1, 0.5}, {2, std::nan("")}, {3, -1}, {4, 0.001}}});
  figure.series.push_back({"valid `date`\nquit", {{2, 0.4}}});
  return figure;
}

class FigureTest : public io::FileTest {
 protected:
  std::string path() const { return Path("curves.svg"); }
};

TEST_F(FigureTest, DrawsEveryCurve) {
  WriteFile(path(), "the one before");
  DrawFigure(Curves(), path());
  const std::string svg = ReadFile(path());
  EXPECT_THAT(svg, AllOf(HasSubstr("<svg"), HasSubstr("</svg>")));
  for (const char* text : {"it's a run_of $x", "step", "loss", "train/a_b", "valid `date` quit"})
    EXPECT_THAT(svg, AnyOf(HasSubstr(text), HasSubstr("it&#39;s a run_of $x"))) << text;
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(FigureTest, DrawsACurveThatIsFlat) {
  for (const bool log_y : {false, true}) {
    DrawFigure({.title = "flat", .x_label = "", .y_label = "", .log_y = log_y, .series = {{"a", {{1, 2}, {2, 2}}}}},
               path());
    EXPECT_THAT(ReadFile(path()), HasSubstr("</svg>"));
  }
}

TEST_F(FigureTest, ShowsACurveOfOnePoint) {
  const auto dots = [&](std::vector<std::pair<double, double>> points) {
    DrawFigure({.title = "", .x_label = "", .y_label = "", .series = {{"a", std::move(points)}}}, path());
    const std::string svg = ReadFile(path());
    size_t count = 0;
    for (size_t at = 0; (at = svg.find("<use ", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  std::vector<std::pair<double, double>> many;
  for (int i = 1; i < 100; ++i) many.emplace_back(i, i);
  EXPECT_EQ(dots({{1, 2}}), dots(many) + 2);  // itself and in the legend, beside marks that are always there
}

TEST_F(FigureTest, DrawsSeveralBesideEachOther) {
  Figure rows{.title = "rows", .x_label = "error", .y_label = "", .series = {{"a", {{0.1, 0}, {10, 2}, {-1, 1}}}}};
  rows.log_x = true;
  rows.row_names = {"first row", "second row", "third row"};
  DrawFigures({Curves(), rows}, path());
  const std::string svg = ReadFile(path());
  EXPECT_THAT(svg, AllOf(HasSubstr("width=\"1600\""), HasSubstr("train/a_b"), HasSubstr("third row")));
  EXPECT_LT(svg.find("first row"), svg.find("third row"));
}

TEST_F(FigureTest, LeavesOutACurveWithoutPoints) {
  Figure figure = Curves();
  figure.series.push_back({"empty", {{1, std::nan("")}}});
  DrawFigure(figure, path());
  EXPECT_THAT(ReadFile(path()), Not(HasSubstr("empty")));
  figure.series.erase(figure.series.begin(), figure.series.begin() + 2);
  EXPECT_THAT(MessageOf([&] { DrawFigure(figure, path()); }), HasSubstr("has no points"));
}

// A machine with the gnuplot that the test provides.
class Search {
 public:
  explicit Search(const std::string& directory) : before_(getenv("PATH")) { setenv("PATH", directory.c_str(), 1); }
  ~Search() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST_F(FigureTest, SaysThatGnuplotIsMissing) {
  WriteFile(path(), "the one before");
  const Search search(Path("nowhere"));
  EXPECT_THAT(MessageOf([&] { DrawFigure(Curves(), path()); }),
              AllOf(HasSubstr(path()), HasSubstr("gnuplot is not installed (Debian: gnuplot-nox)")));
  EXPECT_EQ(ReadFile(path()), "the one before");
  EXPECT_EQ(FilesInDirectory(), 1u);
}

TEST_F(FigureTest, WarnsOnceWhereAFigureIsNotWorthFailing) {
  const Search search(Path("nowhere"));
  testing::internal::CaptureStderr();
  DrawFigureOrWarn(Curves(), path());
  DrawFigureOrWarn(Curves(), path());
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "warning: no figure " + path() + ": gnuplot is not installed (Debian: gnuplot-nox)\n");
}

TEST_F(FigureTest, SaysWhatGnuplotSays) {
  WriteFile(Path("gnuplot"), "#!/bin/sh\necho '<svg'\necho 'line 3: no such terminal' >&2\nexit 1\n");
  chmod(Path("gnuplot").c_str(), 0755);
  const Search search(Path(""));
  EXPECT_THAT(MessageOf([&] { DrawFigure(Curves(), path()); }), HasSubstr("gnuplot failed: line 3: no such terminal"));
  EXPECT_EQ(FilesInDirectory(), 1u);  // gnuplot itself
}

TEST_F(FigureTest, SaysWhyItCannotWrite) {
  EXPECT_THAT(MessageOf([&] { DrawFigure(Curves(), Path("absent/curves.svg")); }),
              AllOf(HasSubstr("absent/curves.svg"), HasSubstr("No such file")));
  std::filesystem::create_directory(path());
  EXPECT_THAT(MessageOf([&] { DrawFigure(Curves(), path()); }), HasSubstr("no figure " + path() + ": Is a directory"));
  EXPECT_EQ(FilesInDirectory(), 1u);
}

}  // namespace
}  // namespace orbit
