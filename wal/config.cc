#include "wal/config.h"

#include "wal/format.h"

namespace kvorum::wal {

std::string_view sync_method_name(SyncMethod method) {
    switch (method) {
        case SyncMethod::kCalibrate: return "calibrate";
        case SyncMethod::kDataSyncPerGroup: return "write + fdatasync";
        case SyncMethod::kDsyncWrite: return "RWF_DSYNC write";
    }
    return "unknown";
}

std::vector<std::string> WalConfig::validate() const {
    std::vector<std::string> violations;
    const auto require = [&](bool holds, const char* what) {
        if (!holds) violations.emplace_back(what);
    };
    require(!directory.empty(), "the log needs a directory");
    require(!cluster.is_none() && !node.is_none(), "the log needs a cluster id and a node id");
    require(
        segment_size_bytes >= 4 * kBlockBytes && segment_size_bytes % kBlockBytes == 0 && segment_size_bytes <= kGiB,
        "segment_size_bytes is a multiple of 4 KiB from 16 KiB to 1 GiB");
    require(spare_segments >= 1, "spare_segments is at least 1");
    require(!cluster_name.empty() && cluster_name.size() <= kClusterNameBytesMax,
            "cluster_name has 1 to 128 characters");
    require(!group.is_none(), "the log needs a group id");
    require(groups_in_flight_max >= 1 && groups_in_flight_max <= 32, "groups_in_flight_max is 1 to 32");
    require(group_bytes_max >= kGroupBytesMin && group_bytes_max % kBlockBytes == 0 && group_bytes_max <= 64 * kMiB,
            "group_bytes_max is a multiple of 4 KiB from 12 KiB to 64 MiB");
    return violations;
}

}  // namespace kvorum::wal
