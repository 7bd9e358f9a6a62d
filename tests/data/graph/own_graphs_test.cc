// Own graphs: edge lists, folders, classes, and faults, which are reported by file and line.
#include "data/graph/own_graphs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/io/testing.h"

namespace orbit {

// For the matchers below.
bool operator==(const Edge& a, const Edge& b) { return a.source == b.source && a.target == b.target; }

namespace {

using io::MessageOf;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(EdgeListTest, EdgesAreMergedAndSelfLoopsKept) {
  const Graph graph = ParseEdgeList("# a comment\n0 1\n1 0  # once more\n\n\t2 2\r\n0 1", "x");
  EXPECT_EQ(graph.n, 3);
  EXPECT_THAT(graph.edges, ElementsAre(Edge{1, 0}, Edge{0, 1}, Edge{2, 2}));
  EXPECT_THAT(graph.labels, IsEmpty());
}

TEST(EdgeListTest, NodesAndLabels) {
  const Graph graph = ParseEdgeList("nodes 4\nlabel 2 -2.5\n0 1\n", "x");
  EXPECT_EQ(graph.n, 4);
  EXPECT_THAT(graph.labels, ElementsAre(1, 1, -2.5, 1));
  EXPECT_EQ(ParseEdgeList("label 6 1", "x").n, 7);
}

TEST(EdgeListTest, NumbersFromOneAreTakenAsSuchWithAWord) {
  std::string said;
  const auto parse = [&](const char* text) {
    said.clear();
    return ParseEdgeList(text, "my.edges", [&](const std::string& note) { said += note; });
  };
  Graph graph = parse("1 2\n2 3\nlabel 3 5\n");
  EXPECT_EQ(graph.n, 3);
  EXPECT_THAT(graph.edges, ElementsAre(Edge{1, 0}, Edge{0, 1}, Edge{2, 1}, Edge{1, 2}));
  EXPECT_THAT(graph.labels, ElementsAre(1, 1, 5));
  EXPECT_THAT(said, AllOf(HasSubstr("my.edges"), HasSubstr("numbered from 1")));
  EXPECT_EQ(parse("nodes 3\n1 2\n2 3").n, 3);
  EXPECT_THAT(said, HasSubstr("numbered from 1"));
  // A node 0 without edges if more nodes are announced, and graphs numbered from other numbers.
  for (const auto& [text, n] :
       {std::pair("nodes 4\n1 2\n2 3", 4), std::pair("1 2\nlabel 0 1", 3), std::pair("2 3", 4)}) {
    EXPECT_EQ(parse(text).n, n) << text;
    EXPECT_THAT(said, IsEmpty()) << text;
  }
}

TEST(EdgeListTest, WhatOtherProgramsWriteIsRead) {
  const auto edges = ElementsAre(Edge{1, 0}, Edge{0, 1}, Edge{2, 1}, Edge{1, 2});
  EXPECT_THAT(ParseEdgeList("0 1 {}\n1 2 {}\n", "NetworkX").edges, edges);
  EXPECT_THAT(ParseEdgeList("% sym unweighted\n% 2 3 3\n0 1\n1\t2", "KONECT").edges, edges);
  EXPECT_THAT(ParseEdgeList("\xef\xbb\xbf# from SNAP\r0 1\r1 2\r", "marks").edges, edges);
  for (const char* entries :
       {"pattern symmetric\n% a comment\n3 3 2\n2 1\n3 2\n", "integer symmetric\n3 3 2\n2 1 1\n3 2 1\n",
        "pattern general\n3 3 4\n2 1\n1 2\n3 2\n2 3\n"})
    EXPECT_THAT(ParseEdgeList("%%MatrixMarket matrix coordinate " + std::string(entries), "x").edges, edges) << entries;
  // A general matrix need not be symmetric: edges go from column to row.
  const Graph directed = ParseEdgeList("%%MatrixMarket matrix coordinate pattern general\n3 3 1\n2 1\n", "x");
  EXPECT_THAT(directed.edges, ElementsAre(Edge{0, 1}));
  EXPECT_EQ(directed.n, 3);
  for (const char* text : {"coordinate real symmetric\n3 3 1\n2 1 0.5", "array real general\n1 1\n1",
                           "coordinate pattern general\n3 2 0", "coordinate pattern general\n3 3 2\n1 2",
                           "coordinate pattern general\n3 3 1\n4 1", "coordinate complex general\n3 3 0"})
    EXPECT_THAT(MessageOf([&] { ParseEdgeList("%%MatrixMarket matrix " + std::string(text), "my.mtx"); }),
                HasSubstr("my.mtx"))
        << text;
}

TEST(EdgeListTest, EmptyGraphs) {
  EXPECT_EQ(ParseEdgeList("", "x").n, 0);
  EXPECT_EQ(ParseEdgeList("nodes 0", "x").n, 0);
  EXPECT_EQ(ParseEdgeList("nodes 3", "x").n, 3);
}

TEST(EdgeListTest, WhatIsMalformedIsRefusedWithItsLine) {
  for (const char* line :
       {"0", "0 1 2", "0 1 {'weight': 3}", "0,1", "0 x", "-1 0", "0 1.5", "0 100000", "0 99999999999999999999", "nodes",
        "nodes -1", "nodes 100001", "nodes 2 2", "nodes 2\nnodes 2", "label 0", "label 0 x", "label 0 nan",
        "label 0 1\nlabel 0 1", "labels 0 1"})
    EXPECT_THAT(MessageOf([&] { ParseEdgeList("0 1\n" + std::string(line), "my.edges"); }),
                testing::AnyOf(HasSubstr("my.edges:2: "), HasSubstr("my.edges:3: ")))
        << line;
  EXPECT_THAT(MessageOf([] { ParseEdgeList("nodes 2\n0 2", "my.edges"); }), HasSubstr("node 2 of 2 nodes"));
}

class OwnGraphsTest : public io::FileTest {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    io::WriteFile(Path(name), text);
    return Path(name);
  }
};

TEST_F(OwnGraphsTest, FilesAreTakenInTheOrderOfTheirNames) {
  Write("c.edges", "0 1\n");
  Write("a.g6", "DQc\nBw\n");
  Write("b.s6", ":Fa@x^\n");
  Write("notes.txt", "no graph");
  Write("labels.txt", "1\n0\n-2  # a class\n3\n");
  std::vector<int64_t> nodes, targets;
  for (const Graph& graph : ReadGraphs(Path(""))) {
    nodes.push_back(graph.n);
    targets.push_back(graph.target);
  }
  EXPECT_THAT(nodes, ElementsAre(5, 3, 7, 2));
  EXPECT_THAT(targets, ElementsAre(1, 0, -2, 3));
}

TEST_F(OwnGraphsTest, SingleFiles) {
  EXPECT_EQ(ReadGraphs(Write("a.edges", "0 1\n")).size(), 1u);
  EXPECT_EQ(ReadGraphs(Write("a.g6", "DQc\nBw\n")).size(), 2u);
  EXPECT_EQ(ReadGraphs(Path("")).at(0).target, 0);
}

TEST_F(OwnGraphsTest, TheContentDecidesWhereTheNameDoesNot) {
  std::string said;
  const auto read = [&](const std::string& name, const std::string& text) {
    said.clear();
    return ReadGraphs(Write(name, text), [&](const std::string& note) { said += note; });
  };
  EXPECT_EQ(read("a.EDGES", "0 1\n").at(0).n, 2);
  EXPECT_EQ(read("a.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n2 2 1\n2 1").at(0).n, 2);
  EXPECT_THAT(said, IsEmpty());
  for (const char* name : {"a.txt", "a.edgelist", "a.csv", "a"}) {
    EXPECT_EQ(read(name, "# a comment\n0 1\n").at(0).n, 2);
    EXPECT_THAT(said, HasSubstr("is read as an edge list"));
    EXPECT_EQ(read(name, "nodes 3").at(0).n, 3);
    for (const char* text : {"DQc\n", ">>graph6<<\nDQc", ">>sparse6<<:Fa@x^", "&DI?AO?"}) {
      EXPECT_EQ(read(name, text).size(), 1u) << text;
      EXPECT_THAT(said, IsEmpty()) << text;
    }
  }
  EXPECT_THAT(MessageOf([&] { read("b.csv", "source,target\n0,1\n"); }),
              AllOf(HasSubstr("b.csv:1"), HasSubstr("edge list")));
}

TEST_F(OwnGraphsTest, WhatIsWrongIsSaid) {
  const auto message = [&] { return MessageOf([&] { ReadGraphs(Path("")); }); };
  EXPECT_THAT(message(), HasSubstr("has no graphs"));
  Write("a.edgelist", "0 1\n");
  EXPECT_THAT(message(), AllOf(HasSubstr("no files *.edges"), HasSubstr("there is a.edgelist")));
  EXPECT_THAT(MessageOf([&] { ReadGraphs(Path("missing")); }), HasSubstr("missing"));
  Write("a.g6", "DQc\nBw\n");
  Write("labels.txt", "1\n");
  EXPECT_THAT(message(), HasSubstr("labels.txt: 1 classes for 2 graphs"));
  Write("labels.txt", "1\n1\n1\n");
  EXPECT_THAT(message(), HasSubstr("labels.txt:3: one class more"));
  Write("labels.txt", "1\nx\n");
  EXPECT_THAT(message(), HasSubstr("labels.txt:2: 'x' is no class"));
  Write("labels.txt", "1\n1 1\n");
  EXPECT_THAT(message(), HasSubstr("labels.txt:2: more than one class"));
  Write("b.edges", "0 z\n");
  EXPECT_THAT(message(), HasSubstr("b.edges:1: 'z' is no node"));
}

}  // namespace
}  // namespace orbit
