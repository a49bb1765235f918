// `wash par inspect` as scripts of 2022 read it (text with its padding, JSON with its types).
#include "par_report.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace trellis::wash {
namespace {

artifact::ProviderArchive store() {
  artifact::ProviderArchive archive;
  archive.claims.issuer = "ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW";
  archive.claims.subject = "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M";
  archive.claims.name = "HTTP Server";
  archive.claims.contract_id = "wasmcloud:httpserver";
  archive.claims.vendor = "wasmCloud";
  archive.claims.rev = 9;
  archive.claims.ver = "0.16.3";
  archive.programs = {{"x86_64-linux", {}}, {"aarch64-linux", {}}};
  return archive;
}

TEST(InspectedArchiveTable, LooksAsIn2022) {
  EXPECT_EQ(
      archive_table(store()),
      R"(                                                                                      
                            HTTP Server - Provider Archive                            
  Account                   ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW  
  Service                   VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M  
  Capability Contract ID                                        wasmcloud:httpserver  
  Vendor                                                                   wasmCloud  
  Version                                                                     0.16.3  
  Revision                                                                         9  
                            Supported Architecture Targets                            
  aarch64-linux                                                                       
  x86_64-linux                                                                        
                                                                                      
)");
}

TEST(InspectedArchiveJson, HasTheTypesOf2022) {
  EXPECT_EQ(
      codec::json_write(archive_json(store())),
      R"~({"name":"HTTP Server","issuer":"ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW",)~"
      R"~("service":"VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M",)~"
      R"~("capability_contract_id":"wasmcloud:httpserver","vendor":"wasmCloud","version":"0.16.3",)~"
      R"~("revision":"9","targets":["aarch64-linux","x86_64-linux"]})~");
  auto bare = store();
  bare.claims.name.clear();
  bare.claims.rev.reset();
  bare.claims.ver.reset();
  const auto json = archive_json(bare);
  for (const char* key : {"name", "version", "revision"}) EXPECT_EQ(json.at(key), "None") << key;
}

}  // namespace
}  // namespace trellis::wash
