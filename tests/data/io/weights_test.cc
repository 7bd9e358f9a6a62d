// Weights in files of other programs: whatever else a checkpoint holds, wherever they are in it, and however they are
// named.
#include "data/io/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/io/safetensors.h"
#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using namespace python;
using io::MessageOf;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::map<std::string, std::string> kStorages = {{"0", RawList<float>({1, 2})}, {"1", RawList<float>({3})}};

// The weights of a.weight = [1, 2] and a.bias = [3] under names that begin with `prefix`.
std::vector<std::pair<std::string, Value>> State(const std::string& prefix = "") {
  return {{prefix + "a.weight", Vector("Float", "0", 2)}, {prefix + "a.bias", Vector("Float", "1", 1)}};
}

class WeightsTest : public io::FileTest {
 protected:
  // Reads a file whose name says nothing about its format.
  TensorMap Read(const std::string& contents, const std::string& name = "file") {
    io::WriteFile(Path(name), contents);
    notes_.clear();
    return ReadWeights(Path(name), {{"a.weight", Tensor::Zeros({2})}, {"a.bias", Tensor::Zeros({1})}},
                       [&](const std::string& note) { notes_ += note; });
  }
  void ExpectRight(const TensorMap& weights, const std::string& what) {
    ASSERT_TRUE(weights.size() == 2 && weights.contains("a.weight") && weights.contains("a.bias")) << what;
    EXPECT_THAT(weights.at("a.weight").ToVector<float>(), ElementsAre(1, 2)) << what;
    EXPECT_THAT(weights.at("a.bias").ToVector<float>(), ElementsAre(3)) << what;
  }
  std::string Refusal(const std::string& contents) {
    return MessageOf([&] { Read(contents); });
  }

  std::string notes_;
};

TEST_F(WeightsTest, WhatElseACheckpointHoldsDoesNoHarm) {
  const std::pair<const char*, Value> extras[] = {
      {"NumPy's number", Call("numpy._core.multiarray.scalar", {Dtype("f8"), Bytes("12345678")})},
      {"random state", Call("numpy.random._pickle.__randomstate_ctor", {Str("MT19937")})},
      {"counter", Call("collections.Counter", {Dict({{"x", Int(1)}})})},
      {"default", Call("collections.defaultdict", {Global("builtins.list")}) + Pairs({{"x", Int(1)}}) + "u"},
      {"path", Call("pathlib.PosixPath", {Str("/"), Str("tmp")})},
      {"time", Call("datetime.datetime", {Bytes("0123456789")})},
      {"size", Call("torch.Size", {Tuple({Int(2)})})},
      {"device", Call("torch.device", {Str("cuda"), Int(0)})},
      {"dtype", Global("torch.float16")},
      {"partial", Call("functools.partial", {Global("torch.relu")}) + Tuple({Global("torch.relu"), kNone}) + "b"},
      {"enum", Call("some.Enum", {Int(1)})},
      {"half", Vector("Half", "2", 2)},
      {"int16", Vector("Short", "2", 2)},
      {"complex", Vector("ComplexFloat", "3", 1)},
      {"quantised", Call("torch._utils._rebuild_qtensor", {kNone})},
      {"sparse", Call("torch._utils._rebuild_sparse_tensor", {kNone})},
      {"no storage", Vector("Float", "missing", 2)},
      {"unknown reference", Str("module") + "Q"},
      {"system", Call("os.system", {Str("exit 1")})},
  };
  std::map<std::string, std::string> storages = kStorages;
  storages["2"] = "1234";
  storages["3"] = "12345678";
  for (const auto& [name, extra] : extras)
    ExpectRight(Read(TorchFile(Dict({{"extra", extra}, {"state_dict", Dict(State())}}), storages)), name);
}

TEST_F(WeightsTest, AreFoundUnderAnyKey) {
  ExpectRight(Read(TorchFile(Dict(State()), kStorages)), "bare");
  EXPECT_THAT(notes_, IsEmpty());
  for (const char* key : {"state_dict", "model_state_dict", "model", "net", "state_dict_ema", "generator"}) {
    ExpectRight(Read(TorchFile(Dict({{"epoch", Int(3)}, {key, Dict(State())}}), kStorages)), key);
    EXPECT_THAT(notes_, HasSubstr("under '" + std::string(key) + "'"));
  }
  ExpectRight(Read(TorchFile(Dict({{"model", Dict({{"module", Dict(State())}})}}), kStorages)), "nested");
  ExpectRight(Read(TorchFile(DictOf("lightning.AttributeDict", {{"state", DictOf("some.Dict", State())}}), kStorages)),
              "subclasses of dict");
  ExpectRight(Read(TorchFile(Object("argparse.Namespace", Dict({{"model", Dict(State())}})), kStorages)), "attributes");
}

TEST_F(WeightsTest, OfSeveralTheUsualOneIsRead) {
  const Value average = Dict({{"a.weight", Vector("Float", "1", 1)}, {"a.bias", Vector("Float", "1", 1)}});
  ExpectRight(Read(TorchFile(Dict({{"model_ema", average}, {"model", Dict(State())}}), kStorages)), "ema first");
  EXPECT_THAT(notes_, AllOf(HasSubstr("under 'model' are read"), HasSubstr("not those under 'model_ema'")));
  ExpectRight(Read(TorchFile(Dict({{"weights_ema", average}, {"weights", Dict(State())}}), kStorages)), "other keys");
  const Value other = Dict({{"b.weight", Vector("Float", "1", 1)}});
  ExpectRight(Read(TorchFile(Dict({{"state_dict", other}, {"net", Dict(State())}}), kStorages)), "of another model");
}

