#include "peers/repair_codec.h"

#include <utility>

#include "base/assert.h"
#include "peers/codec_parts.h"

namespace kvorum::peers {
namespace {

bool decode_repair_entries(Bytes bytes, uint32_t count, ClusterId cluster, RepairReply& reply) {
    reply.entries.clear();
    if (count > bytes.size() / raft::EntryHeader::kEncodedSize) return false;
    if ((count > 0) != (reply.outcome == RepairOutcome::kHeld)) return false;
    for (uint32_t i = 0; i < count; ++i) {
        raft::EntryPtr entry;
        if (raft::Entry::parse(bytes, entry) != raft::EntryParseError::kNone) return false;
        if (entry->header().cluster != cluster || entry->header().group != reply.group) return false;
        if (entry->index().is_none()) return false;
        if (i > 0) {
            const raft::EntryId before = reply.entries.back()->id();
            if (entry->index() != before.index + 1 || entry->header().prev_checksum != before.checksum) return false;
        }
        bytes = bytes.subspan(entry->encoded().size());
        reply.entries.push_back(std::move(entry));
    }
    if (!bytes.empty()) return false;
    if (count == 0) return true;
    const raft::EntryId last = reply.entries.back()->id();
    return last.index == reply.index && last.checksum == reply.checksum;
}

}  // namespace

void encode_repair_request(const RepairRequest& request, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRepairRequest);
    ByteWriter writer(frame.payload());
    write_group(writer, request.group);
    write_id(writer, request.index);
    writer.write<uint64_t>(request.checksum);
    frame.finish();
}

bool decode_repair_request(const net::Frame& frame, RepairRequest& request) {
    if (frame.type != net::FrameType::kRepairRequest) return false;
    ByteReader reader(frame.payload);
    request.group = read_group(reader);
    request.index = read_id<LogIndex>(reader);
    request.checksum = reader.read<uint64_t>();
    return reader.finished() && !request.index.is_none() && !request.group.is_none();
}

void encode_repair_reply(const RepairReply& reply, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRepairReply);
    ByteWriter writer(frame.payload());
    write_group(writer, reply.group);
    write_id(writer, reply.index);
    writer.write<uint64_t>(reply.checksum);
    writer.write<uint8_t>(static_cast<uint8_t>(reply.outcome));
    write_id(writer, reply.at.index);
    write_id(writer, reply.at.term);
    writer.write<uint64_t>(reply.at.checksum);
    writer.write<uint32_t>(static_cast<uint32_t>(reply.entries.size()));
    frame.finish_with_entries(reply.entries);
}

bool decode_repair_reply(const net::Frame& frame, ClusterId cluster, RepairReply& reply) {
    if (frame.type != net::FrameType::kRepairReply) return false;
    ByteReader reader(frame.payload.first(frame.covered_bytes));
    reply.group = read_group(reader);
    reply.index = read_id<LogIndex>(reader);
    reply.checksum = reader.read<uint64_t>();
    const auto outcome = reader.read<uint8_t>();
    reply.at.index = read_id<LogIndex>(reader);
    reply.at.term = read_id<Term>(reader);
    reply.at.checksum = reader.read<uint64_t>();
    const auto count = reader.read<uint32_t>();
    if (!reader.finished() || reply.group.is_none()) return false;
    if (outcome > static_cast<uint8_t>(RepairOutcome::kInSnapshot)) return false;
    reply.outcome = static_cast<RepairOutcome>(outcome);
    if (reply.outcome == RepairOutcome::kOther && reply.at.index > reply.index) return false;
    if (reply.outcome == RepairOutcome::kInSnapshot && reply.at.index < reply.index) return false;
    return decode_repair_entries(frame.payload.subspan(frame.covered_bytes), count, cluster, reply);
}

}  // namespace kvorum::peers
