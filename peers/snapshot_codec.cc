#include "peers/snapshot_codec.h"

#include "base/assert.h"
#include "peers/codec_parts.h"

namespace kvorum::peers {
namespace {

void write_entry_id(ByteWriter<>& writer, const raft::EntryId& id) {
    write_id(writer, id.index);
    write_id(writer, id.term);
    writer.write<uint64_t>(id.checksum);
}

raft::EntryId read_entry_id(ByteReader& reader) {
    raft::EntryId id;
    id.index = read_id<LogIndex>(reader);
    id.term = read_id<Term>(reader);
    id.checksum = reader.read<uint64_t>();
    return id;
}

}  // namespace

void encode_snapshot_offer(const SnapshotOffer& offer, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kSnapshotOffer);
    ByteWriter writer(frame.payload());
    write_group(writer, offer.group);
    write_id(writer, offer.term);
    write_entry_id(writer, offer.last);
    writer.write<uint64_t>(offer.size_bytes);
    frame.finish();
}

bool decode_snapshot_offer(const net::Frame& frame, SnapshotOffer& offer) {
    if (frame.type != net::FrameType::kSnapshotOffer) return false;
    ByteReader reader(frame.payload);
    offer.group = read_group(reader);
    offer.term = read_id<Term>(reader);
    offer.last = read_entry_id(reader);
    offer.size_bytes = reader.read<uint64_t>();
    return reader.finished() && !offer.group.is_none() && !offer.last.index.is_none() &&
           offer.last.term <= offer.term && offer.size_bytes > 0;
}

void encode_snapshot_report(const SnapshotReport& report, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kSnapshotReport);
    ByteWriter writer(frame.payload());
    write_group(writer, report.group);
    write_entry_id(writer, report.last);
    writer.write<uint8_t>(report.installed ? 1 : 0);
    frame.finish();
}

bool decode_snapshot_report(const net::Frame& frame, SnapshotReport& report) {
    if (frame.type != net::FrameType::kSnapshotReport) return false;
    ByteReader reader(frame.payload);
    report.group = read_group(reader);
    report.last = read_entry_id(reader);
    const auto installed = reader.read<uint8_t>();
    report.installed = installed == 1;
    return reader.finished() && !report.group.is_none() && !report.last.index.is_none() && installed <= 1;
}

void encode_snapshot_fetch(const SnapshotFetch& fetch, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kSnapshotFetch);
    ByteWriter writer(frame.payload());
    write_group(writer, fetch.group);
    write_entry_id(writer, fetch.last);
    writer.write<uint64_t>(fetch.offset);
    frame.finish();
}

bool decode_snapshot_fetch(const net::Frame& frame, SnapshotFetch& fetch) {
    if (frame.type != net::FrameType::kSnapshotFetch) return false;
    ByteReader reader(frame.payload);
    fetch.group = read_group(reader);
    fetch.last = read_entry_id(reader);
    fetch.offset = reader.read<uint64_t>();
    return reader.finished() && !fetch.group.is_none();
}

void encode_snapshot_part(const SnapshotPart& part, net::OutputBuffer& out) {
    KVORUM_ASSERT(part.bytes.size() <= kSnapshotPartBytesMax, "{} bytes", part.bytes.size());
    net::FrameWriter frame(out, net::FrameType::kSnapshotPart);
    ByteWriter writer(frame.payload());
    write_group(writer, part.group);
    write_entry_id(writer, part.last);
    writer.write<uint64_t>(part.size_bytes);
    writer.write<uint64_t>(part.offset);
    write_sized(writer, as_text(part.bytes));
    frame.finish();
}

bool decode_snapshot_part(const net::Frame& frame, SnapshotPart& part) {
    if (frame.type != net::FrameType::kSnapshotPart) return false;
    ByteReader reader(frame.payload);
    part.group = read_group(reader);
    part.last = read_entry_id(reader);
    part.size_bytes = reader.read<uint64_t>();
    part.offset = reader.read<uint64_t>();
    const auto bytes = reader.read<uint32_t>();
    part.bytes = reader.read_bytes(bytes);
    if (!reader.finished() || part.group.is_none() || part.bytes.size() > kSnapshotPartBytesMax) return false;
    if (part.last.index.is_none()) return part.bytes.empty();
    return part.offset <= part.size_bytes && part.bytes.size() <= part.size_bytes - part.offset &&
           (!part.bytes.empty() || part.offset == part.size_bytes);
}

}  // namespace kvorum::peers
