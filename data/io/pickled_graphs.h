// Graphs that Python programs pickled: of PyTorch Geometric, or as plain dictionaries.
#ifndef ORBIT_DATA_IO_PICKLED_GRAPHS_H_
#define ORBIT_DATA_IO_PICKLED_GRAPHS_H_

#include <map>
#include <string>
#include <vector>

#include "data/io/pickle_file.h"

namespace orbit {

// Attributes of graphs by name: "x", "edge_index", "y" and whatever else there is. The file (pickle_file.h) holds one
// of
//
//   a list of PyTorch Geometric's Data objects, of version 1 or 2, or of dictionaries;
//   a data set's processed/data.pt: (data, slices) or (data, slices, class), where data, an object or a dictionary, has
//   the graphs' attributes one after the other, and slices where each graph's begin.
//
// Throws Error with the file and what it holds where that is something else.
class PickledGraphs {
 public:
  explicit PickledGraphs(const std::string& path);

  int64_t size() const { return size_; }
  // A graph's attribute, a tensor or an array. Throws Error, naming the attribute, where there is none or where it is
  // none.
  Tensor Attribute(int64_t graph, const std::string& name) const;

 private:
  const PickleValue& Find(const PickleValue& data, const std::string& name) const;
  Tensor ToTensor(const PickleValue& value, const std::string& name) const;

  PickleFile file_;
  const PickleValue* slices_ = nullptr;  // of collated graphs: a dictionary
  int64_t size_ = 0;
  // Collated attributes, and where each graph's begin, as far as they were asked for.
  struct Collated {
    Tensor values;
    std::vector<int64_t> begins;
  };
  mutable std::map<std::string, Collated> collated_;
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLED_GRAPHS_H_
