#include "tools/experiments/config.h"

#include <gmock/gmock.h>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::MessageOf;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ConfigSchema Schema() {
  ConfigSchema schema;
  schema.Int("seed", 0, "of all random numbers");
  schema.Int("train.batch", 100, "examples a step", {.min = 1, .max = 1000});
  schema.Double("train.learning_rate", 1e-3, "the largest", {.min = 0});
  schema.Bool("train.shuffle", true, "");
  schema.String("model.distribution", "learned", "of the group elements", {"learned", "haar", "canonical"});
  schema.String("run.directory", "", "where the run is kept");
  schema.IntList("model.widths", {8, 16}, "of the layers", {.min = 1});
  schema.DoubleList("data.scales", {}, "of the targets", {.min = 0});
  schema.StringList("data.targets", {}, "the columns");
  return schema;
}

// The error that a file with these settings causes.
std::string Refusal(const std::string& yaml) {
  Config config(Schema());
  return MessageOf([&] { config.MergeYaml(yaml, "my.yaml"); });
}

std::string RefusalToSet(const std::string& assignment) {
  Config config(Schema());
  return MessageOf([&] { config.Set(assignment); });
}

TEST(ConfigTest, HasDefaults) {
  const Config config(Schema());
  EXPECT_EQ(config.Int("train.batch"), 100);
  EXPECT_EQ(config.Double("train.learning_rate"), 1e-3);
  EXPECT_TRUE(config.Bool("train.shuffle"));
  EXPECT_EQ(config.String("model.distribution"), "learned");
  EXPECT_THAT(config.IntList("model.widths"), ElementsAre(8, 16));
}

TEST(ConfigTest, ReadsNestedAndDottedKeysAndKeepsTheRest) {
  Config config(Schema());
  config.MergeYaml("train:\n  batch: 50\n  shuffle: false\nmodel: {distribution: haar}\n", "a.yaml");
  config.MergeYaml("train.learning_rate: 5e-4\nmodel.widths: [4, 5, 6]\n", "b.yaml");
  config.MergeYaml("# nothing but a comment\n", "c.yaml");
  EXPECT_EQ(config.Int("train.batch"), 50);
  EXPECT_FALSE(config.Bool("train.shuffle"));
  EXPECT_EQ(config.String("model.distribution"), "haar");
  EXPECT_EQ(config.Double("train.learning_rate"), 5e-4);
  EXPECT_THAT(config.IntList("model.widths"), ElementsAre(4, 5, 6));
  EXPECT_EQ(config.Int("seed"), 0);
}

TEST(ConfigTest, ListsOfStringsAndNumbersComeBackAsTheyWere) {
  Config config(Schema());
  config.Set("data.targets=y");
  EXPECT_THAT(config.StringList("data.targets"), ElementsAre("y"));
  config.Set("data.targets=");
  EXPECT_THAT(config.StringList("data.targets"), IsEmpty());
  config.Set("data.targets=[a b, 'c, d', 'null', 1.0]");
  const std::vector<std::string> odd = {"a, b",          "\"q\"",   "x\ny", "null", "1.0", "", std::string(200, 'x'),
                                        " # no comment", "\xc3\xbc"};
  config.SetStringList("data.targets", odd);
  config.SetDoubleList("data.scales", {0.1, 1e300, 3});
  Config again(Schema());
  again.MergeYaml(config.ToYaml(), "a.yaml");
  EXPECT_EQ(again.StringList("data.targets"), odd);
  EXPECT_THAT(again.DoubleList("data.scales"), ElementsAre(0.1, 1e300, 3));
  EXPECT_THAT(Refusal("data.scales: [1, -1]"), HasSubstr("data.scales must be at least 0"));
  EXPECT_THAT(Refusal("data.scales: [1, [2]]"), HasSubstr("data.scales must be a list of numbers"));
  EXPECT_THAT(Refusal("data.targets: [{a: b}]"), HasSubstr("data.targets must be a list of strings"));
}

TEST(ConfigTest, ReadsNumbersAsTheyAreWritten) {
  Config config(Schema());
  const auto number = [&](const std::string& text) {
    config.Set("train.learning_rate=" + text);
    return config.Double("train.learning_rate");
  };
  EXPECT_EQ(number("1e-3"), 1e-3);
  EXPECT_EQ(number("2"), 2);
  EXPECT_EQ(number(".5"), 0.5);
  EXPECT_EQ(number("+1.0e-3"), 1e-3);
  EXPECT_EQ(number(".5e-9"), 5e-10);
  config.Set("seed=3.0");
  EXPECT_EQ(config.Int("seed"), 3);
  config.Set("seed=1e3");
  EXPECT_EQ(config.Int("seed"), 1000);
  config.Set("seed=-7");
  EXPECT_EQ(config.Int("seed"), -7);
}

