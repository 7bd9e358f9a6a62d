// Readers of foreign files: what they read, and that they reject everything malformed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "data/graph/graph6.h"
#include "data/graph/graph_sets.h"
#include "data/io/npy.h"
#include "data/io/pickle_file.h"
#include "data/io/weights.h"
#include "engine/io/safetensors.h"

namespace orbit {
namespace {

using Kind = PickleValue::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

std::string PathOf(const std::string& name) { return "tests/data/io/testdata/" + name; }

std::string Contents(const std::string& name) {
  std::ifstream file(PathOf(name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string MessageOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class PlainPickleTest : public testing::TestWithParam<int> {};

TEST_P(PlainPickleTest, EveryProtocolGivesTheSameValues) {
  const std::string contents = Contents("plain" + std::to_string(GetParam()) + ".pkl");
  const PickleFile pickle(Bytes(contents), "plain");
  const PickleValue& root = pickle.root();
  ASSERT_EQ(root.kind, Kind::kDict);
  EXPECT_EQ(root.Find("none")->kind, Kind::kNone);
  EXPECT_EQ(root.At("t", Kind::kBool).integer, 1);
  EXPECT_EQ(root.At("i", Kind::kInt).integer, -3);
  EXPECT_EQ(root.At("l", Kind::kInt).integer, -(int64_t{1} << 40));
  EXPECT_EQ(root.At("f", Kind::kFloat).number, 1.5);
  EXPECT_EQ(root.At("b", Kind::kBytes).bytes, std::string("\x00\xff", 2));
  EXPECT_EQ(root.At("tuple", Kind::kTuple).items.size(), 4u);
  EXPECT_EQ(root.At("list", Kind::kList).items.at(1)->items.at(0)->integer, 2);
  const Tensor array = pickle.ToTensor(root.At("a", Kind::kObject));
  EXPECT_EQ(array.shape(), (Shape{2, 3}));
  EXPECT_THAT(array.ToVector<double>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(MessageOf([&] { root.At("missing", Kind::kInt); }), HasSubstr("missing"));
  EXPECT_THAT(MessageOf([&] { root.At("i", Kind::kString); }), HasSubstr("not a str"));
}

INSTANTIATE_TEST_SUITE_P(Protocols, PlainPickleTest, testing::Values(2, 3, 4, 5));

TEST(PickleTest, ObjectsAreNamesAndAttributes) {
  const std::string contents = Contents("object.pkl");
  const Pickle pickle(Bytes(contents), "object");
  EXPECT_EQ(pickle.root().kind, Kind::kObject);
  EXPECT_TRUE(pickle.root().Is("some.module.C"));
  EXPECT_EQ(pickle.root().At("x", Kind::kInt).integer, 1);
}

TEST(PickleTest, CallsStayInertAndAreNamed) {
  const std::string contents = Contents("evil.pkl");
  const PickleFile file(Bytes(contents), "evil.pkl");
  EXPECT_TRUE(file.root().Is("os.system"));
  EXPECT_EQ(file.root().arguments->items.at(0)->bytes, "echo hi");
  EXPECT_THAT(MessageOf([&] { file.ToTensor(file.root()); }), HasSubstr("os.system"));
}

TEST(PickleTest, CyclesNeitherHangNorLeak) {
  const std::string contents = Contents("cycle.pkl");
  const Pickle pickle(Bytes(contents), "cycle");
  EXPECT_EQ(pickle.root().items.at(0), &pickle.root());
}

// The tensors of a state dictionary that contains one named `name`.
TensorMap ReadState(const std::string& file, const std::string& name) {
  return ReadWeights(PathOf(file), {{name, Tensor::Zeros({1})}});
}

TEST(StateFilesTest, BothFormatsGiveTheSameTensors) {
  for (const char* name : {"state.pt", "legacy.pt"}) {
    const TensorMap state = ReadState(name, "a.weight");
    ASSERT_EQ(state.size(), 5u) << name;
    EXPECT_THAT(state.at("a.weight").ToVector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_EQ(state.at("a.bias").shape(), (Shape{3, 2}));
    EXPECT_THAT(state.at("a.bias").ToVector<float>(), ElementsAre(0, 3, 1, 4, 2, 5));
    EXPECT_EQ(state.at("n").Item(), 7);
    EXPECT_THAT(state.at("half").To(DType::kF32).ToVector<float>(), ElementsAre(1, 2));
    EXPECT_EQ(state.at("e").shape(), (Shape{0, 3}));
  }
}

TEST(StateFilesTest, LightningCheckpointsAreFoundWithin) {
  const TensorMap state = ReadState("lightning.ckpt", "w");
  ASSERT_EQ(state.size(), 1u);
  EXPECT_THAT(state.at("w").ToVector<float>(), ElementsAre(1.5, 2.5));
}

TEST(Graph6Test, TheThreeFormatsAreRead) {
  // The examples in nauty's formats.txt.
  const Graph graph = ParseGraph6("DQc", "x");
  EXPECT_EQ(graph.n, 5);
  EXPECT_EQ(graph.edges.size(), 8u);  // 0-2, 0-4, 1-3, 3-4
  EXPECT_EQ(FormatGraph6(graph), "DQc");
  const Graph sparse = ParseGraph6(":Fa@x^", "x");
  EXPECT_EQ(sparse.n, 7);
  EXPECT_EQ(sparse.edges.size(), 8u);  // 0-1, 0-2, 1-2, 5-6
  const Graph directed = ParseGraph6("&DI?AO?", "x");
  EXPECT_EQ(directed.n, 5);
  EXPECT_EQ(directed.edges.size(), 4u);  // 0->2, 0->4, 3->1, 3->4
  EXPECT_EQ(ParseGraph6("?", "x").n, 0);
  EXPECT_EQ(ParseGraph6Lines(">>graph6<<DQc\r\n\nDQc\n", "x").size(), 2u);
  EXPECT_EQ(ParseGraph6Lines("GGUF??\n", "x").size(), 1u);  // no file of that name
  for (const char* text : {" DQc\t\r\n\tDQc ", "DQc\rDQc\r", "\xef\xbb\xbf>>graph6<<\nDQc\nDQc"})
    EXPECT_EQ(ParseGraph6Lines(text, "x").size(), 2u) << text;
}

TEST(Graph6Test, DifferencesAreTakenFromTheGraphBefore) {
  // Two graphs as written by nauty-copyg -i, alternately, the second one twice.
  std::vector<std::string> lines;
  for (const Graph& graph : ParseGraph6Lines(":Fa@x^\n;kMV\n;\n;kMV\n", "x")) lines.push_back(FormatGraph6(graph));
  EXPECT_THAT(lines, ElementsAre("Fw??G", "F{???", "F{???", "Fw??G"));
}

TEST(Graph6Test, DifferencesNeedAnUndirectedGraphBefore) {
  for (const char* text : {";", "&DI?AO?\n;"})
    EXPECT_THAT(MessageOf([&] { ParseGraph6Lines(text, "x"); }), HasSubstr("a difference (;)")) << text;
}

TEST(GraphSetsTest, Graph8cIsEnumerated) {
  const std::vector<Graph> graphs = EnumerateGraph8c();
  EXPECT_EQ(graphs.size(), 11117u);
  for (const Graph& graph : graphs) ASSERT_EQ(graph.n, 8);
}

TEST(GraphSetsTest, ExpIsReadInPairs) {
  const std::vector<Graph> graphs = ReadExp(PathOf("exp.pkl"));
  ASSERT_EQ(graphs.size(), 4u);
  for (size_t i = 0; i < graphs.size(); i += 2) {
    EXPECT_EQ(graphs[i].n, graphs[i + 1].n);
    EXPECT_EQ(graphs[i].edges.size(), graphs[i + 1].edges.size());
    EXPECT_NE(graphs[i].target, graphs[i + 1].target);
  }
  const GraphBatch batch = MakeGraphBatch(graphs, {0, 3}, 64);
  EXPECT_EQ(batch.nodes.shape(), (Shape{2, 64, 2}));
  EXPECT_THAT(MessageOf([&] { MakeGraphBatch(graphs, {1}, 8); }), HasSubstr("graph 1 has"));
}

// Every prefix of a file, and files with randomly flipped bits, are read or rejected. None crashes the reader or takes
// memory out of proportion to the file (the test runs with a memory limit).
class DamageTest : public testing::TestWithParam<const char*> {};

// Tries to make a tensor from every value.
void MakeTensorsOf(const PickleFile& file) {
  for (const PickleValue& value : file.pickle().values()) try {
      if (IsTensor(value)) file.ToTensor(value);
    } catch (const Error&) {
    }
}

void ReadAny(const std::string& contents, const std::string& name) {
  const auto bytes = Bytes(contents);
  try {
    if (name.ends_with(".npy"))
      ParseNpy(bytes, name);
    else if (name.ends_with(".safetensors"))
      io::ParseSafetensors(bytes, name);
    else if (name.ends_with(".g6"))
      ParseGraph6Lines(contents, name);
    else
      MakeTensorsOf(PickleFile(bytes, name));
  } catch (const Error&) {
  }
}

TEST_P(DamageTest, IsSurvived) {
  const std::string name = GetParam(), contents = Contents(name);
  for (size_t size = 0; size < std::min<size_t>(contents.size(), 3000); ++size) ReadAny(contents.substr(0, size), name);
  std::mt19937 random(1);
  for (int trial = 0; trial < 1000; ++trial) {
    std::string damaged = contents;
    for (uint32_t flips = 1 + random() % 4; flips > 0; --flips)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    ReadAny(damaged, name);
  }
}

INSTANTIATE_TEST_SUITE_P(All, DamageTest,
                         testing::Values("plain0.pkl", "plain2.pkl", "plain4.pkl", "plain5.pkl", "object.pkl",
                                         "cycle.pkl", "exp.pkl", "state.pt", "legacy.pt", "lightning.ckpt", "a.npy",
                                         "fortran.npy", "small.safetensors", "small.g6"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace orbit
