// Goal: what callers of 2022 sent to the applier is understood, and answered as they read it.
#include "capability/kubernetes_contract.h"

#include <gtest/gtest.h>

#include "codec/msgpack.h"

namespace trellis::capability {
namespace {

Bytes encoded(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  Bytes bytes;
  codec::MsgpackWriter out(bytes);
  out.map(members.size());
  for (const auto& [name, value] : members) {
    out.str(name);
    out.str(value);
  }
  return bytes;
}

TEST(KubernetesContract, TakesABlobInEitherForm) {
  const Bytes bin{0xc4, 3, 'a', ':', 0xe9}, numbers{0x93, 'a', ':', 0xcc, 0xe9};
  Bytes storage;
  EXPECT_EQ(as_text(*decode_manifests(bin, storage)), "a:\xe9");
  EXPECT_EQ(as_text(*decode_manifests(numbers, storage)), "a:\xe9");
  const auto none = decode_manifests(Bytes{0x80}, storage);
  EXPECT_TRUE(none.error().detail.starts_with("deserialization: 'Blob'")) << none.error().detail;
}

TEST(KubernetesContract, ReadsWhatIsToBeDeletedAndListed) {
  const auto sent =
      encoded({{"version", "v1"}, {"kind", "Service"}, {"name", "m1"}, {"other", ""}});
  const auto read = decode_delete_request(sent);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->group, "");
  EXPECT_EQ(read->version, "v1");
  EXPECT_EQ(read->kind, "Service");
  EXPECT_EQ(read->name, "m1");
  EXPECT_EQ(read->namespace_, "");
  const auto asked =
      encoded({{"namespace", "n"}, {"label_selector", "a=b"}, {"group", "apps"}, {"kind", "D"}});
  const auto list = decode_list_request(asked);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->namespace_, "n");
  EXPECT_EQ(list->label_selector, "a=b");
  EXPECT_EQ(list->group, "apps");
  EXPECT_FALSE(decode_delete_request(Bytes{0xc3}));
}

TEST(KubernetesContract, AnswersWithTheErrorOnlyIfThereIsOne) {
  const Bytes fine{0x81, 0xa9, 's', 'u', 'c', 'c', 'e', 'e', 'd', 'e', 'd', 0xc3};
  EXPECT_EQ(encode_operation_response(""), fine);
  const auto failed = encode_operation_response("no");
  EXPECT_TRUE(
      as_text(failed).ends_with("\xc2\xa5"
                                "error\xa2"
                                "no"));
  EXPECT_TRUE(as_text(encode_list_response("", "[]")).ends_with("objects\xc4\x02[]"));
}

}  // namespace
}  // namespace trellis::capability
