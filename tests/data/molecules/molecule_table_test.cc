// Tables of molecules: what is predicted is told from the values, and what does not fit is refused with its place.
#include "data/molecules/molecule_table.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsNan;

class MoleculeTableTest : public io::FileTest {
 protected:
  MoleculeTargets Find(const std::string& text, const std::vector<std::string>& columns = {"y"},
                       std::optional<MoleculeTask> task = std::nullopt) {
    io::WriteFile(path_, text);
    return FindTargets(path_, columns, task);
  }
  // What a column y of these values is.
  std::string TaskOf(const std::vector<std::string>& values) {
    std::string text = "smiles,y\n";
    for (const std::string& value : values) text += "C," + value + "\n";
    const MoleculeTargets targets = Find(text);
    return NameOf(targets.task) + " " + std::to_string(targets.outputs());
  }
  std::string RefusalOf(const std::string& text, const MoleculeTargets& targets, const std::string& split = "") {
    io::WriteFile(path_, text);
    return io::MessageOf([&] { ReadMoleculeTable({.path = path_, .targets = targets, .split = split}); });
  }

  const std::string path_ = Path("t.csv");
};

TEST_F(MoleculeTableTest, ValuesTellTheTask) {
  EXPECT_EQ(TaskOf({"0", "1", "", "1"}), "classification 2");
  EXPECT_EQ(TaskOf({"0.0", "1.0", "nan"}), "classification 2");
  EXPECT_EQ(TaskOf({"-1", "1"}), "classification 2");
  EXPECT_EQ(TaskOf({"toxic", "safe", "unknown", "NA"}), "classification 3");
  EXPECT_EQ(TaskOf({"0.5", "1", "2"}), "regression 1");
  EXPECT_EQ(TaskOf({"1", "2", "3"}), "regression 1");
  std::vector<std::string> counted;
  for (int i = 0; i < 30; ++i) counted.push_back(std::to_string(i % 3));
  EXPECT_EQ(TaskOf(counted), "classification 3");
  for (std::string& value : counted) value += "0";
  EXPECT_EQ(TaskOf(counted), "regression 1");
  for (std::string& value : counted) value.pop_back();
  counted.pop_back();
  EXPECT_EQ(TaskOf(counted), "regression 1");
  EXPECT_EQ(TaskOf({"1", "2", "ND"}), "classification 3");
  EXPECT_THAT(io::MessageOf([&] {
                TaskOf({"0.5", "1.5", ">100", "2"});
              }),
              testing::HasSubstr("t.csv:4: column 'y': '>100' is no number"));
  const std::string several = "smiles,a,b\nC,0,1\nC,true,\nC,1.0,False\n";
  EXPECT_EQ(Find(several, {"a", "b"}).task, MoleculeTask::kMultiLabel);
  EXPECT_EQ(Find("smiles,a,b\nC,0,1\nC,1,2\n", {"a", "b"}).task, MoleculeTask::kRegression);
  EXPECT_EQ(Find(several, {"b"}, MoleculeTask::kMultiLabel).outputs(), 1);
  EXPECT_EQ(Find("smiles,y\nC,0\nC,1\n", {"y"}, MoleculeTask::kRegression).task, MoleculeTask::kRegression);
}

TEST_F(MoleculeTableTest, ClassesComeInOrder) {
  EXPECT_THAT(Find("smiles,y\nC,10\nC,9.0\nC,10.0\n", {"y"}, MoleculeTask::kClassification).classes,
              ElementsAre("9", "10"));
  EXPECT_THAT(Find("smiles,y\nC,b\nC,a\nC,7\n").classes, ElementsAre("7", "a", "b"));
}

