// The Peptides data sets: small tables of the published form, and the published files, if the folder named by
// ORBIT_SHARED has them:
//   bazel test //tests/data/molecules:peptides_test --test_env=ORBIT_SHARED=FOLDER
#include "data/molecules/peptides.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class PeptidesTest : public io::FileTest {
 protected:
  PeptidesTest() {
    setenv("ORBIT_CACHE", Path("cache").c_str(), 1);
    WriteSplits({2, 0}, {1}, {});
  }

  void WriteSplits(const std::vector<int64_t>& train, const std::vector<int64_t>& valid,
                   const std::vector<int64_t>& test) {
    std::vector<std::pair<std::string, python::Value>> splits;
    for (const auto& [name, numbers] : {std::pair("train", train), {"val", valid}, {"test", test}})
      splits.emplace_back(name, python::Array({static_cast<int32_t>(numbers.size())}, python::Dtype("i8"), false,
                                              python::RawList(numbers)));
    io::WriteFile(splits_, python::PickleOf(python::Dict(splits)));
  }
  Peptides Func(const std::string& rows) {
    io::WriteFile(table_, ",smiles,peptide_seq,labels,identifier\n" + rows);
    return LoadPeptidesFunc(table_, splits_);
  }
  std::string RefusalOf(const std::string& rows) {
    return io::MessageOf([&] { Func(rows); });
  }

  const std::string table_ = Path("table.csv"), splits_ = Path("splits.pickle");
  const std::string rows_ =
      "0,NCC(=O)O,G,\"[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]\",4\n"
      "1,C[C@H](N)C(=O)O,A,\"[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]\",5\n"
      "2,NCC(=O)NCC(=O)O,GG,\"[1, 1, 0, 0, 0, 0, 0, 0, 0, 1]\",6\n";
};

