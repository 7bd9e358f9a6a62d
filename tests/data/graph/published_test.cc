// Tests on complete published files, if the folder named by ORBIT_SHARED has them:
//   bazel test //tests/data/graph:published_test --test_env=ORBIT_SHARED=FOLDER
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "data/graph/graph6.h"
#include "data/graph/graph_sets.h"
#include "data/io/pickle_file.h"

namespace orbit {
namespace {

// Empty if there is no such file.
std::string PublishedFile(const std::string& name) {
  const char* folder = std::getenv("ORBIT_SHARED");
  if (folder == nullptr) return "";
  const std::string path = std::string(folder) + "/data/" + name;
  return std::filesystem::exists(path) ? path : "";
}

std::vector<std::string> SortedLines(const std::vector<Graph>& graphs) {
  std::vector<std::string> lines;
  for (const Graph& graph : graphs) lines.push_back(FormatGraph6(graph));
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(PublishedTest, Exp) {
  const std::string path = PublishedFile("exp/GRAPHSAT.pkl");
  if (path.empty()) GTEST_SKIP() << "no GRAPHSAT.pkl";
  const std::vector<Graph> graphs = ReadExp(path);
  ASSERT_EQ(graphs.size(), 1200u);
  EXPECT_EQ(LargestGraph(graphs), 64);
  for (size_t i = 0; i < graphs.size(); i += 2) {
    ASSERT_EQ(graphs[i].n, graphs[i + 1].n) << i;
    ASSERT_EQ(graphs[i].edges.size(), graphs[i + 1].edges.size()) << i;
    ASSERT_NE(graphs[i].target, graphs[i + 1].target) << i;
    for (const float label : graphs[i].labels) ASSERT_TRUE(label == 0 || label == 1);
  }
}

TEST(PublishedTest, Graph8cIsWhatIsEnumerated) {
  const std::string path = PublishedFile("graph8c/graph8c.g6");
  if (path.empty()) GTEST_SKIP() << "no graph8c.g6";
  EXPECT_EQ(SortedLines(ReadGraph6(path)), SortedLines(EnumerateGraph8c()));
}

TEST(PublishedTest, SplitsOfPeptides) {
  const std::string path = PublishedFile("peptides/splits_random_stratified_peptide.pickle");
  if (path.empty()) GTEST_SKIP() << "no splits_random_stratified_peptide.pickle";
  const PickleFile file(path);
  std::vector<int64_t> all;
  for (const auto& [split, size] : {std::pair("train", 10873u), std::pair("val", 2331u), std::pair("test", 2331u)}) {
    const auto members = file.ToTensor(file.root().At(split, PickleValue::Kind::kObject)).ToVector<int64_t>();
    EXPECT_EQ(members.size(), size) << split;
    all.insert(all.end(), members.begin(), members.end());
  }
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i);
}

}  // namespace
}  // namespace orbit