TEST_F(MoleculeTableTest, WhatIsNoTargetIsRefused) {
  const auto refusal = [&](const std::string& text, const std::vector<std::string>& columns,
                           std::optional<MoleculeTask> task = std::nullopt) {
    return io::MessageOf([&] { Find(text, columns, task); });
  };
  EXPECT_THAT(refusal("smiles,y\nC,1\n", {"x"}), HasSubstr("has no column 'x'; its columns are 'smiles', 'y'"));
  EXPECT_THAT(refusal("smiles,y\nC,\nC,NaN\n", {"y"}), HasSubstr("the column 'y' has no values"));
  EXPECT_THAT(refusal("smiles,y\nC,a\nC,a\n", {"y"}), HasSubstr("all molecules are of the class 'a'"));
  EXPECT_THAT(refusal("smiles,a,b\nC,1,0\n", {"a", "b"}, MoleculeTask::kClassification),
              HasSubstr("classes come in one column"));
  EXPECT_THAT(refusal("smiles,y\n", {}), HasSubstr("no column of targets"));
  std::string names = "smiles,y\n";
  for (int i = 0; i < 2000; ++i) names += "C,name" + std::to_string(i) + "\n";
  EXPECT_THAT(refusal(names, {"y"}), HasSubstr("more than 1000 different values"));
}

TEST_F(MoleculeTableTest, TargetsAndSplitsAreReadWithTheirLines) {
  io::WriteFile(
      path_, "id;SMILES;p;q;set\r\n1;C;0.5;;Train\r\n\r\n2;\"CC\";-1e3;2;val\r\n3;CCC;null;+3;TEST\r\n4;O;1;1;dev\r\n");
  MoleculeTableOptions options{
      .path = path_, .smiles = "SMILES", .targets = {MoleculeTask::kRegression, {"p", "q"}, {}}, .split = "set"};
  const MoleculeTable table = ReadMoleculeTable(options);
  EXPECT_THAT(table.smiles, ElementsAre("C", "CC", "CCC", "O"));
  EXPECT_THAT(table.lines, ElementsAre(2, 4, 5, 6));
  EXPECT_THAT(table.targets, ElementsAre(0.5, IsNan(), -1000, 2, IsNan(), 3, 1, 1));
  EXPECT_THAT(*table.splits, ElementsAre(ElementsAre(0), ElementsAre(1, 3), ElementsAre(2)));

  // What is to be predicted need not be there, or in part.
  io::WriteFile(path_, "SMILES,q\nC,1\nO,\n");
  options.split = "";
  EXPECT_THAT(io::MessageOf([&] { ReadMoleculeTable(options); }), HasSubstr("has no column 'p'"));
  options.targets_are_optional = true;
  EXPECT_THAT(ReadMoleculeTable(options).targets, ElementsAre(IsNan(), 1, IsNan(), IsNan()));
  io::WriteFile(path_, "SMILES\nC\nO\n");
  EXPECT_THAT(ReadMoleculeTable(options).targets, IsEmpty());
  EXPECT_FALSE(ReadMoleculeTable(options).splits);
}

TEST_F(MoleculeTableTest, WhatDoesNotFitIsRefusedWithItsPlace) {
  const MoleculeTargets numbers{MoleculeTask::kRegression, {"y"}, {}}, labels{MoleculeTask::kMultiLabel, {"y"}, {}},
      classes{MoleculeTask::kClassification, {"y"}, {"a", "b"}};
  EXPECT_THAT(RefusalOf("smiles,y\nC,1\nC,x\n", numbers), HasSubstr("t.csv:3: column 'y': 'x' is no number"));
  EXPECT_THAT(RefusalOf("smiles,y\nC,inf\n", numbers), HasSubstr("t.csv:2: column 'y': 'inf' is no number that"));
  EXPECT_THAT(RefusalOf("smiles,y\nC,1e200\n", numbers), HasSubstr("'1e200' is no number that f32 holds"));
  EXPECT_THAT(RefusalOf("smiles,y\nC,2\n", labels), HasSubstr("t.csv:2: column 'y': '2' is no label"));
  EXPECT_THAT(RefusalOf("smiles,y\nC,c\n", classes), HasSubstr("column 'y': the class 'c' is none of 'a', 'b'"));
  EXPECT_THAT(RefusalOf("smiles,y,s\nC,1,all\n", numbers, "s"), HasSubstr("column 's': 'all' is no split"));
  EXPECT_THAT(RefusalOf("smiles,y\n", numbers), HasSubstr("t.csv has no molecules"));
  EXPECT_THAT(RefusalOf("SMILES,y\nC,1\n", numbers), HasSubstr("no column 'smiles'; its columns are 'SMILES', 'y'"));
  EXPECT_THAT(RefusalOf("", numbers), HasSubstr("t.csv is empty"));
}

}  // namespace
}  // namespace orbit
