#include "wal/dump.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "raft/entry.h"
#include "wal/format.h"

namespace kvorum::wal {
namespace {

// What an entry that lies whole in its record says of the cluster; empty for others.
std::string describe_fact(const raft::EntryHeader& header, Bytes body) {
    if (header.type == raft::EntryType::kConfig) {
        const auto configuration = raft::decode_configuration(body);
        return configuration.has_value() ? ": " + raft::describe(*configuration) : ": unreadable";
    }
    if (header.type == raft::EntryType::kFeatureLevel) {
        const auto raise = raft::decode_feature_level(body);
        if (!raise.has_value()) return ": unreadable";
        return fmt::format(": {}, raised by version {}", raise->level, raise->raised_by);
    }
    return {};
}

std::string describe_entry(Bytes encoded, std::string_view piece) {
    raft::EntryHeader header;
    const raft::EntryParseError error = raft::parse_entry_header(encoded, header);
    if (error != raft::EntryParseError::kNone) return fmt::format("entry: {}", raft::entry_parse_error_name(error));
    const bool is_whole = encoded.size() == raft::EntryHeader::kEncodedSize + header.body_size_bytes;
    return fmt::format(
        "entry {}{} term {} group {} level {} {} log time {} ms, {} commands, {} bytes, checksum {:016x}, previous "
        "{:016x}{}",
        header.index, piece, header.term, header.group, header.feature_level, raft::entry_type_name(header.type),
        header.log_time_ms, header.command_count, raft::EntryHeader::kEncodedSize + header.body_size_bytes,
        header.header_checksum, header.prev_checksum,
        is_whole ? describe_fact(header, encoded.subspan(raft::EntryHeader::kEncodedSize)) : "");
}

std::string describe_founding(Bytes payload) {
    const auto founding = decode_founding(payload);
    if (!founding.has_value()) return "founding: unreadable";
    return fmt::format("founding: cluster {:016x} named '{}'", founding->cluster.value(), founding->cluster_name);
}

std::string describe_configuration(Bytes payload) {
    const auto stated = decode_configuration_record(payload);
    if (!stated.has_value()) return "configuration: unreadable";
    return fmt::format("configuration of entry {}: {}", stated->index, raft::describe(stated->fact));
}

std::string describe_feature_level(Bytes payload) {
    const auto stated = decode_feature_level_record(payload);
    if (!stated.has_value()) return "feature level: unreadable";
    return fmt::format("feature level of entry {}: {}, raised by version {}", stated->index, stated->fact.level,
                       stated->fact.raised_by);
}

std::string describe_base(Bytes payload) {
    const auto base = raft::decode_log_base(payload);
    if (!base.has_value()) return "base: unreadable";
    std::string text =
        fmt::format("base: the log begins behind entry {} term {} checksum {:016x}, log time {} ms, level {}",
                    base->last.index, base->last.term, base->last.checksum, base->log_time_ms, base->proven_level);
    if (base->configuration.has_value()) {
        text += fmt::format("; configuration of entry {}: {}", base->configuration->index,
                            raft::describe(base->configuration->fact));
    }
    if (base->raise.has_value()) {
        text += fmt::format("; feature level of entry {}: {}, raised by version {}", base->raise->index,
                            base->raise->fact.level, base->raise->fact.raised_by);
    }
    return text;
}

std::string describe_record(const Record& record) {
    switch (record.kind) {
        case RecordKind::kSegmentHead: {
            const auto head = decode_segment_head(record.payload);
            if (!head.has_value()) return "segment head: unreadable";
            return fmt::format("segment head: {} bytes, before it entry {} term {} checksum {:016x}, log time {} ms{}",
                               head->segment_size_bytes, head->last.index, head->last.term, head->last.checksum,
                               head->last_log_time_ms, head->continues_entry ? ", which goes on here" : "");
        }
        case RecordKind::kHardState: {
            const auto state = decode_hard_state(record.payload);
            if (!state.has_value()) return "hard state: unreadable";
            return fmt::format("hard state: term {} vote {} longest silence {} ms", state->current_term,
                               state->voted_for, state->longest_silence_ms);
        }
        case RecordKind::kKnownPeer: {
            const auto peer = decode_known_peer(record.payload);
            if (!peer.has_value()) return "known peer: wrong size";
            return fmt::format("known peer: node {} by log {:016x}", peer->node, peer->log_id);
        }
        case RecordKind::kFounding: return describe_founding(record.payload);
        case RecordKind::kConfiguration: return describe_configuration(record.payload);
        case RecordKind::kFeatureLevel: return describe_feature_level(record.payload);
        case RecordKind::kBase: return describe_base(record.payload);
        case RecordKind::kEntry: return describe_entry(record.payload, "");
        case RecordKind::kEntryFirst:
            return describe_entry(record.payload, fmt::format(" (first {} bytes)", record.payload.size()));
        case RecordKind::kEntryMiddle: return fmt::format("  goes on, {} bytes", record.payload.size());
        case RecordKind::kEntryLast: return fmt::format("  ends, {} bytes", record.payload.size());
    }
    return "unknown record";
}

void dump_group(const GroupHeader& header, Bytes records, const DumpSink& sink) {
    sink(fmt::format(
        "offset {} group {} epoch {}{}{}: {} bytes, {} records, durable up to group {} index {}, term {} vote {} "
        "longest silence {} ms, "
        "ends at entry {}, checksum {:016x}",
        header.offset_bytes, header.group_sequence, header.epoch, (header.flags & kGroupHead) != 0 ? " head" : "",
        (header.flags & kGroupOpening) != 0 ? " opening" : "", header.size_bytes(), header.record_count,
        header.durable_group, header.durable_index, header.hard_state.current_term, header.hard_state.voted_for,
        header.hard_state.longest_silence_ms, header.last.index, header.header_checksum));
    RecordCursor cursor(records);
    for (auto record = cursor.next(); record.has_value(); record = cursor.next())
        sink("  " + describe_record(*record));
    if (cursor.malformed()) sink("  unreadable records");
}

// Why no group of this segment follows at `offset`; empty when one does.
std::string end_reason(GroupError error, const GroupHeader& header, const GroupHeader& first,
                       const GroupHeader* previous, uint64_t offset) {
    if (error != GroupError::kNone) return std::string(group_error_name(error));
    if (header.segment_sequence != first.segment_sequence || header.offset_bytes != offset) {
        return fmt::format("an older generation: group {} of segment {} offset {}", header.group_sequence,
                           header.segment_sequence, header.offset_bytes);
    }
    if (header.cluster != first.cluster || header.node != first.node) return "a group of another cluster or node";
    if (previous == nullptr) return {};
    const bool follows = header.group_sequence == previous->group_sequence + 1 &&
                         header.prev_header_checksum == previous->header_checksum;
    if (follows) return {};
    return fmt::format("group {} epoch {} does not follow", header.group_sequence, header.epoch);
}

}  // namespace

void dump_segment_bytes(Bytes image, const DumpSink& sink) {
    GroupHeader first;
    const GroupError error = decode_group_header(image, first);
    if (error == GroupError::kVersion) {
        sink(fmt::format("offset 0: written in format {}; this version reads format {}", group_version(image),
                         GroupHeader::kVersion));
        return;
    }
    if (error != GroupError::kNone) {
        sink(fmt::format("offset 0: {}; a spare, or a segment whose head is lost", group_error_name(error)));
        return;
    }
    sink(fmt::format("segment {} of cluster {:016x} group {} node {} log {:016x}, {} bytes", first.segment_sequence,
                     first.cluster.value(), first.group, first.node, first.log_id, image.size()));
    uint64_t offset = 0;
    GroupHeader previous;
    while (offset < image.size()) {
        GroupHeader header;
        const Bytes here = image.subspan(offset);
        const GroupError found = decode_group_header(here, header);
        const std::string reason = end_reason(found, header, first, offset == 0 ? nullptr : &previous, offset);
        if (!reason.empty()) {
            sink(fmt::format("offset {}: the log ends here: {}", offset, reason));
            return;
        }
        const auto records = group_records(header, here);
        if (!records.has_value()) {
            sink(fmt::format("offset {}: the log ends here: the body of group {} is torn or damaged", offset,
                             header.group_sequence));
            return;
        }
        dump_group(header, *records, sink);
        previous = header;
        offset += header.size_bytes();
    }
    sink(fmt::format("offset {}: the segment is full", offset));
}

absl::Status dump_segment(const std::string& path, const DumpSink& sink) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        const std::string text = fmt::format("{}: {}", path, std::generic_category().message(errno));
        return errno == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
    }
    std::string bytes;
    std::string chunk(1 << 20, '\0');
    ssize_t count = 0;
    while ((count = ::read(file, chunk.data(), chunk.size())) > 0)
        bytes.append(chunk, 0, static_cast<size_t>(count));
    const int read_error = errno;
    ::close(file);
    if (count < 0)
        return absl::UnavailableError(fmt::format("{}: {}", path, std::generic_category().message(read_error)));
    dump_segment_bytes(as_bytes(bytes), sink);
    return absl::OkStatus();
}

}  // namespace kvorum::wal
