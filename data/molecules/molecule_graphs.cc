#include "data/molecules/molecule_graphs.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/molecules/smiles_list.h"

namespace orbit {
namespace {

template <class T>
Tensor ToTensor(const std::vector<T>& values, int64_t columns) {
  return Tensor::From(values, {static_cast<int64_t>(values.size()) / columns, columns});
}

std::vector<Molecule> ParseAll(const std::vector<std::string>& smiles, const ShareDone& progress) {
  std::vector<Molecule> molecules(smiles.size());
  const auto parse = [&](int64_t i) {
    try {
      molecules[i] = ParseSmiles(smiles[i]);
    } catch (const Error&) {  // stays without atoms
    }
  };
  ForEachSmiles(static_cast<int64_t>(smiles.size()), parse, progress);
  return molecules;
}

int64_t Sum(const std::vector<int64_t>& widths) { return std::accumulate(widths.begin(), widths.end(), int64_t{0}); }

// Raises each width above the values of its column.
void Extend(std::span<const uint8_t> values, std::vector<int64_t>& widths) {
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t& width = widths[i % widths.size()];
    width = std::max<int64_t>(width, values[i] + 1);
  }
}

bool AreWithin(std::span<const uint8_t> values, const std::vector<int64_t>& widths) {
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] >= widths[i % widths.size()]) return false;
  return true;
}

// Sets the channel of each feature's value, in a row that is zero; those of a feature follow those of the one before.
void OneHot(const uint8_t* values, const std::vector<int64_t>& widths, float* row) {
  for (size_t f = 0; f < widths.size(); row += widths[f++])
    if (values[f] < widths[f]) row[values[f]] = 1;
}

}  // namespace

MoleculeGraphs::MoleculeGraphs(PackedArrays arrays)
    : arrays_(std::move(arrays)),
      atom_offsets_(arrays_.Get<int64_t>("atom_offsets")),
      edge_offsets_(arrays_.Get<int64_t>("edge_offsets")),
      atoms_(arrays_.Get<uint8_t>("atoms")),
      bonds_(arrays_.Get<uint8_t>("bonds")) {
  const std::span<const int32_t> ends = arrays_.Get<int32_t>("edges");
  edges_ = {reinterpret_cast<const Edge*>(ends.data()), ends.size() / 2};
}

int64_t MoleculeGraphs::Checked(int64_t i) const {
  Check(i >= 0 && i < size(), "molecule ", i, " of ", size());
  return i;
}

TensorMap PackMolecules(const std::vector<Molecule>& molecules) {
  std::vector<int64_t> atom_offsets = {0}, edge_offsets = {0};
  std::vector<uint8_t> atoms, bonds;
  std::vector<int32_t> ends;
  for (const Molecule& molecule : molecules) {
    atom_offsets.push_back(atom_offsets.back() + molecule.n);
    edge_offsets.push_back(edge_offsets.back() + static_cast<int64_t>(molecule.edges.size()));
    atoms.insert(atoms.end(), molecule.atoms.begin(), molecule.atoms.end());
    bonds.insert(bonds.end(), molecule.bonds.begin(), molecule.bonds.end());
    for (const Edge& edge : molecule.edges) ends.insert(ends.end(), {edge.source, edge.target});
  }
  return {{"atom_offsets", ToTensor(atom_offsets, 1)},
          {"edge_offsets", ToTensor(edge_offsets, 1)},
          {"atoms", ToTensor(atoms, kAtomFeatures)},
          {"edges", ToTensor(ends, 2)},
          {"bonds", ToTensor(bonds, kBondFeatures)}};
}

MoleculeGraphs LoadMolecules(const std::vector<std::string>& smiles, const ShareDone& progress) {
  return MoleculeGraphs(
      LoadPacked({.name = "molecules", .digest = DigestOf(smiles), .version = "RDKit " + RdkitVersion() + ", OGB 1"},
                 [&] { return PackMolecules(ParseAll(smiles, progress)); }));
}

int64_t MoleculeVocabulary::atom_channels() const { return Sum(atoms); }
int64_t MoleculeVocabulary::bond_channels() const { return 1 + Sum(bonds); }

MoleculeVocabulary PeptidesVocabulary() { return {{17, 3, 7, 7, 5, 1, 6, 2, 2}, {4, 1, 2}}; }
MoleculeVocabulary PcqmContactVocabulary() { return {{35, 3, 7, 7, 2, 4, 6, 2, 2}, {4, 1, 1}}; }

MoleculeVocabulary FindVocabulary(const MoleculeGraphs& graphs, const std::vector<int64_t>& numbers) {
  MoleculeVocabulary vocabulary{std::vector<int64_t>(kAtomFeatures, 1), std::vector<int64_t>(kBondFeatures, 1)};
  for (const int64_t number : numbers) {
    Extend(graphs.atoms(number), vocabulary.atoms);
    Extend(graphs.bonds(number), vocabulary.bonds);
  }
  return vocabulary;
}

bool Covers(const MoleculeVocabulary& vocabulary, const MoleculeGraphs& graphs, int64_t number) {
  return AreWithin(graphs.atoms(number), vocabulary.atoms) && AreWithin(graphs.bonds(number), vocabulary.bonds);
}

MoleculeBatch MakeMoleculeBatch(const MoleculeGraphs& graphs, const std::vector<int64_t>& numbers, int64_t n,
                                const MoleculeVocabulary& vocabulary) {
  const auto count = static_cast<int64_t>(numbers.size());
  const int64_t atom_channels = vocabulary.atom_channels(), bond_channels = vocabulary.bond_channels();
  MoleculeBatch batch{.atoms = Tensor::Zeros({count, n, atom_channels}),
                      .num_nodes = Tensor::Empty({count}, DType::kI32)};
  std::vector<std::vector<Edge>> edges(count);
  std::vector<const uint8_t*> bonds;  // of every edge
  for (int64_t g = 0; g < count; ++g) {
    const int64_t size = graphs.n(numbers[g]);
    Check(size <= n, "molecule ", numbers[g], " has ", size, " atoms, the model has room for ", n);
    batch.num_nodes.data<int32_t>()[g] = static_cast<int32_t>(size);
    const std::span<const uint8_t> atoms = graphs.atoms(numbers[g]);
    for (int64_t i = 0; i < size; ++i)
      OneHot(atoms.data() + i * kAtomFeatures, vocabulary.atoms,
             batch.atoms.data<float>() + (g * n + i) * atom_channels);
    const std::span<const Edge> own = graphs.edges(numbers[g]);
    edges[g].assign(own.begin(), own.end());
    for (size_t e = 0; e < own.size(); ++e) bonds.push_back(graphs.bonds(numbers[g]).data() + e * kBondFeatures);
  }
  std::vector<int32_t> given;
  batch.edges = MakeEdgeLists(n, edges, &given);
  batch.bonds = Tensor::Zeros({batch.edges.edges(), bond_channels});
  for (int64_t e = 0; e < batch.edges.edges(); ++e) {
    float* row = batch.bonds.data<float>() + e * bond_channels;
    row[0] = 1;
    OneHot(bonds[given[e]], vocabulary.bonds, row + 1);
  }
  return batch;
}

}  // namespace orbit
