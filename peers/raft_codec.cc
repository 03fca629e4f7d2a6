#include "peers/raft_codec.h"

#include <utility>

#include "base/assert.h"
#include "peers/codec_parts.h"

namespace kvorum::peers {
namespace {

constexpr uint8_t kPreVoteFlag = 1;
constexpr uint8_t kGrantedFlag = 2;
constexpr uint8_t kSuccessFlag = 1;

void encode_body(GroupId group, const raft::RequestVote& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRequestVote);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    write_id(writer, message.last_log_index);
    write_id(writer, message.last_log_term);
    write_id(writer, message.handed_over_by);
    writer.write<uint8_t>(message.pre_vote ? kPreVoteFlag : 0);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::RequestVote& message) {
    bool valid = true;
    message.term = read_id<Term>(reader);
    message.last_log_index = read_id<LogIndex>(reader);
    message.last_log_term = read_id<Term>(reader);
    message.handed_over_by = read_id<NodeId>(reader);
    const uint8_t flags = read_flags(reader, kPreVoteFlag, valid);
    message.pre_vote = (flags & kPreVoteFlag) != 0;
    return valid && reader.finished();
}

void encode_body(GroupId group, const raft::RequestVoteReply& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kRequestVoteReply);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    const uint8_t pre_vote = message.pre_vote ? kPreVoteFlag : 0;
    const uint8_t granted = message.granted ? kGrantedFlag : 0;
    writer.write<uint8_t>(pre_vote | granted);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::RequestVoteReply& message) {
    bool valid = true;
    message.term = read_id<Term>(reader);
    const uint8_t flags = read_flags(reader, kPreVoteFlag | kGrantedFlag, valid);
    message.pre_vote = (flags & kPreVoteFlag) != 0;
    message.granted = (flags & kGrantedFlag) != 0;
    return valid && reader.finished();
}

void encode_body(GroupId group, const raft::AppendEntriesReply& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kAppendEntriesReply);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    write_id(writer, message.match_index);
    write_id(writer, message.rejected_prev_index);
    write_id(writer, message.hint_index);
    write_id(writer, message.hint_term);
    writer.write<uint64_t>(message.read_round);
    writer.write<uint64_t>(message.silence_ns);
    writer.write<uint64_t>(message.memory_limit_bytes);
    writer.write<uint16_t>(message.feature_level_max);
    writer.write<uint8_t>(message.success ? kSuccessFlag : 0);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::AppendEntriesReply& message) {
    bool valid = true;
    message.term = read_id<Term>(reader);
    message.match_index = read_id<LogIndex>(reader);
    message.rejected_prev_index = read_id<LogIndex>(reader);
    message.hint_index = read_id<LogIndex>(reader);
    message.hint_term = read_id<Term>(reader);
    message.read_round = reader.read<uint64_t>();
    message.silence_ns = reader.read<uint64_t>();
    message.memory_limit_bytes = reader.read<uint64_t>();
    message.feature_level_max = reader.read<uint16_t>();
    message.success = (read_flags(reader, kSuccessFlag, valid) & kSuccessFlag) != 0;
    return valid && reader.finished();
}

void encode_body(GroupId group, const raft::TimeoutNow& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kTimeoutNow);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    frame.finish();
}

bool decode_body(ByteReader& reader, raft::TimeoutNow& message) {
    message.term = read_id<Term>(reader);
    return reader.finished();
}

void encode_body(GroupId group, const raft::AppendEntries& message, net::OutputBuffer& out) {
    net::FrameWriter frame(out, net::FrameType::kAppendEntries);
    ByteWriter writer(frame.payload());
    write_group(writer, group);
    write_id(writer, message.term);
    write_id(writer, message.prev_log_index);
    write_id(writer, message.prev_log_term);
    write_id(writer, message.leader_commit);
    writer.write<uint64_t>(message.read_round);
    writer.write<uint32_t>(static_cast<uint32_t>(message.entries.size()));
    frame.finish_with_entries(message.entries);
}

