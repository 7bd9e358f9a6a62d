// DataDigest: a few numbers by which an experiment's data are known again, by another rank or when a run is resumed.
#ifndef ORBIT_TOOLS_EXPERIMENTS_DATA_DIGEST_H_
#define ORBIT_TOOLS_EXPERIMENTS_DATA_DIGEST_H_

#include <string>
#include <vector>

#include "tools/experiments/experiment.h"

namespace orbit {

// Of every split: its size, and of the inputs and of the targets of up to 1,000 examples, spread over it evenly, a sum
// in which every value has a weight of its own, with the sum of the squares. Where examples are large there are fewer,
// so that a split's digest is of about 4 million values.
class DataDigest {
 public:
  explicit DataDigest(const Experiment& experiment);
  // Throws Error for a text that ToText did not write.
  static DataDigest Parse(const std::string& text);

  std::string ToText() const;
  const std::vector<double>& numbers() const { return numbers_; }
  static DataDigest FromNumbers(const std::vector<double>& numbers);

  // What is other than in the data of `before`, such as "the split train has 60 examples, not 50" or "the split test
  // has other targets"; "" where nothing is, beyond the rounding of data that are computed.
  std::string DifferenceFrom(const DataDigest& before) const;

 private:
  DataDigest() = default;

  std::vector<double> numbers_;  // kNumbers a split
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_DATA_DIGEST_H_
