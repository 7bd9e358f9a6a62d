// Graphs of PyTorch Geometric, in all forms in which it has saved them, and as plain dictionaries; EXP made from them.
#include "data/io/pickled_graphs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/graph/graph_sets.h"
#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using namespace python;
using io::MessageOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Items = std::vector<std::pair<std::string, Value>>;

// A path of two nodes labelled 1 and 0, and a star of three labelled 0, 0 and 1.
Items First(int32_t y = 1) {
  return {{"x", Array({2, 1}, Dtype("f4"), false, RawList<float>({1, 0}))},
          {"edge_index", Array({2, 2}, Dtype("i8"), false, RawList<int64_t>({0, 1, 1, 0}))},
          {"y", Array({1}, Dtype("i8"), false, RawList<int64_t>({y}))}};
}
Items Second() {
  return {{"x", Array({3, 1}, Dtype("f4", ">"), false, std::string("\0\0\0\0\0\0\0\0\x3f\x80\0\0", 12))},
          // Like np.array(edges).T: int32 in Fortran order.
          {"edge_index", Array({2, 4}, Dtype("i4"), true, RawList<int32_t>({0, 1, 1, 0, 0, 2, 2, 0}))},
          {"y", Array({1}, Dtype("f4"), false, RawList<float>({0}))}};
}
Value Version1(const Items& items) { return Object("torch_geometric.data.data.Data", Dict(items)); }
Value Version2(const Items& items) {
  return Object(
      "torch_geometric.data.data.Data",
      Dict({{"_edge_attr_cls", Global("torch_geometric.data.data.DataEdgeAttr")},
            {"_store", Object("torch_geometric.data.storage.GlobalStorage", Dict({{"_mapping", Dict(items)}}))}}));
}

class PickledGraphsTest : public io::FileTest {
 protected:
  std::vector<Graph> Read(const std::string& contents) {
    io::WriteFile(Path("graphs"), contents);
    return ReadExp(Path("graphs"));
  }
  void ExpectRight(const std::vector<Graph>& graphs, const std::string& what) {
    ASSERT_EQ(graphs.size(), 2u) << what;
    EXPECT_THAT(graphs[0].labels, ElementsAre(1, 0)) << what;
    EXPECT_THAT(graphs[1].labels, ElementsAre(0, 0, 1)) << what;
    EXPECT_EQ(graphs[0].edges.size(), 2u) << what;
    ASSERT_EQ(graphs[1].edges.size(), 4u) << what;
    for (const Edge& edge : graphs[1].edges) EXPECT_TRUE(edge.source == 0 || edge.target == 0) << what;
    EXPECT_EQ(graphs[0].target, 1) << what;
    EXPECT_EQ(graphs[1].target, 0) << what;
  }
};

TEST_F(PickledGraphsTest, ListsOfEveryKindAreRead) {
  ExpectRight(Read(PickleOf(List({Version1(First()), Version1(Second())}))), "version 1");
  ExpectRight(Read(PickleOf(List({Version2(First()), Version2(Second())}))), "version 2");
  ExpectRight(Read(PickleOf(List({Dict(First()), Dict(Second())}))), "dictionaries");
  ExpectRight(Read(TorchFile(List({Version2(First()), Version1(Second())}), {})), "torch.save");
  ExpectRight(Read(PickleOf(List({List({Dict(First())}), List({Dict(Second())})}))), "a list of lists");
  ExpectRight(Read(PickleOf(Tuple({List({}), List({Version2(First()), Version2(Second())})}))), "a tuple of lists");
  Items extra = First();
  extra.push_back({"time", Call("datetime.datetime", {Bytes("0123456789")})});
  ExpectRight(Read(PickleOf(List({Version2(extra), Version2(Second())}))), "other attributes");
}

TEST_F(PickledGraphsTest, CollatedDataSetsAreRead) {
  const Items data = {{"x", TensorOf("Float", "x", 5, {5, 1}, {1, 1})},
                      {"edge_index", TensorOf("Long", "e", 12, {2, 6}, {6, 1})},
                      {"y", Vector("Long", "y", 2)}};
  const Value slices =
      Dict({{"x", Vector("Long", "sx", 3)}, {"edge_index", Vector("Long", "se", 3)}, {"y", Vector("Long", "sy", 3)}});
  const std::map<std::string, std::string> storages = {
      {"x", RawList<float>({1, 0, 0, 0, 1})}, {"e", RawList<int64_t>({0, 1, 0, 1, 0, 2, 1, 0, 1, 0, 2, 0})},
      {"y", RawList<int64_t>({1, 0})},        {"sx", RawList<int64_t>({0, 2, 5})},
      {"se", RawList<int64_t>({0, 2, 6})},    {"sy", RawList<int64_t>({0, 1, 2})}};
  ExpectRight(Read(TorchFile(Tuple({Version2(data), slices}), storages)), "version 2");
  ExpectRight(Read(TorchFile(Tuple({Version1(data), slices}), storages)), "version 1");
  ExpectRight(Read(TorchFile(Tuple({Dict(data), slices, Global("torch_geometric.data.data.Data")}), storages)),
              "dictionary");
  std::map<std::string, std::string> damaged = storages;
  damaged["se"] = RawList<int64_t>({0, 2, 7});
  EXPECT_THAT(MessageOf([&] {
                Read(TorchFile(Tuple({Version2(data), slices}), damaged));
              }),
              HasSubstr("graph 1: 'edge_index'"));
}

TEST_F(PickledGraphsTest, WhatIsWantedIsSaid) {
  const auto message = [&](const Value& value) { return MessageOf([&] { Read(PickleOf(value)); }); };
  const auto with = [](const std::string& name, const Value& value) {
    Items items = First();
    for (auto& [key, old] : items)
      if (key == name) old = value;
    return List({Version2(items), Version2(Second())});
  };
  EXPECT_THAT(message(List({Version1(First())})), HasSubstr("odd number of graphs, 1"));
  EXPECT_THAT(message(List({})), HasSubstr("has no graphs"));
  EXPECT_THAT(message(Tuple({Version1(First()), Version1(Second())})),
              HasSubstr("holds a tuple, not a list of graphs"));
  EXPECT_THAT(message(with("y", Int(1))), HasSubstr("graph 0: 'y' is a int"));
  EXPECT_THAT(message(with("y", Array({1}, Dtype("f4"), false, RawList<float>({0.5f})))),
              HasSubstr("one class is wanted"));
  EXPECT_THAT(message(with("x", Array({2}, Dtype("f4"), false, RawList<float>({1, 0})))),
              HasSubstr("[nodes, 1] is wanted"));
  EXPECT_THAT(message(with("x", Array({2, 1}, Dtype("O8"), false, "12345678"))),
              HasSubstr("graph 0: 'x': an array of type 'O8'"));
  EXPECT_THAT(message(with("edge_index", Array({2, 1}, Dtype("i8"), false, RawList<int64_t>({1, 2})))),
              HasSubstr("edge 0 joins 1 and 2 of 2 nodes"));
  EXPECT_THAT(message(List({Object("networkx.classes.graph.Graph", Dict({}))})),
              HasSubstr("graph 0: a networkx.classes.graph.Graph has no 'x'"));
}

}  // namespace
}  // namespace orbit
