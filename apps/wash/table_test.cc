// Expected bytes are those of the table printer of 2022.
#include "table.h"

#include <gtest/gtest.h>

#include "ctl_tables.h"

namespace trellis::wash {
namespace {

constexpr const char* kHost = "NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI";
constexpr const char* kActor = "MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5";
constexpr const char* kProvider = "VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M";

TEST(HostsTable, IsThatOf2022) {
  control::HostDescription host;
  host.id = kHost;
  host.uptime_seconds = 711;
  EXPECT_EQ(hosts_table({host}),
            "                                                                               \n"
            "  Host ID                                                    Uptime (seconds)  \n"
            "  NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI   711               \n"
            "                                                                               \n");
}

TEST(HostsTable, WithoutHostsHasItsHead) {
  EXPECT_EQ(hosts_table({}),
            "                              \n"
            "  Host ID   Uptime (seconds)  \n"
            "                              \n");
}

TEST(InventoryTable, OfAnEmptyHostIsThatOf2022) {
  control::HostInventory inventory;
  inventory.host_id = kHost;
  inventory.labels = {
      {"hostcore.os", "linux"}, {"hostcore.arch", "x86_64"}, {"hostcore.osfamily", "unix"}};
  EXPECT_EQ(inventory_table(inventory),
            "                                                                              \n"
            "  Host Inventory (NCPGH5CVPO3BAZ5OSQKXYHDKPBT3JXLG5EAOTG7XOXUWJ6AHZCFT57SI)  \n"
            "                                                                              \n"
            "  hostcore.arch                         x86_64                                \n"
            "  hostcore.os                           linux                                 \n"
            "  hostcore.osfamily                     unix                                  \n"
            "                                                                              \n"
            "  No actors found                                                             \n"
            "                                                                              \n"
            "  No providers found                                                          \n"
            "                                                                              \n");
}

TEST(InventoryTable, WithContentHasTheColumnsOf2022) {
  control::HostInventory inventory;
  inventory.host_id = kHost;
  inventory.labels = {{"hostcore.os", "linux"}};
  control::ActorDescription actor;
  actor.id = kActor;
  actor.name = "Echo";
  actor.image_ref = "wasmcloud.azurecr.io/echo:0.3.4";
  inventory.actors.push_back(actor);
  control::ProviderDescription provider;
  provider.id = kProvider;
  provider.name = "HTTP Server";
  provider.link_name = "default";
  provider.image_ref = "wasmcloud.azurecr.io/httpserver:0.16.2";
  inventory.providers.push_back(provider);
  std::string table = inventory_table(inventory);
  EXPECT_NE(
      table.find(
          "\n  MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5    Echo               "
          "wasmcloud.azurecr.io/echo:0.3.4"),
      std::string::npos)
      << table;
  EXPECT_NE(table.find("\n  Provider ID                                                 Name       "
                       "        Link Name          "
                       "Image Reference"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("\n  VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M    HTTP "
                       "Server        default            "
                       "wasmcloud.azurecr.io/httpserver:0.16.2"),
            std::string::npos)
      << table;
}

TEST(InventoryTable, SaysWhenNameAndReferenceAreUnknown) {
  control::HostInventory inventory;
  inventory.host_id = kHost;
  control::ActorDescription actor;
  actor.id = kActor;
  inventory.actors.push_back(actor);
  std::string table = inventory_table(inventory);
  EXPECT_NE(table.find("No labels present"), std::string::npos);
  EXPECT_NE(table.find("N/A"), std::string::npos);
}

control::LinkDefinition link(std::string status, std::string reason) {
  return {kActor, kProvider,         "default",        "wasmcloud:httpserver",
          {},     std::move(status), std::move(reason)};
}

TEST(LinksTable, HasTheColumnsOf2022WhileAllLinksAreWell) {
  std::string table = links_table({{link("active", ""), link("", "")}}, false);
  EXPECT_NE(table.find("  Actor ID "), std::string::npos);
  EXPECT_NE(table.find("   Contract ID            Link Name  \n"), std::string::npos) << table;
  EXPECT_EQ(table.find("Status"), std::string::npos);
}

TEST(LinksTable, ShowsTheReasonOfALinkThatFailed) {
  std::string table =
      links_table({{link("active", ""), link("failed", "port 8080 is taken")}}, false);
  EXPECT_NE(table.find("Status"), std::string::npos);
  EXPECT_NE(table.find("failed: port 8080 is taken"), std::string::npos);
}

TEST(LinksTable, ShowsTheWarningOfALinkThatWorks) {
  std::string table = links_table({{link("active", "'x' is not known")}}, false);
  EXPECT_NE(table.find("active: 'x' is not known"), std::string::npos);
}

TEST(LinksTable, ShowsTheStateWhenAsked) {
  EXPECT_NE(links_table({{link("active", "")}}, true).find("active"), std::string::npos);
}

TEST(ClaimsTable, HasAnEmptyLineAfterEachRecord) {
  control::ClaimsList list;
  list.claims.push_back({{"iss", "A1"},
                         {"sub", "M1"},
                         {"caps", "wasmcloud:httpserver"},
                         {"version", "0.3.4"},
                         {"rev", "4"}});
  EXPECT_EQ(claims_table(list),
            "                                        \n"
            "                 Claims                 \n"
            "  Issuer          A1                    \n"
            "  Subject         M1                    \n"
            "  Capabilities    wasmcloud:httpserver  \n"
            "  Version         0.3.4                 \n"
            "  Revision        4                     \n"
            "                                        \n"
            "                                        \n");
}

TEST(InventoryJson, LeavesOutWhatIsNotKnown) {
  control::HostInventory inventory;
  inventory.host_id = kHost;
  control::ActorDescription actor;
  actor.id = kActor;
  inventory.actors.push_back(actor);
  boost::json::object json = inventory_json(inventory);
  const boost::json::object& shown = json["actors"].get_array().at(0).get_object();
  EXPECT_FALSE(shown.contains("image_ref"));
  EXPECT_TRUE(shown.contains("instances"));
}

}  // namespace
}  // namespace trellis::wash
