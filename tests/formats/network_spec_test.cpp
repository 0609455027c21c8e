// The layout of φ and the architecture hash: what every stored parameter vector relies on.
#include "formats/network_spec.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace altocast {
namespace {

TEST(NetworkSpec, PresetsHaveTheDocumentedParameterCounts) {
  ASSERT_TRUE(preset("small").ok());
  ASSERT_TRUE(preset("base").ok());
  EXPECT_EQ(parameter_count(*preset("small")), 487560u);
  EXPECT_EQ(parameter_count(*preset("base")), 7847176u);
  EXPECT_LT(parameter_count(*preset("tiny")), parameter_count(*preset("small")));
}

TEST(NetworkSpec, UnknownPresetIsRefusedWithTheChoices) {
  for (const char* name : {"tiny", "small", "base"}) EXPECT_EQ(preset_name(*preset(name)), name);
  NetworkSpec other;
  other.leads = 3;
  EXPECT_EQ(preset_name(other), "small");
  other.depth = 1;
  EXPECT_EQ(preset_name(other), "custom");
  const Result<NetworkSpec> unknown = preset("huge");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.message().find("tiny, small or base"), std::string::npos);
}

TEST(NetworkSpec, LayoutIsContiguousAndCoversEveryParameter) {
  for (const char* name : {"tiny", "small", "base"}) {
    for (const int groups : {0, 4}) {
      NetworkSpec spec = *preset(name);
      spec.norm_groups = groups;
      std::set<std::string> names;
      std::size_t next = 0;
      for (const ParameterTensor& tensor : parameter_layout(spec)) {
        EXPECT_EQ(tensor.offset, next) << tensor.name;
        std::size_t product = 1;
        for (const int extent : tensor.shape) product *= static_cast<std::size_t>(extent);
        EXPECT_EQ(tensor.size, product) << tensor.name;
        EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name << " occurs twice";
        next += tensor.size;
      }
      EXPECT_EQ(next, parameter_count(spec));
    }
  }
}

TEST(NetworkSpec, LayoutFollowsTheCanonicalOrder) {
  NetworkSpec spec;
  spec.base_channels = 2;
  spec.depth = 1;
  spec.norm_groups = 1;
  std::vector<std::string> names;
  for (const ParameterTensor& tensor : parameter_layout(spec)) names.push_back(tensor.name);
  std::vector<std::string> expected;
  for (const char* layer : {"enc0.a", "enc0.b", "enc1.a", "enc1.b", "dec0.a", "dec0.b"}) {
    for (const char* part : {".weight", ".bias", ".gamma", ".beta"}) expected.push_back(std::string(layer) + part);
  }
  expected.push_back("head.weight");
  expected.push_back("head.bias");
  EXPECT_EQ(names, expected);
}

TEST(NetworkSpec, HashChangesWithEveryField) {
  const NetworkSpec spec;
  std::vector<NetworkSpec> variants(9, spec);
  variants[1].input_frames += 1;
  variants[2].leads += 1;
  variants[3].base_channels += 8;
  variants[4].depth += 1;
  variants[5].activation = ActivationKind::relu;
  variants[6].norm_groups = 4;
  variants[7].residual = ResidualBase::none;
  variants[8].residual = ResidualBase::advected;
  std::set<std::uint64_t> hashes;
  for (const NetworkSpec& variant : variants) {
    EXPECT_TRUE(validate(variant).ok()) << validate(variant).message();
    hashes.insert(architecture_hash(variant));
  }
  EXPECT_EQ(hashes.size(), variants.size());
  EXPECT_EQ(architecture_hash(spec), architecture_hash(NetworkSpec{}));
}

TEST(NetworkSpec, ValidationRefusesWhatLiesOutsideItsCaps) {
  std::vector<NetworkSpec> invalid(8);
  invalid[0].input_frames = 0;
  invalid[1].leads = 65;
  invalid[2].base_channels = 257;
  invalid[3].depth = 7;
  invalid[4].norm_groups = 3;  // does not divide 16
  invalid[5].norm_groups = -1;
  invalid[6].base_channels = 256;
  invalid[6].depth = 6;  // more than 2^28 parameters
  invalid[7].residual = ResidualBase::advected;
  invalid[7].input_frames = 1;  // no motion
  for (std::size_t index = 0; index < invalid.size(); ++index) {
    EXPECT_FALSE(validate(invalid[index]).ok()) << "case " << index;
  }
  EXPECT_TRUE(validate(NetworkSpec{}).ok());
}

}  // namespace
}  // namespace altocast