TEST_F(PeptidesTest, FuncHasLabelsAndSplits) {
  const Peptides peptides = Func(rows_);
  EXPECT_EQ(peptides.graphs.n(2), 9);
  ASSERT_EQ(peptides.targets.shape(), (Shape{3, 10}));
  EXPECT_THAT(peptides.targets.Rows(2, 3).ToVector<float>(), ElementsAre(1, 1, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_THAT(peptides.splits, ElementsAre(ElementsAre(0, 2), ElementsAre(1), ElementsAre()));
}

TEST_F(PeptidesTest, StructIsStandardisedOverAllMolecules) {
  std::string header = "smiles", row;
  for (const std::string& name : PeptideProperties()) header += "," + name;
  for (const auto& [smiles, value] : {std::pair("C", 1), {"CC", 2}, {"CCC", 6}}) {
    row += std::string("\n") + smiles;
    for (int i = 0; i < 11; ++i) row += "," + std::to_string(value * (i + 1));
  }
  io::WriteFile(table_, header + row);
  const Peptides peptides = LoadPeptidesStruct(table_, splits_);
  ASSERT_EQ(peptides.targets.shape(), (Shape{3, 11}));
  const double deviation = std::sqrt((4 + 1 + 9) / 2.0);  // of 1, 2, 6, whose mean is 3
  for (int i = 0; i < 11; ++i) EXPECT_NEAR(peptides.targets.ToVector<float>()[22 + i], 3 / deviation, 1e-6);
  io::WriteFile(table_, header + "\nC,1,2,3,4,5,6,7,8,9,10,x");
  EXPECT_THAT(io::MessageOf([&] { LoadPeptidesStruct(table_, splits_); }),
              HasSubstr("table.csv:2: column 'Plane_best_fit': 'x' is no number"));
}

TEST_F(PeptidesTest, WhatDoesNotFitIsRefused) {
  const std::string labels = ",\"[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]\",4\n";
  EXPECT_THAT(RefusalOf(rows_ + "3,NCC(,G" + labels), HasSubstr("table.csv:5: column 'smiles': 'NCC(': syntax error"));
  EXPECT_THAT(RefusalOf(rows_ + "3,[U]C,G" + labels),
              HasSubstr("table.csv:5: column 'smiles': '[U]C' has an atom or a bond as no peptide has"));
  EXPECT_THAT(RefusalOf(rows_ + "3," + std::string(445, 'C') + ",G" + labels),
              AllOf(HasSubstr("table.csv:5: column 'smiles': 'CCC"), HasSubstr("has 445 atoms, more than the 444")));
  EXPECT_THAT(RefusalOf("0,C,G,[0 0],1\n"), HasSubstr("table.csv:2: column 'labels': '0 0' is no label"));
  EXPECT_THAT(RefusalOf("0,C,G,\"[0, 0, 0, 0, 0, 0, 0, 0, 0, 2]\",1\n"), HasSubstr("2 is no label"));
  EXPECT_THAT(RefusalOf("0,C,G,\"[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\",1\n"), HasSubstr("more than 10 labels"));
  EXPECT_THAT(RefusalOf("0,C,G,0,1\n"), HasSubstr("'0' is no list"));
  EXPECT_THAT(RefusalOf(""), HasSubstr("no peptides follow"));
  io::WriteFile(table_, "smile,labels\nC,[]\n");
  EXPECT_THAT(io::MessageOf([&] { LoadPeptidesFunc(table_, splits_); }),
              HasSubstr("has no column 'smiles'; its columns are 'smile', 'labels'"));
  WriteSplits({0, 1}, {2}, {3});
  EXPECT_THAT(RefusalOf(rows_), HasSubstr("splits.pickle: the split 'test' has the molecule 3 of 3"));
  WriteSplits({0, 1}, {1}, {});
  EXPECT_THAT(RefusalOf(rows_), HasSubstr("splits.pickle: the molecule 1 is in a split twice"));
  io::WriteFile(splits_, python::PickleOf(python::Dict({{"train", python::Int(1)}})));
  EXPECT_THAT(RefusalOf(rows_), HasSubstr("splits.pickle has no array or list of numbers of the split 'train'"));
}

TEST_F(PeptidesTest, ThePublishedFilesHaveThePublishedCounts) {
  const char* shared = std::getenv("ORBIT_SHARED");
  const std::string folder = std::string(shared ? shared : "") + "/data/peptides/";
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << "no published peptides: ORBIT_SHARED does not name their folder";
  const auto load = [&] {
    const auto start = std::chrono::steady_clock::now();
    Peptides peptides = LoadPeptidesFunc(folder + "peptide_multi_class_dataset.csv.gz",
                                         folder + "splits_random_stratified_peptide.pickle");
    std::printf("%.2f seconds\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return peptides;
  };
  load();
  const Peptides peptides = load();  // from the cache
  const MoleculeGraphs& graphs = peptides.graphs;
  EXPECT_EQ(graphs.size(), 15535);
  EXPECT_EQ(graphs.total_atoms(), 2344859);
  EXPECT_EQ(graphs.total_edges(), 4773974);
  EXPECT_THAT(peptides.splits, ElementsAre(testing::SizeIs(10873), testing::SizeIs(2331), testing::SizeIs(2331)));
  int64_t largest = 0;
  std::vector<int64_t> all(graphs.size());
  std::iota(all.begin(), all.end(), 0);
  for (const int64_t i : all) largest = std::max(largest, graphs.n(i));
  EXPECT_EQ(largest, kLargestPeptide);
  EXPECT_THAT(OutsideVocabulary(PeptidesVocabulary(), graphs, all), ElementsAre());
  const MoleculeVocabulary found = FindVocabulary(graphs, all), published = PeptidesVocabulary();
  for (int f = 0; f < kAtomFeatures; ++f) EXPECT_EQ(found.atoms[f].back(), published.atoms[f].back()) << f;
  for (int f = 0; f < kBondFeatures; ++f) EXPECT_EQ(found.bonds[f].back(), published.bonds[f].back()) << f;
}

}  // namespace
}  // namespace orbit