TEST(ConfigTest, SetTakesYaml) {
  Config config(Schema());
  config.Set("model.widths=[1, 2]");
  EXPECT_THAT(config.IntList("model.widths"), ElementsAre(1, 2));
  config.Set("model.widths=[]");
  EXPECT_THAT(config.IntList("model.widths"), IsEmpty());
  config.Set("train={batch: 7, shuffle: no}");
  EXPECT_EQ(config.Int("train.batch"), 7);
  EXPECT_FALSE(config.Bool("train.shuffle"));
  config.Set("run.directory=/a=b");
  EXPECT_EQ(config.String("run.directory"), "/a=b");
  config.Set("run.directory=");
  EXPECT_EQ(config.String("run.directory"), "");
}

TEST(ConfigTest, ReadsBackWhatItWrites) {
  for (const std::string text :
       {"runs/a",  "",           "true",   "12",     "null", "~",  "a: b",  "a # b", "[x", "it's", "say \"hi\"",
        " space ", "two\nlines", "- dash", "*alias", "über", "%a", "C:\\x", "@",     "&",  "!t"}) {
    ConfigSchema schema = Schema();
    schema.String("text", text, "anything: with # and\t'");
    schema.Double("third", 1.0 / 3, "");
    schema.Double("large", 1e300, "");
    const Config written(schema);
    ConfigSchema blank = Schema();
    blank.String("text", "?", "");
    blank.Double("third", 0, "");
    blank.Double("large", 0, "");
    Config read(blank);
    read.MergeYaml(written.ToYaml(), "written");
    EXPECT_EQ(read.String("text"), text) << written.ToYaml();
    EXPECT_EQ(read.Double("third"), 1.0 / 3);
    EXPECT_EQ(read.Double("large"), 1e300);
    EXPECT_EQ(read.Int("train.batch"), 100);
    EXPECT_THAT(read.IntList("model.widths"), ElementsAre(8, 16));
  }
}

TEST(ConfigTest, WritesTheMeaningBesideTheValue) {
  const std::string yaml = Config(Schema()).ToYaml();
  EXPECT_THAT(yaml, HasSubstr("train.batch: 100"));
  EXPECT_THAT(yaml, HasSubstr("# examples a step\n"));
  EXPECT_THAT(yaml, HasSubstr("# of the group elements: learned, haar, canonical\n"));
}

TEST(ConfigTest, RefusesUnknownKeysWithTheNearest) {
  EXPECT_EQ(Refusal("seed: 1\ntrain:\n  bacth: 5\n"),
            "my.yaml:3: unknown key 'train.bacth'; did you mean 'train.batch'?");
  EXPECT_EQ(Refusal("batch: 5"), "my.yaml:1: unknown key 'batch'; did you mean 'train.batch'?");
  EXPECT_EQ(RefusalToSet("sede=1"), "'sede=1': unknown key 'sede'; did you mean 'seed'?");
  EXPECT_THAT(Refusal("train.batch.size: 5"), HasSubstr("unknown key 'train.batch.size'"));
}

TEST(ConfigTest, ReadsOneDocument) {
  EXPECT_THAT(Refusal("---\nseed: 1\n---\ntrain.batch: 5\n"), StartsWith("my.yaml:4: a second document"));
  EXPECT_THAT(Refusal("train:\n\tbatch: 5"), StartsWith("my.yaml:2: not YAML"));
  Config config(Schema());
  config.MergeYaml("--- # settings\nseed: 1\n...\n---\n", "my.yaml");
  EXPECT_EQ(config.Int("seed"), 1);
}

