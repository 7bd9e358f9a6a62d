// What is done with many SMILES at once.
#ifndef ORBIT_DATA_MOLECULES_SMILES_LIST_H_
#define ORBIT_DATA_MOLECULES_SMILES_LIST_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/share_done.h"

namespace orbit {

// Calls f(i) once for each of `count` SMILES, on all threads, and reports the share that is done.
void ForEachSmiles(int64_t count, const std::function<void(int64_t)>& f, const ShareDone& progress);

// The SHA-256 of a list, for the cache (data/packed_cache.h).
std::string DigestOf(const std::vector<std::string>& smiles);

}  // namespace orbit

#endif  // ORBIT_DATA_MOLECULES_SMILES_LIST_H_
