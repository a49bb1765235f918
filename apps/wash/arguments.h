// What may stand on the command line: keys, key=value pairs, contract ids. Checked while it is
// read, so that a mistake is met before anything is done. The texts are those of 2022. Pure, except
// that they register options.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "control/messages.h"

namespace trellis::wash {

// "" when `key` is a whole, undamaged key that begins with `prefix` ("M", "V", "N", "SC"); else
// what is wrong.
std::string key_mistake(std::string_view key, std::string_view prefix);

// A positional argument or option that takes such a key.
CLI::Option* add_key(CLI::App& app, const std::string& name, std::string& into, std::string prefix,
                     const std::string& about);

// "a=b=c" is a → b=c.
Result<control::StringMap> parse_pairs(const std::vector<std::string>& pairs);

// Refuses a public key where a contract id such as wasmcloud:httpserver belongs.
Result<void> check_contract(std::string_view contract_id);

}  // namespace trellis::wash