bool add_entry(raft::EntryPtr entry, ClusterId cluster, GroupId group, raft::AppendEntries& message) {
    const LogIndex expected_index = message.prev_log_index + (message.entries.size() + 1);
    if (entry->header().cluster != cluster || entry->header().group != group) return false;
    if (entry->index() != expected_index) return false;
    if (entry->term() > message.term) return false;
    message.entries.push_back(std::move(entry));
    return true;
}

bool decode_entries(Bytes bytes, uint32_t count, ClusterId cluster, GroupId group, raft::AppendEntries& message) {
    for (uint32_t i = 0; i < count; ++i) {
        raft::EntryPtr entry;
        if (raft::Entry::parse(bytes, entry) != raft::EntryParseError::kNone) return false;
        bytes = bytes.subspan(entry->encoded().size());
        if (!add_entry(std::move(entry), cluster, group, message)) return false;
    }
    return bytes.empty();
}

// All but the entries, `count` of them in `entry_bytes` bytes.
bool decode_append_head(const net::Frame& frame, GroupId group, uint64_t entry_bytes, raft::AppendEntries& message,
                        uint32_t& count) {
    ByteReader reader(frame.payload.first(frame.covered_bytes));
    if (read_group(reader) != group) return false;
    message.term = read_id<Term>(reader);
    message.prev_log_index = read_id<LogIndex>(reader);
    message.prev_log_term = read_id<Term>(reader);
    message.leader_commit = read_id<LogIndex>(reader);
    message.read_round = reader.read<uint64_t>();
    count = reader.read<uint32_t>();
    message.entries.clear();
    return reader.finished() && count <= entry_bytes / raft::EntryHeader::kEncodedSize &&
           message.prev_log_index.value() <= UINT64_MAX - count;
}

bool decode_append_entries(const net::Frame& frame, ClusterId cluster, GroupId group, raft::AppendEntries& message) {
    const Bytes entries = frame.payload.subspan(frame.covered_bytes);
    uint32_t count = 0;
    return decode_append_head(frame, group, entries.size(), message, count) &&
           decode_entries(entries, count, cluster, group, message);
}

template <typename T>
bool decode_as(const net::Frame& frame, GroupId group, raft::MessageBody& body) {
    ByteReader reader(frame.payload);
    return read_group(reader) == group && decode_body(reader, body.emplace<T>());
}

}  // namespace

void encode_raft_message(GroupId group, const raft::MessageBody& body, net::OutputBuffer& out) {
    std::visit([group, &out](const auto& message) { encode_body(group, message, out); }, body);
}

bool decode_raft_message(const net::Frame& frame, ClusterId cluster, GroupId group, raft::MessageBody& body) {
    switch (frame.type) {
        case net::FrameType::kRequestVote: return decode_as<raft::RequestVote>(frame, group, body);
        case net::FrameType::kRequestVoteReply: return decode_as<raft::RequestVoteReply>(frame, group, body);
        case net::FrameType::kAppendEntriesReply: return decode_as<raft::AppendEntriesReply>(frame, group, body);
        case net::FrameType::kTimeoutNow: return decode_as<raft::TimeoutNow>(frame, group, body);
        case net::FrameType::kAppendEntries:
            return decode_append_entries(frame, cluster, group, body.emplace<raft::AppendEntries>());
        default: return false;
    }
}

bool AppendEntriesReader::begin(const net::Frame& frame, GroupId group) {
    group_ = group;
    bytes_left_ = frame.streamed_bytes;
    assembler_ = {};
    return decode_append_head(frame, group, frame.streamed_bytes, message_, entries_left_);
}

bool AppendEntriesReader::take(Bytes piece, ClusterId cluster) {
    bytes_left_ -= static_cast<uint32_t>(piece.size());
    while (!piece.empty()) {
        raft::EntryPtr entry;
        if (entries_left_ == 0) return false;
        const raft::EntryParseError error = assembler_.take(piece, entry);
        if (error == raft::EntryParseError::kShort) break;
        if (error != raft::EntryParseError::kNone || !add_entry(std::move(entry), cluster, group_, message_))
            return false;
        --entries_left_;
    }
    return !done() || entries_left_ == 0;
}

}  // namespace kvorum::peers
