// PATTERN: what is drawn has the law of its definition, depends on the seed alone, and published files give the same
// graphs.
#include "data/graph/pattern.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "kernels/parallel.h"
#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;

class PatternTest : public io::FileTest {
 protected:
  void SetUp() override {
    io::FileTest::SetUp();
    setenv("ORBIT_CACHE", Path("cache").c_str(), 1);
  }
};

TEST_F(PatternTest, HasTheLawOfItsDefinition) {
  const PatternData data = GeneratePattern({.patterns = 10, .graphs = {12, 2, 0}, .seed = 3});
  ASSERT_EQ(data.graphs.size(), 140);
  EXPECT_EQ(data.splits[0].size(), 120);
  EXPECT_THAT(data.splits[1], testing::SizeIs(20));
  EXPECT_THAT(data.splits[2], testing::IsEmpty());
  double nodes = 0, of_pattern = 0, pairs = 0, joined = 0, pattern_pairs = 0, pattern_joined = 0;
  std::array<double, kPatternWords> words{};
  for (int64_t i = 0; i < data.graphs.size(); ++i) {
    const int64_t n = data.graphs.n(i);
    EXPECT_LE(n, kLargestPatternGraph);
    EXPECT_GE(n, 30);
    const auto classes = data.graphs.classes(i);
    for (const uint8_t word : data.graphs.words(i)) ++words.at(word);
    const double members = static_cast<double>(std::count(classes.begin(), classes.end(), 1));
    const auto size = static_cast<double>(n);
    nodes += size;
    of_pattern += members;
    pattern_pairs += members * (members - 1) + 2 * members * (size - members);
    pairs += (size - members) * (size - members - 1);
    for (const Edge& edge : data.graphs.Edges(i)) {
      ASSERT_NE(edge.source, edge.target);
      (classes[edge.source] == 1 || classes[edge.target] == 1 ? pattern_joined : joined) += 1;
    }
  }
  EXPECT_NEAR(of_pattern / nodes, 1.0 / 6, 0.05);
  EXPECT_NEAR(pattern_joined / pattern_pairs, 0.5, 0.01);
  EXPECT_NEAR(joined / pairs, 0.35 + 0.15 / 4, 0.02);  // a fifth of the pairs and more are of one community
  for (const double count : words) EXPECT_NEAR(count / nodes, 1.0 / 3, 0.03);
}

// All graphs with a pattern have its nodes' words, and as many edges among these.
TEST_F(PatternTest, KeepsAPatternInItsGraphs) {
  const PatternData data = GeneratePattern({.patterns = 3, .graphs = {4, 1, 1}, .seed = 0});
  const auto planted = [&](int64_t i) {
    std::multiset<int> words;
    for (int64_t node = 0; node < data.graphs.n(i); ++node)
      if (data.graphs.classes(i)[node] == 1) words.insert(data.graphs.words(i)[node]);
    int64_t edges = 0;
    for (const Edge& edge : data.graphs.Edges(i))
      edges += data.graphs.classes(i)[edge.source] == 1 && data.graphs.classes(i)[edge.target] == 1 ? 1 : 0;
    return std::pair(words, edges);
  };
  std::set<std::pair<std::multiset<int>, int64_t>> patterns;
  for (int64_t p = 0; p < 3; ++p) {
    for (int64_t i = 4 * p + 1; i < 4 * p + 4; ++i) EXPECT_EQ(planted(i), planted(4 * p));
    EXPECT_EQ(planted(data.splits[1][p]), planted(4 * p));
    EXPECT_EQ(planted(data.splits[2][p]), planted(4 * p));
    patterns.insert(planted(4 * p));
  }
  EXPECT_EQ(patterns.size(), 3);
}

TEST_F(PatternTest, DependsOnTheSeedAlone) {
  const auto edges = [&](int64_t seed, int threads) {
    kernels::SetNumThreads(threads);
    setenv("ORBIT_CACHE", Path("cache" + std::to_string(threads)).c_str(), 1);
    const PatternData data = GeneratePattern({.patterns = 2, .graphs = {60, 1, 1}, .seed = seed});
    std::vector<std::pair<int32_t, int32_t>> all;
    for (int64_t i = 0; i < data.graphs.size(); ++i)
      for (const Edge& edge : data.graphs.Edges(i)) all.emplace_back(edge.source, edge.target);
    return all;
  };
  const auto one = edges(1, 1);
  EXPECT_EQ(edges(1, 3), one);
  EXPECT_EQ(edges(1, 3), one);  // from the cache
  EXPECT_NE(edges(2, 1), one);
}

