// The TUDataset format: what is read, with which line ends, and which faults are rejected.
#include "data/graph/tu_dataset.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit {

bool operator==(const Edge& a, const Edge& b) { return a.source == b.source && a.target == b.target; }

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A path of three nodes, and a single edge.
class TuDatasetTest : public io::FileTest {
 protected:
  TuDatasetTest() {
    Write("A", "1, 2\n2, 1\n2, 3\n3, 2\n4, 5\n5, 4\n");
    Write("graph_indicator", "1\n1\n1\n2\n2\n");
    Write("graph_labels", "-1\n1\n");
  }
  void Write(const std::string& name, const std::string& text) { io::WriteFile(Path("X_" + name + ".txt"), text); }
  LabelledGraphs Read(GraphTarget target = GraphTarget::kClass) { return ReadTuDataset(Path("X"), target); }
  std::string Refusal(GraphTarget target = GraphTarget::kClass) {
    return io::MessageOf([&] { Read(target); });
  }
};

TEST_F(TuDatasetTest, GraphsAndTheirClasses) {
  const LabelledGraphs data = Read();
  ASSERT_EQ(data.graphs.size(), 2u);
  EXPECT_EQ(data.graphs[0].n, 3);
  EXPECT_THAT(data.graphs[0].edges, ElementsAre(Edge{1, 0}, Edge{0, 1}, Edge{2, 1}, Edge{1, 2}));
  EXPECT_THAT(data.graphs[1].edges, ElementsAre(Edge{1, 0}, Edge{0, 1}));
  EXPECT_THAT(data.graphs[0].labels, IsEmpty());
  EXPECT_THAT(data.targets, ElementsAre(-1, 1));
  EXPECT_EQ(data.outputs, 1);
  EXPECT_EQ(Describe(data, GraphTarget::kClass),
            "2 graphs of 2 to 3 nodes, 2.5 on average; 6 edges, each both ways; classes -1 (1), 1 (1)");
}

TEST_F(TuDatasetTest, KindsAndNumbersOfNodesAndValuesOfGraphs) {
  Write("node_labels", "0\n7\n0\n7\n3\n");
  Write("node_attributes", "0.5, 1\n0.25, 2\n0, 3\n-1, 4\n1e3, 5\n");
  Write("graph_attributes", "1.5, -2\n0, 1e-3\n");
  LabelledGraphs data = Read(GraphTarget::kValues);
  EXPECT_EQ(data.outputs, 2);
  EXPECT_THAT(data.targets, ElementsAre(1.5, -2, 0, 1e-3));
  EXPECT_THAT(FindKinds(data), ElementsAre(0, 3, 7));
  EXPECT_THAT(Describe(data, GraphTarget::kValues),
              HasSubstr("nodes of 3 kinds; numbers of a node: 2; values of a graph: 2"));
  EncodeKinds({0, 3, 7}, data);
  EXPECT_EQ(data.attributes, 5);
  EXPECT_THAT(data.graphs[1].labels, ElementsAre(0, 0, 1, -1, 4, 0, 1, 0, 1e3, 5));
  LabelledGraphs unknown = Read(GraphTarget::kValues);
  EXPECT_THAT(io::MessageOf([&] { EncodeKinds({0, 3}, unknown); }), HasSubstr("graph 0 has a node of kind 7"));
}

TEST_F(TuDatasetTest, LineEndsAndNodesInAnyOrder) {
  Write("A", "1,3\r\n3,1\r\n2,5\r\n5,2\r\n3,4\r\n4,3\r\n");
  Write("graph_indicator", "1\r\n2\r\n1\r\n1\r\n2\r\n\r\n");
  Write("graph_labels", "4\r\n5");
  const LabelledGraphs data = Read();
  EXPECT_EQ(data.graphs[0].n, 3);
  EXPECT_THAT(data.graphs[0].edges, ElementsAre(Edge{1, 0}, Edge{0, 1}, Edge{2, 1}, Edge{1, 2}));
  EXPECT_THAT(data.targets, ElementsAre(4, 5));
}

TEST_F(TuDatasetTest, WithoutLabels) {
  EXPECT_EQ(Read(GraphTarget::kValues).outputs, 0);
  std::filesystem::remove(Path("X_graph_labels.txt"));
  EXPECT_EQ(Read().outputs, 0);
  EXPECT_EQ(Read().graphs.size(), 2u);
}

TEST_F(TuDatasetTest, WrongIndicesAreRefusedWithTheirLine) {
  for (const auto& [edges, message] :
       {std::pair("1, 2\n0, 1\n", "X_A.txt:2: an edge from node 0 to 1"),
        {"1, 6\n", "X_A.txt:1: an edge from node 1 to 6"},
        {"1, 2\n\n1, 2\n", "X_A.txt:2: an empty line"},
        {"2, 1\n3, 4\n", "X_A.txt:2: an edge from node 3 of graph 1 to node 4 of graph 2"},
        {"1, x\n", "X_A.txt:1: 'x' is no node"},
        {"1, 2, 1\n", "X_A.txt:1: 3 values, not 2"},
        {"1\n", "X_A.txt:1: 1 values, not 2"}}) {
    Write("A", edges);
    EXPECT_THAT(Refusal(), HasSubstr(message));
  }
}

TEST_F(TuDatasetTest, WrongGraphsAreRefusedWithTheirLine) {
  for (const auto& [members, message] : {std::pair("1\n1\n1\n2\n0\n", "X_graph_indicator.txt:5: graph 0"),
                                         {"1\n1\n1\n2\n9999999999\n", "X_graph_indicator.txt:5: graph 9999999999"},
                                         {"1\n1\n1\n3\n3\n", "X_graph_indicator.txt: graph 2 of 3 has no nodes"},
                                         {"1\n1\n1\n2\n", "X_A.txt:5: an edge from node 4 to 5; the 4 nodes"},
                                         {"", "X_graph_indicator.txt has no nodes"}}) {
    Write("graph_indicator", members);
    EXPECT_THAT(Refusal(), HasSubstr(message));
  }
}

TEST_F(TuDatasetTest, MissingAndWrongLabelsAreRefused) {
  Write("graph_labels", "1\n");
  EXPECT_THAT(Refusal(), HasSubstr("X_graph_labels.txt: 1 lines for 2 graphs"));
  Write("graph_labels", "1\n2\n3\n");
  EXPECT_THAT(Refusal(), HasSubstr("X_graph_labels.txt: 3 lines for 2 graphs"));
  Write("graph_labels", "1\n\n2\n");
  EXPECT_THAT(Refusal(), HasSubstr("X_graph_labels.txt:2: an empty line"));
  Write("graph_labels", "1\n0.5\n");
  EXPECT_THAT(Refusal(), HasSubstr("X_graph_labels.txt:2: '0.5' is no class, which is an integer"));
  Write("graph_labels", "1\n2\n");
  Write("graph_attributes", "1.5\nnan\n");
  EXPECT_THAT(Refusal(GraphTarget::kValues), HasSubstr("X_graph_attributes.txt:2: 'nan' is not finite"));
  Write("graph_attributes", "1.5\n1, 2\n");
  EXPECT_THAT(Refusal(GraphTarget::kValues), HasSubstr("X_graph_attributes.txt:2: 2 values, not 1"));
  std::filesystem::remove(Path("X_graph_attributes.txt"));
  Write("node_labels", "1\n2\n");
  EXPECT_THAT(Refusal(), HasSubstr("X_node_labels.txt: 2 lines for 5 nodes"));
}

}  // namespace
}  // namespace orbit
