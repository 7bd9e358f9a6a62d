#include "tools/common/nearest_name.h"

#include <algorithm>

namespace orbit {

int EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> distance(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        distance[i][j] = static_cast<int>(i + j);
        continue;
      }
      distance[i][j] = std::min(
          {distance[i - 1][j] + 1, distance[i][j - 1] + 1, distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
    }
  return distance[a.size()][b.size()];
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& names) {
  const std::string* nearest = nullptr;
  int least = std::max<int>(2, static_cast<int>(name.size()) / 2) + 1;
  for (const std::string& candidate : names) {
    // Leaving out the path before the last dot is the commonest slip with keys.
    const bool same_leaf = candidate.size() > name.size() && candidate.ends_with(name) &&
                           candidate[candidate.size() - name.size() - 1] == '.';
    const int distance = same_leaf ? 1 : EditDistance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = &candidate;
  }
  if (nearest) return "; did you mean '" + *nearest + "'?";
  std::string known;
  for (const std::string& candidate : names) known += (known.empty() ? "; known: " : ", ") + candidate;
  return known;
}

}  // namespace orbit
