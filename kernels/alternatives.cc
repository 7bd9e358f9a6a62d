#include "kernels/alternatives.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>

#include "kernels/error.h"

namespace orbit::kernels {
namespace {

struct Description {
  const char* name;
  bool used;  // unless the environment says otherwise
};

// In the order of Alternative.
constexpr std::array kAlternatives = {Description{"attention_tensor_core", true},
                                      Description{"transformer_layer_on_chip", true},
                                      Description{"cublaslt", true},
                                      Description{"cublaslt_epilogues", false},
                                      Description{"attention_wgmma", false},
                                      Description{"timed_matmul", false}};

std::string Known() {
  std::string names;
  for (const Description& alternative : kAlternatives)
    names += (names.empty() ? "" : ", ") + std::string(alternative.name);
  return names;
}

class Uses {
 public:
  Uses() {
    for (size_t i = 0; i < kAlternatives.size(); ++i) used_[i] = kAlternatives[i].used;
    Read("ORBIT_WITHOUT", false);
    Read("ORBIT_WITH", true);
  }
  std::atomic<bool>& operator[](Alternative alternative) { return used_[static_cast<size_t>(alternative)]; }

 private:
  void Read(const char* variable, bool used) {
    const char* value = std::getenv(variable);
    std::istringstream names(value ? value : "");
    for (std::string name; std::getline(names, name, ',');) {
      size_t i = 0;
      while (i < kAlternatives.size() && name != kAlternatives[i].name) ++i;
      Check(i < kAlternatives.size(), variable, ": there is no '", name, "'; known are ", Known());
      used_[i] = used;
    }
  }

  std::array<std::atomic<bool>, kAlternatives.size()> used_;
};

Uses& TheUses() {
  static Uses uses;
  return uses;
}

}  // namespace

bool IsUsed(Alternative alternative) { return TheUses()[alternative]; }

void SetUsed(Alternative alternative, bool used) { TheUses()[alternative] = used; }

}  // namespace orbit::kernels
