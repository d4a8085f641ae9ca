#pragma once
// How a daemon's heap behaves once it is up: what its start took is given back, and what comes and
// goes with every frame is kept instead of being handed to the kernel and fetched again, page by
// page. (Streaming a log through relays: half the CPU, twice the bytes per second.)
// Cost: up to 2 MiB stay resident after a peak. Once, before the loop runs.

namespace banyan::io {

void settle_heap();

}  // namespace banyan::io
