#include "peers/snapshot_links.h"

#include <algorithm>
#include <utility>

namespace kvorum::peers {

PeerLink& SnapshotLinks::link(PeerLinkConfig config) {
    const auto known =
        std::find_if(links_.begin(), links_.end(), [&](const auto& link) { return link->peer() == config.peer; });
    if (known != links_.end()) return **known;
    config.purpose = LinkPurpose::kSnapshots;
    links_.push_back(
        std::make_unique<PeerLink>(reactor_, flusher_, std::move(config), static_cast<PeerLinkOwner&>(*this)));
    links_.back()->start();
    return *links_.back();
}

void SnapshotLinks::request_stop() {
    for (const auto& link : links_)
        link->request_stop();
}

reactor::Task<void> SnapshotLinks::join() {
    for (const auto& link : links_)
        co_await link->join();
}

uint64_t SnapshotLinks::buffer_bytes() const {
    uint64_t bytes = 0;
    for (const auto& link : links_)
        bytes += link->buffer_bytes();
    return bytes;
}

}  // namespace kvorum::peers
