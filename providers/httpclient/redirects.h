// One call of an actor: the request, and the requests its redirects lead to, each checked against
// what the link allows. Which method follows which status is as browsers do, and the client of 2022
// did.
#pragma once

#include "capability/http_client_contract.h"
#include "httpclient/settings.h"
#include "net/http_client.h"

namespace trellis::httpclient {

// All arguments live until the task ends. Errors: those of net::HttpClient; denied by the allow
// list; exhausted after too many redirects.
runtime::Task<net::OutboundAnswer> follow(net::HttpClient& client, const Settings& settings,
                                          const capability::HttpClientCall& call,
                                          runtime::Deadline deadline);

}  // namespace trellis::httpclient
