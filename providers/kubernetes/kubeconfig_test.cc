// Goal: credentials are found where kubectl finds them, config_b64 names no file of this machine,
// and what cannot be used is said.
#include "kubernetes/kubeconfig.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "codec/base64.h"
#include "lattice/temporary_folder.h"

namespace trellis::kubernetes {
namespace {

class KubeconfigTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view text) const {
    const auto path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  static std::string config(std::string_view cluster, std::string_view user,
                            std::string_view context = "") {
    return "clusters:\n- name: c\n  cluster: {server: 'https://h:6443/', " + std::string(cluster) +
           "}\nusers:\n- name: u\n  user: {" + std::string(user) +
           "}\ncontexts:\n- name: x\n  context: {cluster: c, user: u" + std::string(context) +
           "}\ncurrent-context: x\n";
  }
  static Result<Access> packed(std::string_view text) {
    return access_from_base64(codec::base64_encode(as_bytes(text), codec::Base64::standard));
  }
  static std::string said(const Result<Access>& access) {
    return access ? "fine" : access.error().detail;
  }

  const lattice::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path().string();
};

TEST_F(KubeconfigTest, ReadsWhatAFileNames) {
  file("sub/ca.pem", "the CA");
  file("sub/cert.pem", "cert");
  file("sub/key.pem", "key");
  const auto path = file("sub/config", config("certificate-authority: ca.pem, tls-server-name: n",
                                              "client-certificate: cert.pem, client-key: key.pem",
                                              ", namespace: apps"));
  const auto access = access_from_file(path);
  ASSERT_TRUE(access) << said(access);
  EXPECT_EQ(access->server, "https://h:6443");
  EXPECT_EQ(access->tls.ca, "the CA");
  EXPECT_EQ(access->tls.certificate, "cert");
  EXPECT_EQ(access->tls.key, "key");
  EXPECT_EQ(access->tls.server_name, "n");
  EXPECT_TRUE(access->tls.verify);
  EXPECT_EQ(access->default_namespace, "apps");
  EXPECT_EQ(access->source, "config_file " + path + " (context 'x')");
}

TEST_F(KubeconfigTest, SaysWhatIsWrongWithAFile) {
  const auto start = [this](const std::string& text) {
    const auto path = file("c", text);
    const auto whole = said(access_from_file(path));
    const auto before = "Invalid kubeconfig from file " + path + ": ";
    return whole.starts_with(before) ? whole.substr(before.size()) : whole;
  };
  EXPECT_EQ(said(access_from_file(folder_ + "/none")), "Invalid kubeconfig from file " + folder_ +
                                                           "/none: cannot read " + folder_ +
                                                           "/none: No such file or directory");
  EXPECT_TRUE(start("a: [").starts_with("line "));
  EXPECT_NE(start("clusters: []").find("no current-context is set"), std::string::npos);
  EXPECT_EQ(start("current-context: y"),
            "current-context names the context 'y', which is not there");
  EXPECT_EQ(start("contexts: [{name: y, context: {cluster: z}}]\ncurrent-context: y"),
            "the context 'y' names the cluster 'z', which is not there");
  EXPECT_NE(start(config("", "exec: {command: aws}")).find("gets its credentials from a program"),
            std::string::npos);
  EXPECT_NE(start(config("", "username: a, password: b")).find("create token"), std::string::npos);
  EXPECT_NE(start(config("", "client-certificate-data: YQ==")).find("but no key"),
            std::string::npos);
  EXPECT_NE(start(config("certificate-authority-data: '?'", "")).find("is not base64"),
            std::string::npos);
  EXPECT_NE(start(config("", "tokenFile: gone")).find("gone: No such file"), std::string::npos);
}

TEST_F(KubeconfigTest, TakesPackedConfigsThatNameNoFiles) {
  const auto good = packed(
      config("certificate-authority-data: \"Y2\\n\\nE=\\r\\n\", insecure-skip-tls-verify: true,"
             " proxy-url: 'http://p:1'",
             "token: t"));
  ASSERT_TRUE(good) << said(good);
  EXPECT_EQ(good->tls.ca, "ca");
  EXPECT_EQ(good->token, "t");
  EXPECT_EQ(good->proxy, "http://p:1");
  EXPECT_FALSE(good->tls.verify);
  EXPECT_EQ(good->default_namespace, "default");
  const std::string refusal =
      "Certificate and key paths are not allowed for base64 encoded configs. Offending entry: ";
  EXPECT_EQ(said(packed(config("certificate-authority: /a", "token: t"))), refusal + "cluster c");
  for (const auto* entry : {"client-certificate: /a", "client-key: /a", "tokenFile: /a"})
    EXPECT_EQ(said(packed(config("", entry))), refusal + "user u");
  EXPECT_TRUE(said(access_from_base64("%%%")).starts_with("Invalid base64 config given: "));
  EXPECT_TRUE(said(packed("a: [")).starts_with("Invalid kubeconfig data given: line"));
  EXPECT_NE(said(packed("a: 1\n---\nb: 1\n")).find("one YAML document, not 2"), std::string::npos);
  auto broken = codec::base64_encode(as_bytes(config("", "token: t")), codec::Base64::standard);
  broken.insert(20, "\n");
  EXPECT_TRUE(access_from_base64(broken + "\n"));
}

TEST_F(KubeconfigTest, IsInferredAsKubectlDoes) {
  Environment environment{.home = folder_, .service_account = folder_ + "/pod"};
  EXPECT_TRUE(said(access_inferred(environment))
                  .starts_with("No config given and unable to infer config from environment or "
                               "default config file: no KUBECONFIG is set"));
  environment.service_host = "10.0.0.1";
  EXPECT_NE(said(access_inferred(environment)).find("wasmcloud.enableApplierSupport=true gives it"),
            std::string::npos);
  file("pod/token", "t");
  file("pod/ca.crt", "pod CA");
  file("pod/namespace", "team");
  environment.service_host = "fd00::1";
  environment.service_port = "443";
  const auto pod = access_inferred(environment);
  ASSERT_TRUE(pod) << said(pod);
  EXPECT_EQ(pod->server, "https://[fd00::1]:443");
  EXPECT_EQ(pod->token_file, folder_ + "/pod/token");
  EXPECT_EQ(pod->default_namespace, "team");
  file(".kube/config", config("", "token: home"));
  EXPECT_EQ(access_inferred(environment)->token, "home");
  // Several files are one: of what is in two of them the first counts.
  const auto first = file("one", "current-context: x\nusers: [{name: u, user: {token: one}}]\n");
  const auto second = file("two", config("", "token: two"));
  environment.kubeconfig = folder_ + "/absent:" + first + ":" + second;
  const auto merged = access_inferred(environment);
  ASSERT_TRUE(merged) << said(merged);
  EXPECT_EQ(merged->token, "one");
  EXPECT_EQ(merged->server, "https://h:6443");
  environment.kubeconfig = folder_ + "/absent";
  EXPECT_NE(said(access_inferred(environment)).find("absent: No such file"), std::string::npos);
}

TEST(Tokens, SayWhenTheyEnd) {
  EXPECT_FALSE(expiry_of("plain"));
  EXPECT_FALSE(expiry_of("a.b.c"));
  EXPECT_EQ(expiry_of("a.eyJleHAiOjE2MDAwMDAwMDB9.c")->time_since_epoch(),
            std::chrono::seconds(1600000000));
}

}  // namespace
}  // namespace trellis::kubernetes
