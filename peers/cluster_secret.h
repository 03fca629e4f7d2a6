// The file that holds the secret of the cluster (peers/peer_secrets.h): read at the start, and again whenever it
// changes, so that a secret can be replaced while the nodes run.
//
// Thread: the owning core; load_cluster_secrets() before it runs.
#pragma once

#include "absl/status/status.h"
#include "config/config.h"
#include "peers/peer_secrets.h"
#include "reactor/reactor.h"
#include "reactor/stop.h"
#include "reactor/task.h"

namespace kvorum::peers {

// Reads the file that `config` names, if any, into it. Blocks: for the start. Warns when other users can read the file;
// the error names it and says what is wrong.
[[nodiscard]] absl::Status load_cluster_secrets(NodeConfig& config);

class ClusterSecret {
 public:
    // The reactor outlives this object.
    ClusterSecret(reactor::Reactor& reactor, const NodeConfig& config);

    [[nodiscard]] const PeerSecrets& secrets() const { return secrets_; }

    // Looks at the file once a second until it is stopped; without a file it ends at once. A file that is missing,
    // unreadable or malformed changes nothing and is logged once. Reading goes through the backend and stops nobody.
    reactor::Task<void> watch(reactor::StopToken stop);

 private:
    reactor::Task<void> look();
    void take(std::string_view text);
    void complain(std::string problem);

    reactor::Reactor& reactor_;
    const std::string file_;
    PeerSecrets secrets_;
    std::string problem_;  // that was logged last
};

}  // namespace kvorum::peers
