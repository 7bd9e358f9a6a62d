#include "data/molecules/contacts.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <vector>

#include "data/io/pickled_graphs.h"
#include "data/io/sha256.h"

namespace orbit {
namespace {

constexpr std::array<const char*, kSplits.size()> kFiles = {"train.pt", "val.pt", "test.pt"};

struct Found {
  std::vector<Molecule> molecules;
  std::vector<int64_t> pair_offsets = {0};
  std::vector<int32_t> pairs;  // head, tail, in contact
  std::vector<int64_t> counts;
};

// A tensor [rows, columns] of small numbers.
std::vector<uint8_t> ReadValues(const PickledGraphs& file, int64_t i, const std::string& name, int64_t columns,
                                const std::vector<std::vector<int64_t>>& vocabulary) {
  const Tensor values = file.Attribute(i, name);
  Check(values.rank() == 2 && values.dim(1) == columns, "'", name, "' is ", values.Describe(), ", not [rows, ", columns,
        "]");
  std::vector<uint8_t> bytes;
  for (const int64_t value : values.ToVector<int64_t>()) {
    const int64_t column = static_cast<int64_t>(bytes.size()) % columns;
    Check(value >= 0 && value <= vocabulary[column].back(), "'", name, "' has the value ", value, " in column ", column,
          ", where ", vocabulary[column].size(), " values are known");
    bytes.push_back(static_cast<uint8_t>(value));
  }
  return bytes;
}

// A tensor [2, count] of nodes.
std::vector<Edge> ReadEnds(const PickledGraphs& file, int64_t i, const std::string& name, int64_t n) {
  const Tensor ends = file.Attribute(i, name);
  Check(ends.rank() == 2 && ends.dim(0) == 2, "'", name, "' is ", ends.Describe(), ", not [2, pairs]");
  const std::vector<int64_t> nodes = ends.ToVector<int64_t>();
  for (const int64_t node : nodes) Check(node >= 0 && node < n, "'", name, "' has atom ", node, " of ", n);
  const auto count = static_cast<size_t>(ends.dim(1));
  std::vector<Edge> edges;
  for (size_t e = 0; e < count; ++e)
    edges.push_back({static_cast<int32_t>(nodes[e]), static_cast<int32_t>(nodes[count + e])});
  return edges;
}

void AppendMolecule(const PickledGraphs& file, int64_t i, Found& found) {
  const MoleculeVocabulary& vocabulary = PcqmContactVocabulary();
  Molecule molecule;
  molecule.atoms = ReadValues(file, i, "x", kAtomFeatures, vocabulary.atoms);
  molecule.n = static_cast<int64_t>(molecule.atoms.size()) / kAtomFeatures;
  Check(molecule.n <= kLargestContactMolecule, "it has ", molecule.n, " atoms, more than ", kLargestContactMolecule);
  molecule.edges = ReadEnds(file, i, "edge_index", molecule.n);
  molecule.bonds = ReadValues(file, i, "edge_attr", kBondFeatures, vocabulary.bonds);
  Check(molecule.bonds.size() == molecule.edges.size() * kBondFeatures, "it has ", molecule.edges.size(),
        " edges, and attributes of ", molecule.bonds.size() / kBondFeatures);
  const std::vector<Edge> pairs = ReadEnds(file, i, "edge_label_index", molecule.n);
  const std::vector<double> labels = file.Attribute(i, "edge_label").ToVector<double>();
  Check(pairs.size() == labels.size(), "it has ", pairs.size(), " labelled pairs, and ", labels.size(), " labels");
  for (size_t p = 0; p < pairs.size(); ++p) {
    Check(labels[p] == 0 || labels[p] == 1, "a label is ", labels[p], ", neither 0 nor 1");
    found.pairs.insert(found.pairs.end(), {pairs[p].source, pairs[p].target, labels[p] == 1 ? 1 : 0});
  }
  found.pair_offsets.push_back(found.pair_offsets.back() + static_cast<int64_t>(pairs.size()));
  found.molecules.push_back(std::move(molecule));
}

void AppendFile(const std::string& path, Found& found, const ShareDone& progress) {
  const PickledGraphs file(path, {"x", "edge_attr", "edge_index", "edge_label_index", "edge_label"});
  for (int64_t i = 0; i < file.size(); ++i) {
    try {
      AppendMolecule(file, i, found);
    } catch (const Error& error) {
      Fail(path, ": molecule ", i, ": ", error.what());
    }
    if (progress) progress(static_cast<double>(i) / static_cast<double>(file.size()));
  }
  found.counts.push_back(file.size());
}

}  // namespace

Contacts::Contacts(const PackedArrays& arrays)
    : arrays_(arrays), graphs_(arrays), pair_offsets_(arrays_.Get<int64_t>("pair_offsets")) {
  const std::span<const int32_t> pairs = arrays_.Get<int32_t>("pairs");
  pairs_ = {reinterpret_cast<const ContactPair*>(pairs.data()), pairs.size() / 3};
  int64_t begin = 0;
  for (size_t split = 0; split < kSplits.size(); ++split) {
    splits_[split].resize(arrays_.Get<int64_t>("counts")[split]);
    std::iota(splits_[split].begin(), splits_[split].end(), begin);
    begin += static_cast<int64_t>(splits_[split].size());
  }
}

std::span<const ContactPair> Contacts::pairs(int64_t i) const {
  Check(i >= 0 && i < graphs_.size(), "molecule ", i, " of ", graphs_.size());
  return pairs_.subspan(pair_offsets_[i], pair_offsets_[i + 1] - pair_offsets_[i]);
}

Contacts ReadContacts(const std::string& folder, const ShareDone& progress) {
  Sha256 digest;
  for (const char* name : kFiles) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    Check(std::filesystem::exists(path), folder, " has no ", name,
          "; PCQM-Contact is published as train.pt, val.pt and test.pt");
    digest.Add(Sha256OfFile(path.string()));
  }
  const auto read = [&] {
    Found found;
    for (const char* name : kFiles) AppendFile((std::filesystem::path(folder) / name).string(), found, progress);
    TensorMap arrays = PackMolecules(found.molecules);
    const auto array = [](const auto& values) { return Tensor::From(values, {static_cast<int64_t>(values.size())}); };
    arrays["pair_offsets"] = array(found.pair_offsets);
    arrays["pairs"] = array(found.pairs);
    arrays["counts"] = array(found.counts);
    return arrays;
  };
  return Contacts(LoadPacked({.name = "pcqm-contact", .digest = digest.Hex(), .version = "1"}, read));
}

}  // namespace orbit
