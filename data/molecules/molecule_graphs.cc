#include "data/molecules/molecule_graphs.h"

#include <algorithm>
#include <array>
#include <bitset>
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

using Words = std::vector<std::vector<int64_t>>;  // the values of each feature

int64_t CountOf(const Words& words) {
  int64_t count = 0;
  for (const std::vector<int64_t>& values : words) count += static_cast<int64_t>(values.size());
  return count;
}

// All values of each feature below a width.
Words WordsBelow(const std::vector<int64_t>& widths) {
  Words words;
  for (const int64_t width : widths) {
    std::vector<int64_t>& values = words.emplace_back(width);
    std::iota(values.begin(), values.end(), 0);
  }
  return words;
}

// The channel of every value of every feature, or -1.
class Channels {
 public:
  explicit Channels(const Words& words) : features_(words.size()) {
    int16_t channel = 0;
    for (size_t f = 0; f < words.size(); ++f) {
      features_[f].fill(-1);
      for (const int64_t value : words[f]) features_[f].at(value) = channel++;
    }
  }

  // Sets a row, which is zero, for the features of an atom or a bond.
  void OneHot(const uint8_t* values, float* row) const {
    for (size_t f = 0; f < features_.size(); ++f)
      if (const int16_t channel = features_[f][values[f]]; channel >= 0) row[channel] = 1;
  }
  bool Have(std::span<const uint8_t> values) const {
    for (size_t i = 0; i < values.size(); ++i)
      if (features_[i % features_.size()][values[i]] < 0) return false;
    return true;
  }

 private:
  std::vector<std::array<int16_t, 256>> features_;
};

// The values that occur, of so many features.
class Occurring {
 public:
  explicit Occurring(int64_t features) : features_(features) {}
  void Add(std::span<const uint8_t> values) {
    for (size_t i = 0; i < values.size(); ++i) features_[i % features_.size()].set(values[i]);
  }
  Words Values() const {
    Words words(features_.size());
    for (size_t f = 0; f < features_.size(); ++f)
      for (int64_t value = 0; value < 256; ++value)
        if (features_[f][value]) words[f].push_back(value);
    return words;
  }

 private:
  std::vector<std::bitset<256>> features_;
};

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
  MoleculeGraphs graphs(
      LoadPacked({.name = "molecules", .digest = DigestOf(smiles), .version = "RDKit " + RdkitVersion() + ", OGB 2"},
                 [&] { return PackMolecules(ParseAll(smiles, progress)); }));
  Check(graphs.size() == static_cast<int64_t>(smiles.size()), "the cache has ", graphs.size(), " molecules of ",
        smiles.size());
  return graphs;
}

int64_t MoleculeVocabulary::atom_channels() const { return CountOf(atoms); }
int64_t MoleculeVocabulary::bond_channels() const { return 1 + CountOf(bonds); }

const MoleculeVocabulary& PeptidesVocabulary() {
  static const MoleculeVocabulary vocabulary = {WordsBelow({17, 3, 7, 7, 5, 1, 6, 2, 2}), WordsBelow({4, 1, 2})};
  return vocabulary;
}

const MoleculeVocabulary& PcqmContactVocabulary() {
  static const MoleculeVocabulary vocabulary = {WordsBelow({35, 3, 7, 7, 2, 4, 6, 2, 2}), WordsBelow({4, 1, 1})};
  return vocabulary;
}

MoleculeVocabulary FindVocabulary(const MoleculeGraphs& graphs, const std::vector<int64_t>& numbers) {
  Occurring atoms(kAtomFeatures), bonds(kBondFeatures);
  for (const int64_t number : numbers) {
    atoms.Add(graphs.atoms(number));
    bonds.Add(graphs.bonds(number));
  }
  return {atoms.Values(), bonds.Values()};
}

std::vector<int64_t> OutsideVocabulary(const MoleculeVocabulary& vocabulary, const MoleculeGraphs& graphs,
                                       const std::vector<int64_t>& numbers) {
  const Channels atoms(vocabulary.atoms), bonds(vocabulary.bonds);
  std::vector<int64_t> outside;
  for (const int64_t number : numbers)
    if (!atoms.Have(graphs.atoms(number)) || !bonds.Have(graphs.bonds(number))) outside.push_back(number);
  return outside;
}

MoleculeBatch MakeMoleculeBatch(const MoleculeGraphs& graphs, const std::vector<int64_t>& numbers, int64_t n,
                                const MoleculeVocabulary& vocabulary) {
  const auto count = static_cast<int64_t>(numbers.size());
  const int64_t atom_channels = vocabulary.atom_channels(), bond_channels = vocabulary.bond_channels();
  const Channels atom_places(vocabulary.atoms), bond_places(vocabulary.bonds);
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
      atom_places.OneHot(atoms.data() + i * kAtomFeatures, batch.atoms.data<float>() + (g * n + i) * atom_channels);
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
    bond_places.OneHot(bonds[given[e]], row + 1);
  }
  return batch;
}

}  // namespace orbit
