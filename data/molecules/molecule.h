// Molecules as graphs, from SMILES by RDKit, with the features of the Open Graph Benchmark.
#ifndef ORBIT_DATA_MOLECULES_MOLECULE_H_
#define ORBIT_DATA_MOLECULES_MOLECULE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/edge_lists.h"

namespace orbit {

inline constexpr int64_t kAtomFeatures = 9, kBondFeatures = 3;

// The graph that ogb.utils.smiles2graph makes (Hu et al., Open Graph Benchmark, 2020): atoms and bonds in RDKit's
// order, hydrogen left implicit, each bond as two edges that follow each other, first from its begin to its end. A
// feature is the place of a value in OGB's list of them; the last place of a list is for all other values.
//
//   atom: atomic number (place 0: hydrogen), chirality, degree with hydrogens, formal charge (place 5: none),
//   hydrogens,
//         radical electrons, hybridization (SP, SP2, SP3, SP3D, SP3D2), whether aromatic, whether in a ring
//   bond: type (single, double, triple, aromatic), stereo (none, Z, E, cis, trans, any), whether conjugated
struct Molecule {
  int64_t n = 0;               // atoms
  std::vector<uint8_t> atoms;  // [n, kAtomFeatures]
  std::vector<Edge> edges;
  std::vector<uint8_t> bonds;  // [edges, kBondFeatures]
};

// Throws Error, with RDKit's reason, for a SMILES that does not parse, breaks the rules of valence, has no atoms or
// more than 20,000 characters. Like all here, it may be called by several threads at once, and prints nothing.
Molecule ParseSmiles(const std::string& smiles);

// Why ParseSmiles refuses a SMILES; "" where it does not.
std::string WhyNoMolecule(const std::string& smiles);

// The canonical SMILES, without stereo, of a molecule's Bemis-Murcko scaffold: its rings and what links them. "" where
// there is no ring.
std::string MurckoScaffold(const std::string& smiles);

// Of RDKit, which decides what is aromatic: "2022.09.3".
std::string RdkitVersion();

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_MOLECULE_H_
