// What a lattice remembers: links, claims, references. In memory on core 0, stored in a small file so that a
// host that was killed finds it again; every change is told to the observer.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lattice/link.h"

namespace trellis::lattice {

// The record of §5.4: all values strings. One for each actor and provider ever seen.
struct ClaimsRecord {
  std::string subject, issuer, name, call_alias, version, revision;
  std::vector<std::string> caps, tags;
  boost::json::object to_json() const;
  static Result<ClaimsRecord> from_json(const boost::json::object& object);
};

class State {
 public:
  struct Observer {
    std::function<void(const Link&)> link_put, link_deleted;
    std::function<void(const ClaimsRecord&)> claims_put;
    std::function<void(const std::string& reference, const std::string& public_key)> reference_put;
  };
  // `file` "" keeps everything in memory. Reads what an earlier host left; a damaged file is set aside with a
  // log line, its readable records kept.
  static Result<std::unique_ptr<State>> open(std::string file, Observer observer);
  virtual ~State() = default;

  // A change is on disk (fsync) when these return. Putting an equal link again changes nothing.
  virtual Result<void> put_link(Link link) = 0;
  virtual Result<std::optional<Link>> delete_link(const std::string& actor_id, const std::string& contract_id,
                                                  const std::string& link_name) = 0;
  virtual Result<void> put_claims(ClaimsRecord record) = 0;
  virtual Result<void> put_reference(std::string reference, std::string public_key) = 0;

  virtual std::vector<Link> links() const = 0;
  virtual std::vector<ClaimsRecord> all_claims() const = 0;
  virtual const ClaimsRecord* claims(const std::string& public_key) const = 0;
  virtual std::optional<std::string> key_of_reference(const std::string& reference) const = 0;
  virtual std::optional<std::string> key_of_alias(const std::string& call_alias) const = 0;  // first writer wins
};

}  // namespace trellis::lattice
