// Listening sockets that outlive this process. Whoever started it (`trellis --keep`, systemd with
// FileDescriptorStoreMax=) holds a copy of each, and hands them to the next process when this one
// dies: connections that are made in between wait in the sockets' queues and are served, where they
// would be refused. The protocol is systemd's: sd_notify(3) FDSTORE=1, sd_listen_fds(3). Used by
// listen_on(); what is kept belongs to the process, as its environment does. Any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/bind.h"

namespace trellis::net {

// What `trellis --keep` (apps/trellis/keeper.h) shares with it: the first descriptor that is passed
// on, SD_LISTEN_FDS_START, and how a message begins that brings one to be kept.
inline constexpr int kFirstPassedSocket = 3;
inline constexpr std::string_view kStoreSocket = "FDSTORE=1";

// From main(), before anything listens or is started: takes what the process before this one left,
// and where copies are kept. Both are gone from the environment afterwards. Nobody keeps: nothing
// happens, here and below.
void inherit_sockets();

// Those that were left for this address ("ip:port"), which the caller now owns.
std::vector<ListeningSocket> take_kept(const std::string& address);

// Has copies kept. One that is merely closed here lives on there, which is the point.
void keep(std::span<const ListeningSocket> sockets);

// Before a listener closes for good: nobody is to wait there, and whoever keeps a copy lets go of
// it.
void let_go(int listening_socket);

// When everything that is to listen does: shuts down those that nobody took, for a connection to
// them would wait in vain. How many there were.
std::size_t drop_untaken();

}  // namespace trellis::net
