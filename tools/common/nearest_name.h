// Suggests the name that was probably meant.
#ifndef ORBIT_TOOLS_COMMON_NEAREST_NAME_H_
#define ORBIT_TOOLS_COMMON_NEAREST_NAME_H_

#include <string>
#include <string_view>
#include <vector>

namespace orbit {

// The number of insertions, deletions, replacements and swaps of neighbours that turn a into b.
int EditDistance(std::string_view a, std::string_view b);

// "; did you mean 'NAME'?" with the nearest of the names or, if none is near, "; known: NAMES".
std::string DidYouMean(std::string_view name, const std::vector<std::string>& names);

// The same for a setting's key (data.path), for which other frameworks may have another name (lr, batch_size): then all
// keys that it may mean are named.
std::string DidYouMeanKey(std::string_view key, const std::vector<std::string>& keys);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_NEAREST_NAME_H_
