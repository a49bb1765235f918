#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "arguments.h"
#include "claims/nkey.h"
#include "codec/cloud_event.h"
#include "codec/json.h"
#include "connection.h"
#include "ctl.h"
#include "files.h"
#include "lattice/invocation.h"
#include "lattice/subjects.h"

namespace trellis::wash {
namespace {

// How hosts of 2022 know wash: docs/protocol.md §3.2.
constexpr const char* kCaller = "__WASH__";
constexpr const char* kCallerHost = "NwashHostCallerId000000000000000000000000000000000000000";

constexpr int kPayloadWordsMax = 1000;

struct CallArguments {
  std::shared_ptr<ConnectionFlags> flags;
  std::string actor_id, operation, data_file, save_file, bin = "b", cluster_seed;
  std::vector<std::string> payload;
  bool test = false;
};

Result<Bytes> payload_of(const CallArguments& arguments) {
  if (!arguments.data_file.empty() && !arguments.payload.empty())
    return fail(Errc::invalid, "wash.call",
                "you can use either -d/--data or the payload args, but not both.");
  std::string text = fmt::format("{}", fmt::join(arguments.payload, " "));
  if (!arguments.data_file.empty()) {
    TRY(text, read_file(arguments.data_file));
  }
  Result<codec::json::value> value = codec::json_parse(text);
  if (value) return codec::json_to_msgpack(*value);
  return fail(caused_by(
      "The payload must be JSON, such as '{\"name\":\"x\"}', or null when the operation takes none",
      value.error()));
}

Result<claims::KeyPair> cluster_key(const CallArguments& arguments, const LatticeContext& context) {
  const std::string& seed =
      arguments.cluster_seed.empty() ? context.cluster_seed : arguments.cluster_seed;
  if (seed.empty())
    return fail(
        Errc::unauthenticated, "wash.call",
        "No cluster seed provided and no context available, this RPC will fail. Give the host's "
        "seed with "
        "--cluster-seed or WASMCLOUD_CLUSTER_SEED; a host started on this machine writes it to "
        "~/.wash/host_config.json by itself");
  if (std::string mistake = key_mistake(seed, "SC"); !mistake.empty())
    return fail(Errc::invalid, "wash.call",
                fmt::format("The cluster seed cannot be used: {}", mistake));
  return claims::KeyPair::from_seed(seed);
}

Result<codec::BinaryAs> binary_as(const std::string& bin) {
  if (bin == "b") return codec::BinaryAs::array;
  if (bin == "s") return codec::BinaryAs::string;
  if (bin == "2") return codec::BinaryAs::both;
  return fail(Errc::invalid, "wash.call", "'bin' parameter must be 'b', 's', or '2'");
}

Result<Bytes> invoke(const CallArguments& arguments, const Lattice& lattice, Bytes payload) {
  TRY(claims::KeyPair cluster, cluster_key(arguments, lattice.context));
  TRY(control::Client client, connect(lattice.options));
  lattice::Invocation invocation;
  invocation.origin = {kCaller, "", ""};
  invocation.target = {arguments.actor_id, "", ""};
  invocation.operation = arguments.operation;
  invocation.msg = std::move(payload);
  lattice::sign(invocation, cluster, kCallerHost);
  lattice::Subjects subjects;
  subjects.prefix = lattice.options.lattice_prefix;
  Bytes body = lattice::encode(invocation);
  Result<Bytes> reply =
      client.request(subjects.actor(arguments.actor_id), body, lattice.options.timeout);
  if (!reply && reply.error().code == Errc::unavailable)
    return fail(caused_by(
        reply.error().detail,
        Error{
            reply.error().code, "wash.call",
            fmt::format("the actor {} runs on no host of the lattice '{}'; `wash ctl get inventory "
                        "<host-id>` shows what runs",
                        arguments.actor_id, lattice.options.lattice_prefix)}));
  if (!reply && reply.error().code == Errc::exhausted)
    return fail(
        caused_by(fmt::format("A call of {} bytes is more than the lattice takes in one message; "
                              "raise its max_payload",
                              body.size()),
                  reply.error()));
  if (!reply) return fail(reply.error());
  TRY(lattice::InvocationResponse response, lattice::decode_invocation_response(*reply));
  if (response.error) return fail(Errc::denied, "wash.call", *response.error);
  if (response.content_length.value_or(0) > response.msg.size())
    return fail(Errc::exhausted, "wash.call",
                fmt::format("The answer of {} bytes was left in the lattice's object store, for it "
                            "is more than one message "
                            "takes; wash does not fetch it",
                            *response.content_length));
  return std::move(response.msg);
}

// Text that is not UTF-8 everywhere, with a mark where it is not.
std::string lossy(BytesView bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t length = bytes[i] < 0x80                       ? 1
                         : bytes[i] >= 0xC2 && bytes[i] < 0xE0 ? 2
                         : bytes[i] >= 0xE0 && bytes[i] < 0xF0 ? 3
                         : bytes[i] >= 0xF0 && bytes[i] < 0xF5 ? 4
                                                               : 0;
    bool whole = length > 0 && i + length <= bytes.size();
    for (std::size_t k = 1; whole && k < length; ++k) whole = (bytes[i + k] & 0xC0) == 0x80;
    text += whole ? std::string(as_text(bytes.subspan(i, length))) : "\xEF\xBF\xBD";
    i += whole ? length : 1;
  }
  return text;
}

// The results of an actor's own tests: [{"name","passed","snapshot"?}].
Output test_output(const codec::json::value& results) {
  Output output;
  output.json["response"] = results;
  if (!results.is_array()) return output;
  for (const codec::json::value& each : results.get_array()) {
    if (!each.is_object()) continue;
    Result<std::optional<std::string>> name = codec::json_string(each.get_object(), "name");
    Result<std::optional<bool>> passed = codec::json_bool(each.get_object(), "passed");
    bool good = passed && passed->value_or(false);
    output.text +=
        fmt::format("{} {}\n", good ? "Pass:" : "FAIL:", name ? name->value_or("?") : "?");
  }
  return output;
}

Result<Output> call(const Context& context, const CallArguments& arguments) {
  TRY(codec::BinaryAs binary, binary_as(arguments.bin));
  TRY(Bytes payload, payload_of(arguments));
  TRY(Lattice lattice, resolve_rpc(*arguments.flags));
  Spinner spinner = context.spinner(
      fmt::format(" Calling {} of actor {} ... ", arguments.operation, arguments.actor_id));
  TRY(Bytes response, invoke(arguments, lattice, std::move(payload)));
  spinner.stop();
  if (!arguments.save_file.empty()) {
    TRY_OK(write_private_file(arguments.save_file, as_text(response)));
    Output saved;
    saved.silent = true;
    return saved;
  }
  Result<codec::json::value> decoded = codec::msgpack_to_json(response, binary);
  codec::json::value shown =
      decoded ? *decoded : codec::json::value{{"error", "Could not decode data"}};
  if (arguments.test) return test_output(shown);
  if (shown.is_null()) shown = false;  // as 2022 shows an empty answer
  return Output{fmt::format("\nCall response (raw): {}", lossy(response)),
                {{"response", std::move(shown)}}};
}

}  // namespace

