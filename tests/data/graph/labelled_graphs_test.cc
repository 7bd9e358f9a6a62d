// Folders of graphs with tables of labels and splits, and which faults are rejected.
#include "data/graph/labelled_graphs.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Graphs 0 (a.edges), 1 and 2 (b.g6) and 3 (c.edges).
class LabelledGraphsTest : public io::FileTest {
 protected:
  LabelledGraphsTest() {
    Write("a.edges", "0 1\nlabel 1 2.5\n");
    Write("b.g6", "DQc\nBw\n");
    Write("c.edges", "0 1\n1 2\n");
  }
  void Write(const std::string& name, const std::string& text) { io::WriteFile(Path(name), text); }
  LabelledGraphs Read(GraphTarget target = GraphTarget::kClass) { return ReadLabelledGraphs(Path(""), target); }
  std::string Refusal(GraphTarget target = GraphTarget::kClass) {
    return io::MessageOf([&] { Read(target); });
  }
};

TEST_F(LabelledGraphsTest, LabelsByFileOrNumberInAnyOrder) {
  Write("labels.csv", "graph,label\r\nc.edges, 5\r\n2,-1\r\n1,0\r\na.edges,5\r\n");
  const LabelledGraphs data = Read();
  ASSERT_EQ(data.graphs.size(), 4u);
  EXPECT_THAT(data.targets, ElementsAre(5, 0, -1, 5));
  EXPECT_THAT(FindClasses(data), ElementsAre(-1, 0, 5));
  EXPECT_EQ(data.attributes, 1);
  EXPECT_THAT(data.graphs[0].labels, ElementsAre(1, 2.5));
  EXPECT_FALSE(data.splits.has_value());
  EXPECT_THAT(Describe(data, GraphTarget::kClass), HasSubstr("classes -1 (1), 0 (1), 5 (2)"));
}

TEST_F(LabelledGraphsTest, ValuesMayBeSeveral) {
  Write("labels.csv", "0,1.5,2\n1,0,0\n2,-1e3,1\n3,4,5\n");
  const LabelledGraphs data = Read(GraphTarget::kValues);
  EXPECT_EQ(data.outputs, 2);
  EXPECT_THAT(data.targets, ElementsAre(1.5, 2, 0, 0, -1e3, 1, 4, 5));
}

TEST_F(LabelledGraphsTest, SplitsByFile) {
  Write("splits.csv", "a.edges,test\n1,train\n2,train\n3,valid\n");
  const SplitNumbers splits = Read().splits.value();
  EXPECT_THAT(splits, ElementsAre(ElementsAre(1, 2), ElementsAre(3), ElementsAre(0)));
  Write("splits.csv", "a.edges,test\n1,train\n2,val\n3,valid\n");
  EXPECT_THAT(Refusal(), HasSubstr("splits.csv:3: unknown split 'val'"));
}

TEST_F(LabelledGraphsTest, WithoutLabels) { EXPECT_EQ(Read().outputs, 0); }

TEST_F(LabelledGraphsTest, WhatDoesNotFitIsRefusedWithItsLine) {
  for (const auto& [labels, message] :
       {std::pair("0,1\n1,1\n2,1\n", "labels.csv: nothing of 1 of 4 graphs, the first of them number 3"),
        {"0,1\n1,1\n2,1\n4,1\n", "labels.csv:4: graph 4 of 4, which are numbered from 0"},
        {"0,1\n1,1\n2,1\n-1,1\n", "labels.csv:4: graph -1 of 4"},
        {"0,1\nd.edges,1\n", "labels.csv:2: there is no graph file 'd.edges'"},
        {"0,1\na.edges,1\n", "labels.csv:2: the graph a.edges for the second time"},
        {"0,1\nb.g6,1\n", "labels.csv:2: b.g6 has 2 graphs"},
        {"0,1\n1,cat\n", "labels.csv:2: 'cat' is no class"},
        {"0,1\n1,0.5\n", "labels.csv:2: '0.5' is no class"},
        {"0,1\n1\n", "labels.csv:2: '' is no class"},
        {"0,1,2\n", "labels.csv:1: more than one class"}}) {
    Write("labels.csv", labels);
    EXPECT_THAT(Refusal(), HasSubstr(message));
  }
  Write("labels.csv", "0,1\n1,2\n2,inf\n3,1\n");
  EXPECT_THAT(Refusal(GraphTarget::kValues), HasSubstr("labels.csv:3: 'inf' is not finite"));
  Write("labels.csv", "0,1\n1,2,3\n2,1\n3,1\n");
  EXPECT_THAT(Refusal(GraphTarget::kValues), HasSubstr("labels.csv:2: 2 labels, not 1"));
  Write("labels.csv", "0,1\n1,2\n2,1\n3,1\n");
  Write("d.edges", "");
  EXPECT_THAT(Refusal(), HasSubstr("d.edges: a graph without nodes"));
}

TEST_F(LabelledGraphsTest, ATuDatasetIsToldByItsAdjacency) {
  Write("X_A.txt", "1, 2\n2, 1\n");
  Write("X_graph_indicator.txt", "1\n1\n");
  Write("X_graph_labels.txt", "3\n");
  Write("splits.csv", "0,test\n");
  const LabelledGraphs data = Read();
  EXPECT_EQ(data.graphs.size(), 1u);
  EXPECT_THAT(data.splits.value()[2], ElementsAre(0));
  Write("Y_A.txt", "");
  EXPECT_THAT(Refusal(), HasSubstr("more than one TUDataset"));
  EXPECT_THAT(io::MessageOf([&] { ReadLabelledGraphs(Path("a.edges"), GraphTarget::kClass); }),
              HasSubstr("is no folder"));
}

}  // namespace
}  // namespace orbit
