#include "keyvalue/embedded_provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "capability/link_values.h"
#include "keyvalue/store_queue.h"

namespace trellis::keyvalue {
namespace {

constexpr const char* kSite = "keyvalue";
constexpr std::string_view kStore = "STORE";
constexpr std::string_view kDefaultStore = "default";
constexpr std::size_t kStoreNameMax = 64;

// The name becomes a file's: nothing in it may lead elsewhere.
bool is_store_name(std::string_view name) {
  return !name.empty() && name.size() <= kStoreNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string_view store_of(const lattice::Link& link) {
  for (const auto& [key, value] : link.values) {
    if (capability::same_ignoring_case(key, kStore)) return value;
  }
  return kDefaultStore;
}

Result<std::unique_ptr<EmbeddedStore>> open_store(const std::filesystem::path& folder,
                                                  const std::string& store) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) {
    return fail(Errc::denied, kSite,
                fmt::format("cannot make the folder {} for key-value stores: {}", folder.string(),
                            error.message()));
  }
  return EmbeddedStore::open((folder / (store + ".sqlite3")).string());
}

}  // namespace

EmbeddedProvider::EmbeddedProvider(capability::ProviderContext context)
    : context_(std::move(context)), per_core_(context_.cores.size()) {}
EmbeddedProvider::~EmbeddedProvider() = default;

runtime::Task<void> EmbeddedProvider::link_put(lattice::Link link) {
  CO_TRY_OK(capability::LinkValues::read(link));
  const std::string store(store_of(link));
  if (!is_store_name(store)) {
    co_return fail(Errc::invalid, kSite,
                   fmt::format("STORE '{}' is not a name of a-z, 0-9, '-' and '_', at most {} long",
                               store, kStoreNameMax));
  }
  CO_TRY(const auto thread, co_await open(store));
  store_of_actor_[link.actor_id] = store;
  CO_TRY_OK(
      co_await context_.cores.on_each([this, store, thread] { return add_here(store, thread); }));
  LOG(info, "keyvalue: actor {} uses store '{}' in {}", link.actor_id, store, context_.data_dir);
  co_return co_await close_unused();
}

std::string EmbeddedProvider::warning_about(const lattice::Link& link) const {
  return capability::warning_about_unknown(link, {kStore});
}

runtime::Task<void> EmbeddedProvider::link_delete(lattice::Link link) {
  store_of_actor_.erase(link.actor_id);
  co_return co_await close_unused();
}

runtime::Task<std::shared_ptr<StoreThread>> EmbeddedProvider::open(std::string store) {
  if (const auto found = open_.find(store); found != open_.end()) co_return found->second;
  auto thread = std::make_shared<StoreThread>();
  const std::filesystem::path folder(context_.data_dir);
  auto work = [&] { return open_store(folder, store); };
  CO_TRY(thread->store, co_await thread->disk.run<std::unique_ptr<EmbeddedStore>>(work));
  open_[store] = thread;
  co_return thread;
}

runtime::Task<void> EmbeddedProvider::add_here(std::string store,
                                               std::shared_ptr<StoreThread> thread) {
  auto& queues = per_core_[runtime::Core::current().index()];
  if (!queues.contains(store)) queues.emplace(store, std::make_shared<StoreQueue>(thread));
  co_return Result<void>{};
}

runtime::Task<void> EmbeddedProvider::remove_here(std::string store) {
  per_core_[runtime::Core::current().index()].erase(store);
  co_return Result<void>{};
}

runtime::Task<void> EmbeddedProvider::close_unused() {
  std::vector<std::string> unused;
  for (const auto& [store, thread] : open_) {
    const bool used = std::any_of(store_of_actor_.begin(), store_of_actor_.end(),
                                  [&](const auto& other) { return other.second == store; });
    if (!used) unused.push_back(store);
  }
  for (const auto& store : unused) {
    CO_TRY_OK(co_await context_.cores.on_each([this, store] { return remove_here(store); }));
    open_.erase(store);
  }
  co_return Result<void>{};
}

runtime::Task<Bytes> EmbeddedProvider::handle(const lattice::Link& link, std::string_view operation,
                                              BytesView payload, runtime::Deadline deadline) {
  const auto& queues = per_core_[runtime::Core::current().index()];
  const auto found = queues.find(store_of(link));
  if (found == queues.end()) {
    co_return fail(
        Errc::unavailable, kSite,
        fmt::format("store '{}' is not open; `wash ctl link query` says why", store_of(link)));
  }
  const auto queue = found->second;
  co_return co_await queue->call(operation, payload, deadline);
}

runtime::Task<void> EmbeddedProvider::health() { co_return Result<void>{}; }

runtime::Task<void> EmbeddedProvider::stop(runtime::Deadline) {
  store_of_actor_.clear();
  co_return co_await close_unused();
}

}  // namespace trellis::keyvalue
