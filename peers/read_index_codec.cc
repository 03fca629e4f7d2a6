#include "peers/read_index_codec.h"

#include "peers/codec_parts.h"

namespace kvorum::peers {

void encode_read_index_request(const ReadIndexRequest& request, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kReadIndexRequest);
    ByteWriter writer(frame.payload());
    write_group(writer, request.group);
    writer.write<uint64_t>(request.id);
    write_id(writer, request.leader_term);
    writer.write<uint32_t>(request.reads);
    frame.finish();
}

bool decode_read_index_request(const net::Frame& frame, ReadIndexRequest& request) {
    if (frame.type != net::FrameType::kReadIndexRequest) return false;
    ByteReader reader(frame.payload);
    request.group = read_group(reader);
    request.id = reader.read<uint64_t>();
    request.leader_term = read_id<Term>(reader);
    request.reads = reader.read<uint32_t>();
    return reader.finished() && !request.group.is_none();
}

void encode_read_index_reply(const ReadIndexReply& reply, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kReadIndexReply);
    ByteWriter writer(frame.payload());
    write_group(writer, reply.group);
    writer.write<uint64_t>(reply.id);
    write_id(writer, reply.read_index);
    writer.write<int64_t>(reply.leader_clock_ms);
    frame.finish();
}

bool decode_read_index_reply(const net::Frame& frame, ReadIndexReply& reply) {
    if (frame.type != net::FrameType::kReadIndexReply) return false;
    ByteReader reader(frame.payload);
    reply.group = read_group(reader);
    reply.id = reader.read<uint64_t>();
    reply.read_index = read_id<LogIndex>(reader);
    reply.leader_clock_ms = reader.read<int64_t>();
    return reader.finished() && !reply.group.is_none();
}

}  // namespace kvorum::peers
