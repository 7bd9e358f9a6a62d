// Splits of molecules.
#include "data/molecules/molecule_splits.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MoleculeSplitsTest : public io::FileTest {
 protected:
  MoleculeSplitsTest() { setenv("ORBIT_CACHE", Path("cache").c_str(), 1); }
};

TEST_F(MoleculeSplitsTest, MoleculesOfOneScaffoldStayTogether) {
  // Benzene thrice, cyclohexane twice, no ring four times, pyridine; a molecule that is left out.
  const std::vector<std::string> smiles = {"Cc1ccccc1", "CC",    "C1CCCCC1", "C(",        "Oc1ccccc1",     "CO",
                                           "c1ccccn1",  "CCCCC", "N",        "CC1CCCCC1", "c1ccccc1C(=O)C"};
  const std::vector<int64_t> numbers = {0, 1, 2, 4, 5, 6, 7, 8, 9, 10};
  for (int round = 0; round < 2; ++round) {  // the second one is from the cache
    EXPECT_THAT(ScaffoldSplits(smiles, numbers, 0.2, 0.1),
                ElementsAre(ElementsAre(0, 1, 4, 5, 7, 8, 10), ElementsAre(2, 9), ElementsAre(6)));
    // Those without rings do not fit where 4 of 10 are to be trained on, but then 3 of benzene do not fit beside them.
    EXPECT_THAT(ScaffoldSplits(smiles, numbers, 0.3, 0.3),
                ElementsAre(ElementsAre(1, 5, 7, 8), ElementsAre(0, 4, 10), ElementsAre(2, 6, 9)));
  }
  EXPECT_THAT(io::MessageOf([&] {
                ScaffoldSplits(smiles, {1, 5, 7, 8}, 0.2, 0.1);
              }),
              HasSubstr("4 of 4 molecules have the same scaffold"));
  EXPECT_THROW(ScaffoldSplits(smiles, numbers, 0.9, 0.1), Error);
}

TEST_F(MoleculeSplitsTest, FilesOfSplitsAreChecked) {
  const std::string path = Path("splits.pickle");
  const auto read = [&](const std::string& valid, const std::vector<int64_t>& numbers) {
    const auto array = [](const std::vector<int64_t>& of) {
      return python::Array({static_cast<int32_t>(of.size())}, python::Dtype("i8"), false, python::RawList(of));
    };
    io::WriteFile(
        path, python::PickleOf(python::Dict({{"train", array({2, 0})}, {valid, array(numbers)}, {"test", array({})}})));
    return ReadSplitFile(path, 4);
  };
  EXPECT_THAT(read("val", {3}), ElementsAre(ElementsAre(0, 2), ElementsAre(3), ElementsAre()));
  EXPECT_THAT(read("valid", {1}), ElementsAre(ElementsAre(0, 2), ElementsAre(1), ElementsAre()));
  for (const auto& [number, text] : {std::pair(4, "the split 'val' has the molecule 4 of 4"),
                                     {-1, "has the molecule -1 of 4"},
                                     {2, "in a split twice"}})
    EXPECT_THAT(io::MessageOf([&, n = number] { read("val", {n}); }), HasSubstr(text));
  EXPECT_THAT(io::MessageOf([&] { read("dev", {1}); }), HasSubstr("no array or list of numbers of the split 'valid'"));
}

}  // namespace
}  // namespace orbit