void add_call(CLI::App& root, Context& context) {
  CLI::App& command = *root.add_subcommand("call", "Invoke a wasmCloud actor");
  auto arguments = std::make_shared<CallArguments>();
  add_key(command, "actor-id", arguments->actor_id, "M", "Public key of the actor")->required();
  command
      .add_option("operation", arguments->operation, "Operation, such as HttpServer.HandleRequest")
      ->required();
  // Taken as it is: the parser's own reading of lists would take [] and {} apart.
  command
      .add_option(
          "payload",
          [arguments](const CLI::results_t& words) {
            arguments->payload = words;
            return true;
          },
          "What to send, as JSON")
      ->expected(kPayloadWordsMax)  // at most so many; none is asked for
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  command.add_option("-d,--data", arguments->data_file, "File with what to send, as JSON")
      ->type_name("<FILE>");
  command
      .add_option("--save", arguments->save_file,
                  "File for the answer's bytes; nothing is printed then")
      ->type_name("<FILE>");
  command
      .add_option("--bin", arguments->bin, "How bytes are shown in JSON: b list, s text, 2 both")
      ->capture_default_str()
      ->type_name("<b|s|2>");
  command.add_flag("--test", arguments->test, "The answer is a list of test results");
  add_key(command, "-c,--cluster-seed", arguments->cluster_seed, "SC",
          "Seed of the cluster, to sign the call with")
      ->envname("WASMCLOUD_CLUSTER_SEED")
      ->type_name("<SEED>");
  arguments->flags = add_rpc_connection(command);
  context.on(
      command,
      "wash call MBCFOPM6JW2APJLXJD3Z5O4CN7CPYJ2B4FTKLJUR5YR5MITIU7HD3WD5 HttpServer.HandleRequest "
      "\\\n"
      "      "
      "'{\"method\":\"GET\",\"path\":\"/echo\",\"body\":\"\",\"queryString\":\"\",\"header\":{}}'",
      [&context, arguments] { return call(context, *arguments); });
}

}  // namespace trellis::wash
