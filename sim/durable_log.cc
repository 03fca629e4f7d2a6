#include "sim/durable_log.h"

namespace kvorum::sim {

DurableLog::DurableLog(const Machine& machine)
    : scanner_(machine.node_config().cluster_id(), machine.node_config().id, positions_) {
    const Disk left = machine.disk().crash(1, Disk::CrashMode::kLoseAll);
    const std::string& directory = machine.node_config().data_directory;
    for (const auto& [name, size_bytes] : left.list(directory)) {
        const uint64_t sequence = wal::parse_segment_file_name(name);
        if (sequence == 0) continue;
        const std::string image = left.contents(directory + "/" + name);
        if (!scanner_.add_segment(sequence, as_bytes(image))) break;
    }
    verdict_ = scanner_.finish().verdict;
}

}  // namespace kvorum::sim
