// Splits of molecules, by a file or by their scaffolds.
#ifndef ORBIT_DATA_MOLECULES_MOLECULE_SPLITS_H_
#define ORBIT_DATA_MOLECULES_MOLECULE_SPLITS_H_

#include <string>
#include <vector>

#include "data/share_done.h"
#include "data/split.h"

namespace orbit {

// Reads a file of pickle.dump: a dictionary of arrays or lists train, val (or valid) and test of numbers of molecules,
// as published for Peptides. Throws Error, with the file, for other contents, and for numbers below 0, beyond `count`
// or that come twice.
SplitNumbers ReadSplitFile(const std::string& path, int64_t count);

// Splits those of the molecules that `numbers` names so that molecules of one Bemis-Murcko scaffold, and those without
// rings, stay together: sets of molecules with the same scaffold come in falling order of size, those of one size in
// the order of their first molecules, and each goes to the first of train, valid, test that has room for all of it by
// the shares (DeepChem's ScaffoldSplitter). Scaffolds are found on all threads and cached. Throws Error if a share is
// negative, or none are left to train on.
SplitNumbers ScaffoldSplits(const std::vector<std::string>& smiles, const std::vector<int64_t>& numbers, double valid,
                            double test, const ShareDone& progress = {});

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_MOLECULE_SPLITS_H_
