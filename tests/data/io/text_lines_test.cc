// Lines of text: all line ends, surrounding blanks, byte order marks, and files that are not text.
#include "data/io/text_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  ForEachLine(text, "x", [&](std::string_view line, const std::string& place) {
    lines.push_back(place + " " + std::string(line));
  });
  return lines;
}

TEST(LinesTest, EndInAnyWay) {
  EXPECT_THAT(LinesOf("a\nb\r\nc\rd"), ElementsAre("x:1 a", "x:2 b", "x:3 c", "x:4 d"));
  EXPECT_THAT(LinesOf("\r\r\n\n a \t\n\t\x0b\n b b\r\n"), ElementsAre("x:4 a", "x:6 b b"));
  EXPECT_THAT(LinesOf("\xef\xbb\xbf"
                      "a\n"),
              ElementsAre("x:1 a"));
  EXPECT_THAT(LinesOf(""), ElementsAre());
}

TEST(LinesTest, WhatIsNoTextIsNamed) {
  for (const std::string& text : {"\xff\xfe"s + "a\0\n\0"s, "\xfe\xff\0a"s, "a\0b\0"s, "\0a\0b"s})
    EXPECT_THAT(io::MessageOf([&] { LinesOf(text); }), HasSubstr("UTF-16"));
  EXPECT_THAT(io::MessageOf([&] { LinesOf("\x1f\x8b\x08"); }), HasSubstr("gzip"));
  EXPECT_THAT(io::MessageOf([&] { LinesOf("<html>"); }), HasSubstr("web page"));
}

}  // namespace
}  // namespace orbit
