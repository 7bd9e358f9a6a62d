// Molecules in arrays, from SMILES or the cache, and their batches.
#include "data/molecules/molecule_graphs.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <numeric>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

class MoleculeGraphsTest : public io::FileTest {
 protected:
  MoleculeGraphsTest() { setenv("ORBIT_CACHE", Path("cache").c_str(), 1); }
};

TEST_F(MoleculeGraphsTest, AreThoseOfTheirSmilesHoweverTheyCome) {
  std::vector<std::string> smiles;
  for (int i = 0; i < 100; ++i) smiles.insert(smiles.end(), {"CC(=O)O", "C1CC", "[Na+].[Cl-]", "c1ccccc1", ""});
  std::vector<double> shares;
  for (int round = 0; round < 2; ++round) {  // the second one is from the cache
    const MoleculeGraphs graphs = LoadMolecules(smiles, [&](double share) { shares.push_back(share); });
    ASSERT_EQ(graphs.size(), 500);
    EXPECT_EQ(graphs.total_atoms(), 100 * (4 + 2 + 6));
    EXPECT_EQ(graphs.total_edges(), 100 * (6 + 12));
    for (int64_t i = 0; i < graphs.size(); ++i) {
      const bool is_molecule = WhyNoMolecule(smiles[i]).empty();
      const Molecule molecule = is_molecule ? ParseSmiles(smiles[i]) : Molecule();
      EXPECT_EQ(graphs.n(i), molecule.n);
      EXPECT_THAT(graphs.atoms(i), ElementsAreArray(molecule.atoms));
      EXPECT_THAT(graphs.bonds(i), ElementsAreArray(molecule.bonds));
      ASSERT_EQ(graphs.edges(i).size(), molecule.edges.size());
      for (size_t e = 0; e < molecule.edges.size(); ++e) {
        EXPECT_EQ(graphs.edges(i)[e].source, molecule.edges[e].source);
        EXPECT_EQ(graphs.edges(i)[e].target, molecule.edges[e].target);
      }
    }
    EXPECT_EQ(shares.size(), 16u);  // of the first round
    EXPECT_EQ(shares.back(), 1);
    EXPECT_THROW(graphs.n(500), Error);
    EXPECT_THROW(graphs.atoms(-1), Error);
  }
}

TEST_F(MoleculeGraphsTest, VocabulariesHaveTheValuesThatOccur) {
  const MoleculeGraphs graphs = LoadMolecules({"CO", "N#N", "C=O"});
  const MoleculeVocabulary vocabulary = FindVocabulary(graphs, {0, 2});
  EXPECT_THAT(vocabulary.atoms,
              ElementsAre(ElementsAre(5, 7), ElementsAre(0), ElementsAre(1, 2, 3, 4), ElementsAre(5),
                          ElementsAre(0, 1, 2, 3), ElementsAre(0), ElementsAre(1, 2), ElementsAre(0), ElementsAre(0)));
  EXPECT_THAT(vocabulary.bonds, ElementsAre(ElementsAre(0, 1), ElementsAre(0), ElementsAre(0)));
  EXPECT_EQ(vocabulary.atom_channels(), 17);
  EXPECT_EQ(vocabulary.bond_channels(), 5);
  EXPECT_THAT(OutsideVocabulary(vocabulary, graphs, {0, 1, 2}), ElementsAre(1));
  EXPECT_EQ(PeptidesVocabulary().atom_channels(), 50);
  EXPECT_EQ(PeptidesVocabulary().bond_channels(), 8);
}

TEST_F(MoleculeGraphsTest, BatchesAreOneHot) {
  const MoleculeGraphs graphs = LoadMolecules({"C=O", "CCN", "C"});
  const MoleculeVocabulary vocabulary = FindVocabulary(graphs, {0, 1});
  const MoleculeBatch batch = MakeMoleculeBatch(graphs, {1, 0}, 4, vocabulary);
  const int64_t channels = vocabulary.atom_channels();
  ASSERT_EQ(batch.atoms.shape(), (Shape{2, 4, channels}));
  EXPECT_THAT(batch.num_nodes.ToVector<int32_t>(), ElementsAre(3, 2));
  const float* atoms = batch.atoms.data<float>();
  const auto row = [&](int64_t molecule, int64_t atom) {
    return std::vector<float>(atoms + (molecule * 4 + atom) * channels, atoms + (molecule * 4 + atom + 1) * channels);
  };
  // Atomic numbers 5, 6, 7; chirality; degrees 1, 3, 4; charge; hydrogens 0, 2, 3; radicals; SP2, SP3; aromatic; ring.
  ASSERT_EQ(channels, 3 + 1 + 3 + 1 + 3 + 1 + 2 + 1 + 1);
  std::vector<float> nitrogen(channels, 0);
  for (const int64_t place : {1, 3, 5, 7, 9, 11, 13, 14, 15}) nitrogen[place] = 1;
  EXPECT_EQ(row(0, 2), nitrogen);
  EXPECT_EQ(row(0, 3), std::vector<float>(channels, 0));
  // Edges come by their targets: 0-1, 1-2 of the first molecule, 0-1 of the second one, which is double.
  EXPECT_THAT(batch.edges.sources.ToVector<int32_t>(), ElementsAre(1, 0, 2, 1, 1, 0));
  ASSERT_EQ(batch.bonds.shape(), (Shape{6, 5}));
  const std::vector<float> bonds = batch.bonds.ToVector<float>();
  for (int e = 0; e < 6; ++e)
    EXPECT_THAT(std::vector<float>(bonds.begin() + 5 * e, bonds.begin() + 5 * e + 5),
                ElementsAre(1, e < 4, e >= 4, 1, 1))
        << e;
  EXPECT_THAT(io::MessageOf([&] { MakeMoleculeBatch(graphs, {1}, 2, vocabulary); }),
              HasSubstr("molecule 1 has 3 atoms, the model has room for 2"));
  // Its 4 hydrogens are unknown: zeros.
  const MoleculeBatch unknown = MakeMoleculeBatch(graphs, {2}, 1, vocabulary);
  EXPECT_THAT(OutsideVocabulary(vocabulary, graphs, {0, 1, 2}), ElementsAre(2));
  const std::vector<float> methane = unknown.atoms.ToVector<float>();
  EXPECT_EQ(std::accumulate(methane.begin(), methane.end(), 0.0f), 8);
  EXPECT_EQ(unknown.edges.edges(), 0);
}

}  // namespace
}  // namespace orbit
