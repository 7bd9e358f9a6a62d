// PCQM-Contact of the Long Range Graph Benchmark (Dwivedi et al. 2022): 529,434 molecules of up to 53 atoms. Which
// atoms are close in space though many bonds apart?
#ifndef ORBIT_DATA_MOLECULES_CONTACTS_H_
#define ORBIT_DATA_MOLECULES_CONTACTS_H_

#include <span>
#include <string>

#include "data/molecules/molecule_graphs.h"
#include "data/split.h"

namespace orbit {

inline constexpr int64_t kLargestContactMolecule = 53;  // atoms

// A pair of atoms, of which it is known whether they are in contact.
struct ContactPair {
  int32_t head, tail;
  int32_t in_contact;  // 1 or 0
};

class Contacts {
 public:
  // Of the arrays of ReadContacts.
  explicit Contacts(const PackedArrays& arrays);

  const MoleculeGraphs& graphs() const { return graphs_; }
  const SplitNumbers& splits() const { return splits_; }
  // Of molecule i; throws Error if there is no such molecule.
  std::span<const ContactPair> pairs(int64_t i) const;

 private:
  PackedArrays arrays_;
  MoleculeGraphs graphs_;
  std::span<const int64_t> pair_offsets_;
  std::span<const ContactPair> pairs_;
  SplitNumbers splits_;
};

// From the published files train.pt, val.pt and test.pt of a folder: lists of (x, edge_attr, edge_index,
// edge_label_index, edge_label), or PyTorch Geometric's data of these attributes. They are kept in the cache. Throws
// Error, with the file and the number of the molecule in it, for what is missing, does not fit, has more than 53 atoms
// or a value that PcqmContactVocabulary does not have.
Contacts ReadContacts(const std::string& folder, const ShareDone& progress = {});

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_CONTACTS_H_
