#include "kernels/alternatives.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>

#include "kernels/error.h"

namespace orbit::kernels {
namespace {

constexpr std::array kNames = {"attention_tensor_core", "transformer_layer_on_chip", "cublaslt", "cublaslt_epilogues"};

class Uses {
 public:
  Uses() {
    for (size_t i = 0; i < kNames.size(); ++i) used_[i] = i != static_cast<size_t>(Alternative::kCublasLtEpilogues);
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
      while (i < kNames.size() && name != kNames[i]) ++i;
      Check(i < kNames.size(), variable, ": there is no '", name, "'; known are ", kNames[0], ", ", kNames[1], ", ",
            kNames[2], " and ", kNames[3]);
      used_[i] = used;
    }
  }

  std::array<std::atomic<bool>, kNames.size()> used_;
};

Uses& TheUses() {
  static Uses uses;
  return uses;
}

}  // namespace

bool IsUsed(Alternative alternative) { return TheUses()[alternative]; }

void SetUsed(Alternative alternative, bool used) { TheUses()[alternative] = used; }

}  // namespace orbit::kernels
