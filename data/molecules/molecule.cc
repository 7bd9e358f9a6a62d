#include "data/molecules/molecule.h"

#include <GraphMol/ChemTransforms/ChemTransforms.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <RDGeneral/RDLog.h>
#include <RDGeneral/versions.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <sstream>

namespace orbit {
namespace {

using RDKit::Atom;
using RDKit::Bond;

constexpr size_t kLongestSmiles = 20000;

// The place of a value among `known`, or the place after them.
template <class T>
uint8_t PlaceOf(T value, std::initializer_list<T> known) {
  return static_cast<uint8_t>(std::find(known.begin(), known.end(), value) - known.begin());
}

// The place of a value in the range [first, last], or the place after it.
uint8_t PlaceInRange(int64_t value, int64_t first, int64_t last) {
  return static_cast<uint8_t>((value < first || value > last ? last + 1 : value) - first);
}

// RDKit says why a SMILES is malformed only in its log, which all threads share: one thread at a time has it.
std::shared_mutex log_mutex;

std::string WhyMalformed(const std::string& smiles) {
  const std::unique_lock lock(log_mutex);
  std::ostringstream text;
  rdErrorLog = std::make_shared<boost::logging::rdLogger>(&text);
  try {
    delete RDKit::SmilesToMol(smiles);
  } catch (const std::exception&) {  // the log has it
  }
  rdErrorLog.reset();
  // Lines are "[12:34:56] SMILES Parse Error: REASON for input: 'SMILES'"; the first one has the reason.
  std::string reason = text.str();
  reason.resize(std::min(reason.find('\n'), reason.size()));
  constexpr std::string_view kBefore = "SMILES Parse Error: ";
  if (const size_t start = reason.find(kBefore); start != std::string::npos) reason.erase(0, start + kBefore.size());
  for (const char* after : {" while parsing: ", " for input: "})
    if (const size_t end = reason.rfind(after); end != std::string::npos) reason.resize(end);
  return reason.empty() ? "it does not parse" : reason;
}

// Calls f. RDKit's own exceptions become Error, with the SMILES.
template <class F>
auto OrError(const std::string& smiles, const F& f) {
  try {
    return f();
  } catch (const std::exception& error) {
    Fail("'", smiles, "': ", error.what());
  }
}

std::unique_ptr<RDKit::ROMol> Parse(const std::string& smiles) {
  Check(smiles.size() <= kLongestSmiles, "a SMILES of ", smiles.size(), " characters; at most ", kLongestSmiles,
        " are read");
  std::unique_ptr<RDKit::ROMol> molecule;
  OrError(smiles, [&] {
    const std::shared_lock lock(log_mutex);
    molecule.reset(RDKit::SmilesToMol(smiles));
  });
  Check(molecule != nullptr, "'", smiles, "': ", molecule ? "" : WhyMalformed(smiles));
  Check(molecule->getNumAtoms() > 0, "'", smiles, "' has no atoms");
  return molecule;
}

void AddAtom(const RDKit::ROMol& molecule, const Atom& atom, std::vector<uint8_t>& features) {
  features.insert(features.end(),
                  {PlaceInRange(atom.getAtomicNum(), 1, 118),
                   PlaceOf(atom.getChiralTag(), {Atom::CHI_UNSPECIFIED, Atom::CHI_TETRAHEDRAL_CW,
                                                 Atom::CHI_TETRAHEDRAL_CCW, Atom::CHI_OTHER}),
                   PlaceInRange(atom.getTotalDegree(), 0, 10), PlaceInRange(atom.getFormalCharge(), -5, 5),
                   PlaceInRange(atom.getTotalNumHs(), 0, 8), PlaceInRange(atom.getNumRadicalElectrons(), 0, 4),
                   PlaceOf(atom.getHybridization(), {Atom::SP, Atom::SP2, Atom::SP3, Atom::SP3D, Atom::SP3D2}),
                   static_cast<uint8_t>(atom.getIsAromatic()),
                   static_cast<uint8_t>(molecule.getRingInfo()->numAtomRings(atom.getIdx()) > 0)});
}

Molecule ToMolecule(const RDKit::ROMol& parsed) {
  Molecule molecule{.n = parsed.getNumAtoms()};
  molecule.atoms.reserve(molecule.n * kAtomFeatures);
  for (const Atom* atom : parsed.atoms()) AddAtom(parsed, *atom, molecule.atoms);
  molecule.edges.reserve(2 * parsed.getNumBonds());
  molecule.bonds.reserve(2 * parsed.getNumBonds() * kBondFeatures);
  for (const Bond* bond : parsed.bonds()) {
    const auto begin = static_cast<int32_t>(bond->getBeginAtomIdx()), end = static_cast<int32_t>(bond->getEndAtomIdx());
    const uint8_t type = PlaceOf(bond->getBondType(), {Bond::SINGLE, Bond::DOUBLE, Bond::TRIPLE, Bond::AROMATIC});
    const uint8_t stereo = PlaceOf(bond->getStereo(), {Bond::STEREONONE, Bond::STEREOZ, Bond::STEREOE, Bond::STEREOCIS,
                                                       Bond::STEREOTRANS, Bond::STEREOANY});
    for (const Edge& edge : {Edge{begin, end}, Edge{end, begin}}) {
      molecule.edges.push_back(edge);
      molecule.bonds.insert(molecule.bonds.end(), {type, stereo, static_cast<uint8_t>(bond->getIsConjugated())});
    }
  }
  return molecule;
}

}  // namespace

Molecule ParseSmiles(const std::string& smiles) {
  const std::unique_ptr<RDKit::ROMol> parsed = Parse(smiles);
  return OrError(smiles, [&] { return ToMolecule(*parsed); });
}

std::string WhyNoMolecule(const std::string& smiles) {
  try {
    ParseSmiles(smiles);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string MurckoScaffold(const std::string& smiles) {
  const std::unique_ptr<RDKit::ROMol> parsed = Parse(smiles);
  return OrError(smiles, [&] {
    const std::unique_ptr<RDKit::ROMol> scaffold(RDKit::MurckoDecompose(*parsed));
    return RDKit::MolToSmiles(*scaffold, /*doIsomericSmiles=*/false);
  });
}

std::string RdkitVersion() { return RDKit::rdkitVersion; }

}  // namespace orbit
