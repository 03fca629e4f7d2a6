#include "peers/snapshot_codec.h"

#include "base/assert.h"
#include "peers/codec_parts.h"

namespace kvorum::peers {
namespace {

void write_name(ByteWriter<>& writer, const SnapshotName& name) {
    write_id(writer, name.index);
    write_id(writer, name.term);
    writer.write<uint64_t>(name.size_bytes);
    writer.write<uint64_t>(name.checksum);
}

SnapshotName read_name(ByteReader& reader) {
    SnapshotName name;
    name.index = read_id<LogIndex>(reader);
    name.term = read_id<Term>(reader);
    name.size_bytes = reader.read<uint64_t>();
    name.checksum = reader.read<uint64_t>();
    return name;
}

// One that names a snapshot.
bool is_a_snapshot(const SnapshotName& name) {
    return !name.index.is_none() && !name.term.is_none() && name.size_bytes > 0;
}

}  // namespace

void encode_snapshot_offer(const SnapshotOffer& offer, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kSnapshotOffer);
    ByteWriter writer(frame.payload());
    write_group(writer, offer.group);
    write_id(writer, offer.term);
    write_name(writer, offer.name);
    frame.finish();
}

bool decode_snapshot_offer(const net::Frame& frame, SnapshotOffer& offer) {
    if (frame.type != net::FrameType::kSnapshotOffer) return false;
    ByteReader reader(frame.payload);
    offer.group = read_group(reader);
    offer.term = read_id<Term>(reader);
    offer.name = read_name(reader);
    return reader.finished() && !offer.group.is_none() && is_a_snapshot(offer.name) && offer.name.term <= offer.term;
}

void encode_snapshot_report(const SnapshotReport& report, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kSnapshotReport);
    ByteWriter writer(frame.payload());
    write_group(writer, report.group);
    write_name(writer, report.name);
    writer.write<uint8_t>(report.installed ? 1 : 0);
    frame.finish();
}

bool decode_snapshot_report(const net::Frame& frame, SnapshotReport& report) {
    if (frame.type != net::FrameType::kSnapshotReport) return false;
    ByteReader reader(frame.payload);
    report.group = read_group(reader);
    report.name = read_name(reader);
    const auto installed = reader.read<uint8_t>();
    report.installed = installed == 1;
    return reader.finished() && !report.group.is_none() && is_a_snapshot(report.name) && installed <= 1;
}

void encode_snapshot_fetch(const SnapshotFetch& fetch, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kSnapshotFetch);
    ByteWriter writer(frame.payload());
    write_group(writer, fetch.group);
    write_name(writer, fetch.name);
    writer.write<uint64_t>(fetch.offset);
    frame.finish();
}

bool decode_snapshot_fetch(const net::Frame& frame, SnapshotFetch& fetch) {
    if (frame.type != net::FrameType::kSnapshotFetch) return false;
    ByteReader reader(frame.payload);
    fetch.group = read_group(reader);
    fetch.name = read_name(reader);
    fetch.offset = reader.read<uint64_t>();
    return reader.finished() && !fetch.group.is_none();
}

void encode_snapshot_part(const SnapshotPart& part, net::OutputBuffer& out) {
    KVORUM_ASSERT(part.bytes.size() <= kSnapshotPartBytesMax, "{} bytes", part.bytes.size());
    net::FrameWriter frame(out, net::FrameType::kSnapshotPart);
    ByteWriter writer(frame.payload());
    write_group(writer, part.group);
    write_name(writer, part.name);
    writer.write<uint64_t>(part.offset);
    write_sized(writer, as_text(part.bytes));
    frame.finish();
}

bool decode_snapshot_part(const net::Frame& frame, SnapshotPart& part) {
    if (frame.type != net::FrameType::kSnapshotPart) return false;
    ByteReader reader(frame.payload);
    part.group = read_group(reader);
    part.name = read_name(reader);
    part.offset = reader.read<uint64_t>();
    const auto bytes = reader.read<uint32_t>();
    part.bytes = reader.read_bytes(bytes);
    if (!reader.finished() || part.group.is_none() || part.bytes.size() > kSnapshotPartBytesMax) return false;
    if (part.name.is_none()) return part.bytes.empty();
    return part.offset <= part.name.size_bytes && part.bytes.size() <= part.name.size_bytes - part.offset &&
           (!part.bytes.empty() || part.offset == part.name.size_bytes);
}

}  // namespace kvorum::peers
