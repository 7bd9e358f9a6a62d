// Molecules from SMILES, held to the features that OGB's definitions give in Python, on molecules of every kind.
#include "data/molecules/molecule.h"

#include <gmock/gmock.h>

#include <thread>

#include "data/io/text_lines.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::HasSubstr;

std::vector<int64_t> Numbers(std::string_view line) {
  std::vector<int64_t> numbers;
  while (!line.empty()) numbers.push_back(ParseNumber<int64_t>(NextWord(line), "molecules.txt", "number"));
  return numbers;
}

// Edges and bonds as in the file: source, target and features of each.
std::vector<int64_t> Flatten(const Molecule& molecule) {
  std::vector<int64_t> numbers;
  for (size_t e = 0; e < molecule.edges.size(); ++e) {
    numbers.insert(numbers.end(), {molecule.edges[e].source, molecule.edges[e].target});
    const auto bond = molecule.bonds.begin() + static_cast<int64_t>(e) * kBondFeatures;
    numbers.insert(numbers.end(), bond, bond + kBondFeatures);
  }
  return numbers;
}

// Of each molecule the file has four lines: its SMILES, its scaffold, its atoms and its bonds.
TEST(MoleculeTest, FeaturesAndScaffoldsAreThoseOfPython) {
  const std::string text = io::ReadFile("tests/data/molecules/testdata/molecules.txt");
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  ASSERT_EQ(lines.size() % 4, 0u);
  ASSERT_GE(lines.size() / 4, 30u);
  for (size_t i = 0; i < lines.size(); i += 4) {
    const Molecule molecule = ParseSmiles(lines[i]);
    EXPECT_EQ(MurckoScaffold(lines[i]), lines[i + 1]) << lines[i];
    EXPECT_EQ(std::vector<int64_t>(molecule.atoms.begin(), molecule.atoms.end()), Numbers(lines[i + 2])) << lines[i];
    EXPECT_EQ(Flatten(molecule), Numbers(lines[i + 3])) << lines[i];
    EXPECT_EQ(molecule.n * kAtomFeatures, static_cast<int64_t>(molecule.atoms.size()));
  }
}

TEST(MoleculeTest, WhatIsNoMoleculeIsSaid) {
  for (const auto& [smiles, reason] : {std::pair("C1CC", "unclosed ring"),
                                       {"CC(", "syntax error"},
                                       {"c1cccc1", "kekulize"},
                                       {"FC(F)(F)(F)F", "Explicit valence for atom # 1 C, 5"},
                                       {"hello", "syntax error"},
                                       {"", "has no atoms"}})
    EXPECT_THAT(io::MessageOf([&, smiles = smiles] { ParseSmiles(smiles); }), HasSubstr(reason)) << smiles;
  EXPECT_THAT(io::MessageOf([] { ParseSmiles(std::string(20001, 'C')); }), HasSubstr("20001 characters"));
  EXPECT_EQ(ParseSmiles(std::string(1000, 'C')).n, 1000);
}

TEST(MoleculeTest, ManyThreadsAndBadSmilesPrintNothing) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  const auto work = [] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(ParseSmiles("CC(=O)Oc1ccccc1C(=O)O").n, 13);
      EXPECT_THAT(io::MessageOf([] { ParseSmiles("C1CC"); }), HasSubstr("unclosed ring"));
      EXPECT_EQ(ParseSmiles("[U+7]").n, 1);  // of which RDKit warns
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace orbit
