#include "host/provider_links.h"

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

using Links = std::vector<lattice::Link>;

lattice::Link link(const std::string& actor, const std::string& value = "1") {
  return {.actor_id = actor,
          .provider_id = "V",
          .link_name = "default",
          .contract_id = "a:b",
          .values = {{"X", value}}};
}

// "+M1=1 -M2=1": what the process is told, in order.
std::string tell(ProviderLinks& links, const Links& wanted) {
  std::string text;
  for (const auto& step : links.missing(wanted)) {
    text += (text.empty() ? "" : " ") + std::string(step.gone ? "-" : "+") + step.link.actor_id +
            "=" + step.link.values.at("X");
    links.told(step);
  }
  return text;
}

TEST(ProviderLinks, WhatCameWithTheStartIsNotToldAgain) {
  ProviderLinks links;
  EXPECT_EQ(links.begin({link("M1"), link("M2")}, false), (Links{link("M1"), link("M2")}));
  EXPECT_EQ(tell(links, {link("M1"), link("M2")}), "");
}

TEST(ProviderLinks, WhatChangedWhileItStartedIsToldAfterwards) {
  ProviderLinks links;
  links.begin({link("M1"), link("M2")}, false);
  EXPECT_EQ(tell(links, {link("M2"), link("M3")}), "-M1=1 +M3=1");
  EXPECT_EQ(tell(links, {link("M2"), link("M3")}), "");
}

TEST(ProviderLinks, AChangedLinkIsTakenBackFirst) {
  ProviderLinks links;
  links.begin({link("M1")}, false);
  EXPECT_EQ(tell(links, {link("M1", "2")}), "-M1=1 +M1=2");
}

TEST(ProviderLinks, AllThatGoIsTakenBackBeforeAnythingIsPut) {
  ProviderLinks links;
  links.begin({link("M1"), link("M2"), link("M3")}, false);
  EXPECT_EQ(tell(links, {link("M1", "2"), link("M2", "2"), link("M4")}),
            "-M1=1 -M2=1 -M3=1 +M1=2 +M2=2 +M4=1");
}

TEST(ProviderLinks, ANewProcessIsToldEverythingAgain) {
  ProviderLinks links;
  links.begin({}, false);
  tell(links, {link("M1")});
  EXPECT_EQ(links.begin({link("M1")}, false), (Links{link("M1")}));
  EXPECT_EQ(links.begin({link("M1")}, true), Links{});
  EXPECT_EQ(tell(links, {link("M1")}), "+M1=1");
}

TEST(ProviderLinks, TheOneItDiedOfIsWithheldAndTheOthersAreNot) {
  ProviderLinks links;
  links.begin({link("M1"), link("M2")}, true);
  links.blame(link("M1"), "it exited");
  EXPECT_EQ(links.begin({link("M1"), link("M2")}, false), (Links{link("M2")}));
  EXPECT_EQ(tell(links, {link("M1"), link("M2")}), "");
  EXPECT_EQ(links.trouble(link("M1")), "it exited");
  EXPECT_EQ(links.trouble(link("M2")), "");
}

TEST(ProviderLinks, AWithheldLinkIsTriedAgainWhenItChangesOrIsPutAgain) {
  ProviderLinks links;
  links.begin({}, false);
  links.blame(link("M1"), "it exited");
  EXPECT_EQ(tell(links, {link("M1", "2")}), "+M1=2");
  links.blame(link("M1", "2"), "it exited");
  EXPECT_EQ(tell(links, {link("M1", "2")}), "");
  links.again(link("M1", "2"));
  EXPECT_EQ(tell(links, {link("M1", "2")}), "+M1=2");
}

TEST(ProviderLinks, ALinkThatIsPutAgainIsToldAgain) {
  ProviderLinks links;
  links.begin({link("M1")}, false);
  links.again(link("M1"));
  EXPECT_EQ(tell(links, {link("M1")}), "+M1=1") << "it may not have taken it";
  links.again(link("M1", "2"));
  EXPECT_EQ(tell(links, {link("M1", "2")}), "-M1=1 +M1=2") << "a changed one is taken back first";
}

TEST(ProviderLinks, WhatItAnswersIsKeptUntilItIsToldAnew) {
  ProviderLinks links;
  links.begin({link("M1"), link("M2")}, false);
  EXPECT_EQ(links.unanswered(), (Links{link("M1"), link("M2")}));
  links.answered(link("M1"), "port taken");
  links.answered(link("M2"), "");
  links.answered(link("M2", "other"), "not what it was told");
  EXPECT_EQ(links.unanswered(), Links{});
  EXPECT_EQ(links.trouble(link("M1")), "port taken");
  EXPECT_EQ(links.trouble(link("M2")), "");
  EXPECT_EQ(tell(links, {link("M1"), link("M2")}), "") << "one that was refused is not told again";
  links.again(link("M1"));
  EXPECT_EQ(tell(links, {link("M1"), link("M2")}), "+M1=1");
  EXPECT_EQ(links.unanswered(), (Links{link("M1")}));
}

TEST(ProviderLinks, OneActorHasOneLink) {
  ProviderLinks links;
  EXPECT_EQ(links.begin({link("M1"), link("M1", "2")}, false), (Links{link("M1")}));
  EXPECT_EQ(links.known(), 1U);
}

TEST(ProviderLinks, WhatWasRefusedForAPassingReasonIsWorthTryingAgain) {
  ProviderLinks links;
  links.begin({link("M1"), link("M2"), link("M3")}, false);
  links.answered(link("M1"), "no server yet", true);
  links.answered(link("M2"), "nonsense", false);
  links.answered(link("M3"), "", true);
  EXPECT_EQ(links.worth_trying_again(), Links{link("M1")});
  EXPECT_EQ(links.trouble(link("M1")), "no server yet");
  links.answered(link("M1"), "");
  EXPECT_EQ(links.worth_trying_again(), Links{});
  EXPECT_EQ(links.trouble(link("M1")), "");
}

}  // namespace
}  // namespace trellis::host
