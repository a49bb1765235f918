// For tests: an API server of a screenful, on the project's own HTTP server. Keeps objects by path,
// knows services, config maps, deployments, and a custom resource with an odd plural; server-side
// apply replaces the object and writes down who did.
#pragma once

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "codec/json.h"
#include "kubernetes/api_json.h"
#include "net/http_server.h"
#include "net/test_server.h"

namespace trellis::kubernetes {

namespace json = boost::json;

inline json::object object_of(std::string_view text) { return parse_json(text)->as_object(); }

class FakeApi final : public net::HttpHandler {
 public:
  FakeApi() : cores_(runtime::test_cores()) {
    net::HttpServerOptions options;
    options.address = "127.0.0.1:0";
    auto server = cores_->run_blocking<std::unique_ptr<net::HttpServer>>(
        0, [&] { return net::HttpServer::listen(*cores_, options, *this); });
    EXPECT_TRUE(server);
    server_ = std::move(*server);
  }
  ~FakeApi() override {
    EXPECT_TRUE(cores_->run_blocking<void>(
        0, [this] { return server_->close(runtime::Deadline::in(std::chrono::seconds(5))); }));
    server_.reset();
    cores_->stop();
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

  // From the test's thread, between calls.
  void put(const std::string& path, std::string_view text) { objects[path] = object_of(text); }
  bool asked(std::string_view line) const {
    for (const auto& each : requests)
      if (each == line) return true;
    return false;
  }

  std::map<std::string, json::object> objects;  // by path
  std::vector<std::string> requests;            // "PATCH /api/v1/… ?fieldManager=…"
  std::vector<std::string> bodies;              // of those that had one
  std::string token = "good";
  std::string forbidden;  // requests that begin so are refused
  bool paged = false;     // lists come in pieces
  int replaced = 0;       // so many applies find another object than the one that was read
  bool later = false;     // the custom resource is known only after its definition was applied

  runtime::Task<net::HttpResponse> handle(const net::HttpRequest& request) override {
    const std::string path(request.path);
    requests.push_back(fmt::format("{} {}{}{}", request.method, path,
                                   request.query.empty() ? "" : "?", request.query));
    if (!request.body.empty()) bodies.emplace_back(as_text(request.body));
    if (request.header("authorization") != "Bearer " + token) co_return status(401, "Unauthorized");
    if (!forbidden.empty() && requests.back().starts_with(forbidden))
      co_return status(403, "services is forbidden: User \"u\" cannot do that");
    if (request.method == "POST") co_return answer(200, review(as_text(request.body)));
    if (request.method == "PATCH") co_return patch(path, request);
    if (request.method == "DELETE") co_return remove(path);
    co_return get(path, request.query);
  }

 private:
  static net::HttpResponse answer(std::uint16_t code, const json::object& object) {
    net::HttpResponse response;
    response.status = code;
    response.storage = to_bytes(codec::json_write(object));
    response.body = response.storage;
    return response;
  }
  static net::HttpResponse status(std::uint16_t code, std::string_view message) {
    return answer(code, {{"kind", "Status"}, {"message", std::string(message)}});
  }
  net::HttpResponse get(const std::string& path, std::string_view query) const {
    if (path == "/version") return answer(200, {{"major", "1"}});
    if (path == "/api/v1") {
      return answer(200, object_of(R"({"resources":[
        {"name":"services","kind":"Service","namespaced":true},
        {"name":"services/status","kind":"Service","namespaced":true},
        {"name":"configmaps","kind":"ConfigMap","namespaced":true},
        {"name":"namespaces","kind":"Namespace","namespaced":false}]})"));
    }
    if (path == "/apis/apps/v1")
      return answer(200, object_of(R"({"resources":[
        {"name":"deployments","kind":"Deployment","namespaced":true}]})"));
    if (path == "/apis/apiextensions.k8s.io/v1")
      return answer(200, object_of(R"({"resources":[{"name":"customresourcedefinitions",
        "kind":"CustomResourceDefinition","namespaced":false}]})"));
    if (path == "/apis/x.test/v1" && !later)
      return answer(200, object_of(R"({"resources":[
        {"name":"oxen","kind":"Ox","namespaced":true}]})"));
    if (const auto found = objects.find(path); found != objects.end())
      return answer(200, found->second);
    if (path.ends_with("s")) return list(path, query);
    return status(404, path + " not found");
  }
  // One object a page when `paged`; the next page is named by where it begins.
  net::HttpResponse list(const std::string& path, std::string_view query) const {
    const auto from = query.find("continue=");
    std::size_t left_out = from == query.npos ? 0 : std::stoul(std::string(query.substr(from + 9)));
    json::object metadata;
    json::array items;
    std::size_t at = 0;
    for (const auto& [where, object] : objects) {
      if (!where.starts_with(path + "/") || at++ < left_out) continue;
      if (paged && !items.empty()) {
        metadata["continue"] = std::to_string(at - 1);
        break;
      }
      items.push_back(object);
    }
    return answer(200, {{"metadata", std::move(metadata)}, {"items", std::move(items)}});
  }
  static json::object review(std::string_view text) {
    const auto asked = object_of(text);
    const auto& verb = asked.at("spec").at("resourceAttributes").at("verb");
    return {{"status", json::object{{"allowed", verb != "list"}}}};
  }
  net::HttpResponse patch(const std::string& path, const net::HttpRequest& request) {
    if (request.header("content-type") == "application/json-patch+json")
      return answer(200, objects[path]);
    auto object = object_of(as_text(request.body));
    auto& metadata = object["metadata"].as_object();
    if (metadata.contains("uid") && replaced-- > 0)
      return status(422, "metadata.uid: Invalid value: \"1\": field is immutable");
    if (object.contains("conflict")) return status(409, "Apply failed with 1 conflict");
    metadata["managedFields"] =
        object_of(R"({"a":[{"manager":"kubernetes-applier-provider","operation":"Apply",
                            "apiVersion":"v1"}]})")["a"];
    if (path.find("customresourcedefinitions") != std::string::npos) later = false;
    objects[path] = object;
    return answer(200, object);
  }
  net::HttpResponse remove(const std::string& path) {
    return objects.erase(path) > 0 ? answer(200, {}) : status(404, "not found");
  }

  std::unique_ptr<runtime::Cores> cores_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace trellis::kubernetes
