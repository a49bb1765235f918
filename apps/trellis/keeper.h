// `trellis --keep`: runs the host as a child, holds copies of the sockets it listens on, and starts
// it again at once when it is killed or crashes. The new one gets the sockets (net/kept_sockets.h):
// what it had in flight is lost, connections that are made meanwhile wait and are served. The first
// process of a container, so it also reaps what others leave. One thread.
#pragma once

namespace trellis {

// Runs `program` with `arguments` (its name first, null last) until it exits by itself, or dies
// again and again within moments. What it exits with, or 128 and the signal. SIGTERM and other
// signals that are sent to this process are passed on. The host finds TRELLIS_RESTARTS and
// TRELLIS_LAST_DEATH in its environment when it is not the first.
int keep_running(const char* program, char** arguments);

}  // namespace trellis