TEST_F(PatternTest, MakesBatches) {
  const PatternGraph triangle{.n = 3, .words = {2, 0, 1}, .classes = {0, 1, 0}, .edges = {{0, 1}, {2, 1}, {0, 2}}};
  const PatternGraph pair{.n = 2, .words = {0, 0}, .classes = {1, 0}, .edges = {{1, 0}, {0, 1}}};
  const PatternGraphs graphs(PackedArrays(PackPatternGraphs({triangle, pair})));
  const PatternBatch batch = MakePatternBatch(graphs, {1, 0}, 3);
  EXPECT_THAT(batch.num_nodes.ToVector<int32_t>(), ElementsAre(2, 3));
  EXPECT_THAT(batch.classes.ToVector<int64_t>(), ElementsAre(1, 0, -100, 0, 1, 0));
  EXPECT_THAT(batch.nodes.ToVector<float>(), ElementsAre(1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0));
  EXPECT_THAT(batch.edges.sources.ToVector<int32_t>(), ElementsAre(1, 0, 1, 2, 0, 2, 0, 1));
  EXPECT_THAT(io::MessageOf([&] { MakePatternBatch(graphs, {0}, 2); }), testing::HasSubstr("has 3 nodes"));
  PatternGraph loop = pair;
  loop.edges.push_back({1, 1});
  EXPECT_THAT(io::MessageOf([&] {
                PackPatternGraphs({pair, loop});
              }),
              testing::HasSubstr("graph 1 of 2 nodes has an edge from 1 to 1"));
}

// A path of three nodes, the middle of which is the pattern, as published by PyTorch Geometric and by the benchmark.
TEST_F(PatternTest, ReadsPublishedFiles) {
  using namespace python;
  const Value graph =
      Dict({{"x", Array({3, 3}, Dtype("f4"), false, RawList<float>({0, 1, 0, 1, 0, 0, 0, 0, 1}))},
            {"edge_index", Array({2, 4}, Dtype("i8"), false, RawList<int64_t>({0, 1, 1, 2, 1, 0, 2, 1}))},
            {"y", Array({3}, Dtype("i8"), false, RawList<int64_t>({0, 1, 0}))}});
  const Value geometric = PickleOf(List({List({graph}), List({graph}), List({graph})}));
  const Value benchmark = PickleOf(List(
      {DictOf("__main__.DotDict", {{"nb_nodes", Int(3)},
                                   {"W", Array({3, 3}, Dtype("u1"), false, std::string("\0\1\0\1\0\1\0\1\0", 9))},
                                   {"node_feat", Array({3}, Dtype("i4"), false, RawList<int32_t>({1, 0, 2}))},
                                   {"node_label", Array({3}, Dtype("i4"), false, RawList<int32_t>({0, 1, 0}))}})}));
  EXPECT_THAT(io::MessageOf([&] { ReadPattern(Path("")); }), testing::HasSubstr("has no SBM_PATTERN_train.pkl"));
  for (const bool is_geometric : {true, false}) {
    if (is_geometric)
      io::WriteFile(Path("PATTERN_v2.pt"), geometric);
    else
      for (const char* split : {"train", "val", "test"})
        io::WriteFile(Path(std::string("SBM_PATTERN_") + split + ".pkl"), benchmark);
    for (int times = 0; times < 2; ++times) {  // from the files and from the cache
      const PatternData data = ReadPattern(Path(""));
      ASSERT_EQ(data.graphs.size(), 3);
      EXPECT_THAT(data.splits[2], ElementsAre(2));
      EXPECT_THAT(data.graphs.words(1), ElementsAre(1, 0, 2));
      EXPECT_THAT(data.graphs.classes(1), ElementsAre(0, 1, 0));
      EXPECT_EQ(data.graphs.Edges(1).size(), 4);
    }
    std::filesystem::remove(Path("PATTERN_v2.pt"));
  }
  io::WriteFile(Path("SBM_PATTERN_val.pkl"), PickleOf(List({Dict({{"W", Int(1)}})})));
  EXPECT_THAT(io::MessageOf([&] { ReadPattern(Path("")); }), testing::HasSubstr("SBM_PATTERN_val.pkl: graph 0: 'W'"));
  io::WriteFile(Path("PATTERN_v2.pt"), PickleOf(List({graph, graph, graph})));
  EXPECT_THAT(io::MessageOf([&] { ReadPattern(Path("")); }), testing::HasSubstr("PATTERN_v2.pt has 1 lists of graphs"));
}

}  // namespace
}  // namespace orbit