// Files of some 100 KB that, taken at their word, would cost gigabytes or hours.
TEST_F(WeightsTest, WhatAFileRepeatsIsLookedAtOnce) {
  std::vector<std::pair<std::string, Value>> many = State();
  for (int i = 0; i < 2000; ++i) many.push_back({"b." + std::to_string(i), "h\1"});
  std::vector<std::pair<std::string, Value>> keys = {{"model", Dict(many) + "q\2"}};
  for (int i = 0; i < 20000; ++i) keys.push_back({std::to_string(i), "h\2"});
  const TensorMap weights = Read(TorchFile(Vector("Float", "1", 1) + "q\1" + "0" + Dict(keys), kStorages));
  EXPECT_EQ(weights.size(), 2002u);
  EXPECT_THAT(notes_, testing::Not(HasSubstr("not those")));
  Value wrapped = Vector("Float", "0", 2);
  for (int i = 0; i < 1000; ++i) wrapped = Call("torch._utils._rebuild_parameter", {wrapped});
  EXPECT_THAT(Refusal(TorchFile(Dict({{"a.weight", wrapped}}), kStorages)), HasSubstr("within more than"));
}

TEST_F(WeightsTest, PrefixesThatAllNamesShareAreTakenOff) {
  for (const char* prefix : {"module.", "_orig_mod.", "model.", "module._orig_mod.", "net.backbone."}) {
    ExpectRight(Read(TorchFile(Dict({{"state_dict", Dict(State(prefix))}}), kStorages)), prefix);
    EXPECT_THAT(notes_, HasSubstr("the prefix '" + std::string(prefix) + "'"));
  }
  // If names are the model's as they are, a common prefix is kept.
  EXPECT_TRUE(
      Read(TorchFile(Dict({State()[0], {"a.a.bias", Vector("Float", "1", 1)}}), kStorages)).contains("a.a.bias"));
  EXPECT_THAT(notes_, IsEmpty());
  // Names without a common prefix are left as they are, for the model to reject.
  EXPECT_TRUE(Read(TorchFile(Dict({State("module.")[0], State()[1]}), kStorages)).contains("module.a.weight"));
}

TEST_F(WeightsTest, TheContentDecidesAndNotTheName) {
  const std::string archive = TorchFile(Dict(State()), kStorages);
  for (const char* name : {"best.pth.tar", "pytorch_model.bin", "UPPER.PT", "x.pkl", "x.safetensors", "none"})
    ExpectRight(Read(archive, name), name);
  io::WriteSafetensors(Path("x"), {.tensors = {{"a.weight", Tensor::From(std::vector<float>{1, 2}, {2})},
                                               {"a.bias", Tensor::From(std::vector<float>{3}, {1})}},
                                   .metadata = {}});
  ExpectRight(Read(io::ReadFile(Path("x")), "x.pt"), "safetensors inside .pt");
  ExpectRight(Read(LegacyTorchFile(Dict(State()), kStorages, 4)), "legacy");
  ExpectRight(Read(TorchFile(Dict(State()), kStorages, "little", /*deflated=*/true)), "deflated");
  ExpectRight(Read(PickleOf(Dict({{"a.weight", Array({2}, Dtype("f4"), false, RawList<float>({1, 2}))},
                                  {"a.bias", Array({1}, Dtype("f8"), false, RawList<double>({3}))}}))),
              "arrays by pickle.dump");
  // pickle.dump of tensors embeds one file of torch.save per storage.
  const auto storage = [](const std::string& bytes, int count) {
    return Call("torch.storage._load_from_bytes",
                {Bytes(LegacyTorchFile(
                    Tuple({Str("storage"), Global("torch.FloatStorage"), Str("k"), Str("cpu"), Int(count)}) + "Q",
                    {{"k", bytes}}, 4))});
  };
  const auto tensor = [&](const std::string& key, int count) {
    return Call("torch._utils._rebuild_tensor_v2", {storage(kStorages.at(key), count), Int(0), Tuple({Int(count)}),
                                                    Tuple({Int(1)}), kFalse, kOrderedDict});
  };
  ExpectRight(Read(PickleOf(Dict({{"a.weight", tensor("0", 2)}, {"a.bias", tensor("1", 1)}}))), "pickle.dump");
}

TEST_F(WeightsTest, WhatCannotBeReadIsSaid) {
  EXPECT_THAT(Refusal(TorchFile(Dict({{"epoch", Int(1)}, {"optimizer", Dict({})}}), {})),
              AllOf(HasSubstr("holds a dict with the keys 'epoch', 'optimizer'"), HasSubstr("no tensors")));
  EXPECT_THAT(Refusal(TorchFile(List({}), {})), HasSubstr("holds a list"));
  EXPECT_THAT(Refusal(TorchFile(Vector("Float", "0", 2), kStorages)), HasSubstr("holds a tensor"));
  EXPECT_THAT(Refusal(TorchFile(Object("some.Net", Dict({{"training", kTrue}})), {})),
              AllOf(HasSubstr("holds a some.Net"), HasSubstr("state_dict()")));
  EXPECT_THAT(Refusal(TorchFile(Dict({{"x", Dict({{"b.weight", Vector("Float", "0", 2)}})}}), kStorages)),
              AllOf(HasSubstr("'x'"), HasSubstr("such as a.bias")));
  EXPECT_THAT(Refusal(TorchFile(Dict({{"a.weight", Vector("ComplexFloat", "0", 1)}}), kStorages)),
              AllOf(HasSubstr("'a.weight': "), HasSubstr("torch.ComplexFloatStorage")));
  EXPECT_THAT(
      Refusal(TorchFile(Dict({{"a.weight", Call("some.decode", {})}, {"a.bias", Vector("Float", "1", 1)}}), kStorages)),
      AllOf(HasSubstr("'a.weight': "), HasSubstr("some.decode")));
}

}  // namespace
}  // namespace orbit