TEST(ConfigTest, RefusesOtherTypes) {
  EXPECT_EQ(Refusal("\ntrain.batch: many"), "my.yaml:2: train.batch must be an integer, got 'many'");
  EXPECT_THAT(Refusal("train.batch: 1.5"), HasSubstr("must be an integer, got '1.5'"));
  EXPECT_THAT(Refusal("train.batch: [1]"), HasSubstr("must be an integer, got a list"));
  EXPECT_THAT(Refusal("train.batch:"), HasSubstr("must be an integer, got nothing"));
  EXPECT_THAT(Refusal("train.batch: 99999999999999999999"), HasSubstr("must be an integer"));
  for (const char* number : {"+", "+-1", "++1", "+inf", "0x10"})
    EXPECT_THAT(Refusal("train.learning_rate: " + std::string(number)), HasSubstr("must be a number")) << number;
  EXPECT_THAT(Refusal("train.learning_rate: 1e-3x"), HasSubstr("must be a number, got '1e-3x'"));
  EXPECT_THAT(Refusal("train.shuffle: 3"), HasSubstr("must be true or false, got '3'"));
  EXPECT_THAT(Refusal("model.widths: 3"), HasSubstr("must be a list of integers, got '3'"));
  EXPECT_THAT(Refusal("model.widths: [1, x]"), HasSubstr("must be a list of integers"));
  EXPECT_THAT(Refusal("run.directory: [a]"), HasSubstr("must be a string, got a list"));
}

TEST(ConfigTest, RefusesWhatIsNotFinite) {
  for (const char* value : {"nan", ".nan", "inf", ".inf", "-.inf", "1e999"})
    EXPECT_THAT(Refusal(std::string("train.learning_rate: ") + value), HasSubstr("must be a number")) << value;
}

TEST(ConfigTest, RefusesWhatIsOutOfBounds) {
  EXPECT_EQ(RefusalToSet("train.batch=0"), "'train.batch=0': train.batch must be at least 1, got 0");
  EXPECT_THAT(Refusal("train: {batch: 1001}"), HasSubstr("train.batch must be at most 1000, got 1001"));
  EXPECT_THAT(Refusal("train.learning_rate: -1e-9"), HasSubstr("must be at least 0, got -1e-09"));
  EXPECT_THAT(Refusal("model.widths: [3, 0]"), HasSubstr("model.widths must be at least 1, got 0"));
  EXPECT_THAT(Refusal("model.distribution: har"), HasSubstr("cannot be 'har'; did you mean 'haar'?"));
}

TEST(ConfigTest, KeepsTheValueThatARefusedOneWouldReplace) {
  Config config(Schema());
  config.Set("train.batch=50");
  EXPECT_THAT(MessageOf([&] { config.Set("train.batch=0"); }), HasSubstr("at least"));
  EXPECT_EQ(config.Int("train.batch"), 50);
}

TEST(ConfigTest, RefusesAKeySetTwice) {
  EXPECT_EQ(Refusal("seed: 1\nseed: 2\n"), "my.yaml:2: seed is set twice");
  EXPECT_THAT(Refusal("train: {batch: 5}\ntrain.batch: 6\n"), HasSubstr("my.yaml:2: train.batch is set twice"));
  EXPECT_THAT(MessageOf([] { Schema().Int("seed", 0, ""); }), HasSubstr("seed is declared twice"));
}

TEST(ConfigTest, RefusesWhatIsNoMapOfSettings) {
  EXPECT_THAT(Refusal("- 1\n- 2\n"), HasSubstr("my.yaml:1: a map of settings expected, got a list"));
  EXPECT_THAT(Refusal("seed"), HasSubstr("a map of settings expected, got 'seed'"));
  EXPECT_THAT(Refusal("? [a, b]\n: 1\n"), HasSubstr("keys are names, got a list"));
  EXPECT_THAT(Refusal("seed: 1\ntrain: {batch: 5\n"), AllOf(StartsWith("my.yaml:"), HasSubstr("not YAML")));
  EXPECT_THAT(Refusal("train: &a {train: *a}"), HasSubstr("nested more than 16 deep"));
  EXPECT_THAT(Refusal(std::string(100000, '{')), HasSubstr("not YAML"));
}

TEST(ConfigTest, RefusesWhatIsNoAssignment) {
  EXPECT_THAT(RefusalToSet("seed"), HasSubstr("'seed' is no assignment: key=value expected"));
  EXPECT_THAT(RefusalToSet("=3"), HasSubstr("key=value expected"));
}

TEST(ConfigTest, RefusesToReadAsAnotherType) {
  const Config config(Schema());
  EXPECT_THAT(MessageOf([&] { config.Double("seed"); }), HasSubstr("the setting seed is an integer"));
  EXPECT_THAT(MessageOf([&] { config.Int("absent"); }), HasSubstr("there is no setting absent"));
}

}  // namespace
}  // namespace orbit
