// For tests: a server's key and a certificate that it signs itself, for 127.0.0.1, in a folder that
// is gone afterwards.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "net/http_server.h"

namespace trellis::net {

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

class Identity {
 public:
  Identity() {
    std::string pattern = std::filesystem::temp_directory_path() / "trellis-tls-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    key_ = EVP_EC_gen("P-256");
    X509* certificate = make_certificate();
    std::unique_ptr<std::FILE, FileClose> key_file(
        std::fopen(files().private_key_path.c_str(), "w"));
    PEM_write_PrivateKey(key_file.get(), key_, nullptr, nullptr, 0, nullptr, nullptr);
    std::unique_ptr<std::FILE, FileClose> file(std::fopen(files().certificate_path.c_str(), "w"));
    PEM_write_X509(file.get(), certificate);
    X509_free(certificate);
  }
  ~Identity() {
    EVP_PKEY_free(key_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TlsFiles files() const { return {folder_ + "/cert.pem", folder_ + "/key.pem"}; }
  std::string folder() const { return folder_; }

 private:
  X509* make_certificate() {
    X509* x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_);
    auto* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x, name);
    auto* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x, key_, EVP_sha256());
    return x;
  }

  std::string folder_;
  EVP_PKEY* key_ = nullptr;
};

}  // namespace trellis::net
