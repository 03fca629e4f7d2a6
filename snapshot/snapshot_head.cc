#include "snapshot/snapshot_head.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/assert.h"

namespace kvorum::snapshot {
namespace {

void write_moment(ByteWriter<>& writer, const kv::SnapshotMoment& moment) {
    const kv::StateHead& head = moment.head;
    writer.write(head.applied_index.value());
    writer.write(head.log_time_ms);
    writer.write(head.revision.value());
    writer.write(head.history_floor.value());
    writer.write(head.tombstone_floor.value());
    writer.write(static_cast<uint8_t>(head.settings.hash_seed.has_value()));
    writer.write(head.settings.hash_seed.value_or(0));
    writer.write(head.settings.tombstones_max);
    writer.write(head.settings.tombstone_bytes_max);
    writer.write(head.settings.expiries_per_entry_max);
    writer.write(moment.state_hash);
    writer.write(moment.key_count);
    writer.write(moment.tombstone_count);
}

// Fails the reader where bytes are missing. False: no state is so.
bool read_moment(ByteReader& reader, kv::SnapshotMoment& moment) {
    kv::StateHead& head = moment.head;
    head.applied_index = LogIndex{reader.read<uint64_t>()};
    head.log_time_ms = reader.read<int64_t>();
    head.revision = Revision{reader.read<uint64_t>()};
    head.history_floor = Revision{reader.read<uint64_t>()};
    head.tombstone_floor = Revision{reader.read<uint64_t>()};
    const auto has_seed = reader.read<uint8_t>();
    const auto seed = reader.read<uint64_t>();
    if (has_seed > 1 || (has_seed == 0 && seed != 0)) return false;
    if (has_seed == 1) head.settings.hash_seed = seed;
    head.settings.tombstones_max = reader.read<uint64_t>();
    head.settings.tombstone_bytes_max = reader.read<uint64_t>();
    head.settings.expiries_per_entry_max = reader.read<uint64_t>();
    moment.state_hash = reader.read<uint64_t>();
    moment.key_count = reader.read<uint64_t>();
    moment.tombstone_count = reader.read<uint64_t>();
    const bool floors_fit = head.history_floor <= head.revision && head.tombstone_floor <= head.revision;
    return floors_fit && head.settings.expiries_per_entry_max != 0 &&
           moment.tombstone_count <= head.settings.tombstones_max;
}

absl::Status no_head(std::string_view reason) { return absl::DataLossError(fmt::format("no head: {}", reason)); }

}  // namespace

std::string encode_snapshot_head(const SnapshotHead& head) {
    KVORUM_ASSERT(!head.cluster.is_none() && !head.node.is_none() && !head.group.is_none() &&
                      !head.cluster_name.empty() && head.cluster_name.size() <= kClusterNameBytesMax &&
                      head.group.value() <= kGroupIdMax,
                  "a snapshot of cluster {} \"{}\", group {}", head.cluster, head.cluster_name, head.group);
    KVORUM_ASSERT(head.moment.head.applied_index <= head.base.last.index, "entry {} is applied, the snapshot is of {}",
                  head.moment.head.applied_index, head.base.last.index);
    const std::string base = raft::encode_log_base(head.base);
    std::string out;
    ByteWriter writer(out);
    writer.write(kSnapshotVersion);
    writer.write(head.cluster.value());
    writer.write(static_cast<uint16_t>(head.cluster_name.size()));
    writer.write_text(head.cluster_name);
    writer.write(static_cast<uint32_t>(head.group.value()));
    writer.write(head.node.value());
    writer.write(static_cast<uint32_t>(base.size()));
    writer.write_text(base);
    write_moment(writer, head.moment);
    KVORUM_ASSERT(out.size() <= kHeadBytesMax, "a head of {} bytes", out.size());
    return out;
}

absl::StatusOr<SnapshotHead> decode_snapshot_head(Bytes bytes) {
    ByteReader reader(bytes);
    const auto version = reader.read<uint32_t>();
    if (version > kSnapshotVersion) {
        return absl::FailedPreconditionError(fmt::format(
            "format {}: written by a newer program, this one knows formats up to {}", version, kSnapshotVersion));
    }
    if (version == 0) return no_head("no version");
    SnapshotHead head;
    head.cluster = ClusterId{reader.read<uint64_t>()};
    head.cluster_name = reader.read_text(reader.read<uint16_t>());
    head.group = GroupId{reader.read<uint32_t>()};
    head.node = NodeId{reader.read<uint64_t>()};
    const bool is_named = !head.cluster_name.empty() && head.cluster_name.size() <= kClusterNameBytesMax;
    if (head.cluster.is_none() || !is_named || head.group.is_none() || head.node.is_none())
        return no_head("no cluster, group or node");
    std::optional<raft::LogBase> base = raft::decode_log_base(reader.read_bytes(reader.read<uint32_t>()));
    if (!base.has_value()) return no_head("no base of the log");
    head.base = *std::move(base);
    const bool is_state = read_moment(reader, head.moment);
    if (!reader.finished()) return no_head("its size is wrong");
    if (!is_state || head.moment.head.applied_index > head.base.last.index) return no_head("no state");
    return head;
}

}  // namespace kvorum::snapshot
