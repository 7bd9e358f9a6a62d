// Own graphs: edge lists, folders, classes, and what is wrong with them, by file and line.
#include "data/graph/own_graphs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/io/testing.h"

namespace orbit {

// For the matchers below.
bool operator==(const Edge& a, const Edge& b) { return a.source == b.source && a.target == b.target; }

namespace {

using io::MessageOf;
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

TEST(EdgeListTest, EmptyGraphs) {
  EXPECT_EQ(ParseEdgeList("", "x").n, 0);
  EXPECT_EQ(ParseEdgeList("nodes 0", "x").n, 0);
  EXPECT_EQ(ParseEdgeList("nodes 3", "x").n, 3);
}

TEST(EdgeListTest, WhatIsMalformedIsRefusedWithItsLine) {
  for (const char* line :
       {"0", "0 1 2", "0 x", "-1 0", "0 1.5", "0 100000", "0 99999999999999999999", "nodes", "nodes -1", "nodes 100001",
        "nodes 2 2", "nodes 2\nnodes 2", "label 0", "label 0 x", "label 0 nan", "label 0 1\nlabel 0 1", "labels 0 1"})
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

TEST_F(OwnGraphsTest, WhatIsWrongIsSaid) {
  const auto message = [&] { return MessageOf([&] { ReadGraphs(Path("")); }); };
  EXPECT_THAT(message(), HasSubstr("has no graphs"));
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
