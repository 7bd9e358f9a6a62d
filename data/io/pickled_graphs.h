// Graphs pickled by Python programs, from PyTorch Geometric or as plain dictionaries.
#ifndef ORBIT_DATA_IO_PICKLED_GRAPHS_H_
#define ORBIT_DATA_IO_PICKLED_GRAPHS_H_

#include <map>
#include <string>
#include <vector>

#include "data/io/pickle_file.h"

namespace orbit {

// Gives graphs' attributes by name: "x", "edge_index", "y" and any others. The file (pickle_file.h) holds either
//
//   a list of PyTorch Geometric's Data objects, of version 1 or 2, of dictionaries, or of tuples whose items' names are
//   given;
//   a list or tuple of such lists, of the splits of a data set say, whose graphs are numbered throughout; or
//   a data set's processed/data.pt: (data, slices) or (data, slices, class), where data, an object or a dictionary, has
//   the concatenated attributes of the graphs, and slices says where each graph's begin.
//
// Throws Error, with the file and its contents, for anything else.
class PickledGraphs {
 public:
  explicit PickledGraphs(const std::string& path, std::vector<std::string> names_in_tuples = {});

  int64_t size() const { return size_; }
  // The sizes of the lists in the file; of graphs that are in one, that of all.
  const std::vector<int64_t>& list_sizes() const { return list_sizes_; }
  // A graph's attribute, which must be a tensor or an array. Throws Error, with the attribute's name, if it is missing
  // or something else.
  Tensor Attribute(int64_t graph, const std::string& name) const;

 private:
  const PickleValue& Find(const PickleValue& data, const std::string& name) const;
  Tensor ToTensor(const PickleValue& value, const std::string& name) const;

  PickleFile file_;
  std::vector<std::string> names_in_tuples_;
  std::vector<const PickleValue*> graphs_;  // of lists
  const PickleValue* slices_ = nullptr;     // of collated graphs: a dictionary
  int64_t size_ = 0;
  std::vector<int64_t> list_sizes_;
  // Collated attributes that have been requested, and where each graph's begin.
  struct Collated {
    Tensor values;
    std::vector<int64_t> begins;
  };
  mutable std::map<std::string, Collated> collated_;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLED_GRAPHS_H_
