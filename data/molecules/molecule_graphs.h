// Many molecules as graphs, one after another in a few arrays, and batches of them for models.
#ifndef ORBIT_DATA_MOLECULES_MOLECULE_GRAPHS_H_
#define ORBIT_DATA_MOLECULES_MOLECULE_GRAPHS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/molecules/molecule.h"
#include "data/packed_cache.h"
#include "data/share_done.h"
#include "engine/edge_lists.h"

namespace orbit {

class MoleculeGraphs {
 public:
  // Of arrays that PackMolecules has made.
  explicit MoleculeGraphs(PackedArrays arrays);

  int64_t size() const { return static_cast<int64_t>(atom_offsets_.size()) - 1; }
  // Of molecule i; see Molecule. Throw Error if there is no such molecule.
  int64_t n(int64_t i) const { return atom_offsets_[Checked(i) + 1] - atom_offsets_[i]; }
  std::span<const uint8_t> atoms(int64_t i) const {
    return atoms_.subspan(atom_offsets_[Checked(i)] * kAtomFeatures, n(i) * kAtomFeatures);
  }
  std::span<const Edge> edges(int64_t i) const {
    return edges_.subspan(edge_offsets_[Checked(i)], edge_offsets_[i + 1] - edge_offsets_[i]);
  }
  std::span<const uint8_t> bonds(int64_t i) const {
    return bonds_.subspan(edge_offsets_[Checked(i)] * kBondFeatures, edges(i).size() * kBondFeatures);
  }

  int64_t total_atoms() const { return atom_offsets_.back(); }
  int64_t total_edges() const { return edge_offsets_.back(); }

 private:
  int64_t Checked(int64_t i) const;

  PackedArrays arrays_;
  std::span<const int64_t> atom_offsets_, edge_offsets_;
  std::span<const uint8_t> atoms_, bonds_;
  std::span<const Edge> edges_;
};

// The arrays of molecules: atom_offsets, edge_offsets: i64 [molecules + 1]; atoms u8, edges i32 [edges, 2], bonds u8.
TensorMap PackMolecules(const std::vector<Molecule>& molecules);

// Parses SMILES on all threads, or takes them from the cache. One that is no molecule (ParseSmiles) gives n = 0.
MoleculeGraphs LoadMolecules(const std::vector<std::string>& smiles, const ShareDone& progress = {});

// The values of each feature that a model knows, in ascending order: each has a channel.
struct MoleculeVocabulary {
  std::vector<std::vector<int64_t>> atoms, bonds;  // [kAtomFeatures], [kBondFeatures]

  int64_t atom_channels() const;
  int64_t bond_channels() const;  // the first one is 1 for every bond

  bool operator==(const MoleculeVocabulary&) const = default;
};

// Those of the published data sets (Kim et al. 2023, section 3.4): all values up to the largest that occurs.
const MoleculeVocabulary& PeptidesVocabulary();
const MoleculeVocabulary& PcqmContactVocabulary();

// The values that occur in these molecules.
MoleculeVocabulary FindVocabulary(const MoleculeGraphs& graphs, const std::vector<int64_t>& numbers);

// Which of these molecules have values that it does not have.
std::vector<int64_t> OutsideVocabulary(const MoleculeVocabulary& vocabulary, const MoleculeGraphs& graphs,
                                       const std::vector<int64_t>& numbers);

// A model's input: molecules padded to n atoms each. A value that is not in the vocabulary has zeros.
struct MoleculeBatch {
  Tensor atoms;      // f32 [molecules, n, atom_channels], one-hot; 0 for padding
  Tensor num_nodes;  // i32 [molecules]
  EdgeLists edges;
  Tensor bonds;  // f32 [edges, bond_channels], one-hot, in the order of edges.sources
};

// Throws Error for a molecule of more than n atoms.
MoleculeBatch MakeMoleculeBatch(const MoleculeGraphs& graphs, const std::vector<int64_t>& numbers, int64_t n,
                                const MoleculeVocabulary& vocabulary);

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_MOLECULE_GRAPHS_H_
