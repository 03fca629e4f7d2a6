// Whether a node may go on with a log: the options must name the voters that the log names, because quorums of other
// voters need not overlap with those that decided what is in it.
//
// Thread: any; pure.
#pragma once

#include "absl/status/status.h"
#include "base/ids.h"
#include "config/config.h"
#include "raft/configuration.h"

namespace kvorum::replica {

// What the options say the members of a new cluster are.
[[nodiscard]] raft::Configuration founding_configuration(const NodeConfig& config);

// FailedPrecondition: the options say other voters than the log; the message has both, and what to do. `logged` is the
// configuration in force in the log; null: it has none yet, and only the cluster id tells for whom it was made.
[[nodiscard]] absl::Status check_log_membership(const NodeConfig& config, ClusterId cluster,
                                                const raft::Configuration* logged);

}  // namespace kvorum::replica
