#include "sim/durable_log.h"

#include <algorithm>
#include <string>

#include "snapshot/snapshot_file.h"
#include "wal/recovery.h"

namespace kvorum::sim {
namespace {

// What is read first; it almost always holds what is asked for.
constexpr size_t kTailSegments = 2;

// Numbers of the segment files that have a head, lowest first: not the spares behind them.
std::vector<uint64_t> durable_segments(const Machine& machine) {
    std::vector<uint64_t> sequences;
    for (const std::string& name : machine.disk().durable_names(machine.node_config().data_directory)) {
        if (const uint64_t sequence = wal::parse_segment_file_name(name); sequence != 0) sequences.push_back(sequence);
    }
    std::sort(sequences.begin(), sequences.end());
    return sequences;
}

// Up to where a snapshot stands for the log; none: there is none.
raft::EntryId durable_snapshot(const Machine& machine) {
    raft::EntryId newest;
    for (const std::string& name : machine.disk().durable_names(machine.node_config().data_directory)) {
        const auto id = snapshot::parse_snapshot_file_name(name);
        if (id.has_value() && id->index > newest.index) newest = {id->index, id->term};
    }
    return newest;
}

DurableLog scan(const Machine& machine, const std::vector<uint64_t>& sequences, size_t first) {
    wal::PositionIndex positions;
    wal::LogScanner scanner(machine.node_config().id, positions);
    for (size_t i = first; i < sequences.size(); ++i) {
        const std::string path = machine.node_config().data_directory + "/" + wal::segment_file_name(sequences[i]);
        const std::string image = machine.disk().durable_contents(path);
        if (!scanner.add_segment(sequences[i], as_bytes(image))) break;
    }
    DurableLog log;
    log.accepted = wal::is_accepted(scanner.finish().verdict);
    log.hard_state = scanner.replay().hard_state();
    log.known_peers = scanner.replay().known_peers();
    // What is gone without a snapshot that stands for it is lost.
    log.snapshot = durable_snapshot(machine);
    if (scanner.replay().base().last.index <= log.snapshot.index) log.base = scanner.replay().base().last;
    log.last = scanner.replay().last();
    log.terms = scanner.replay().terms();
    return log;
}

}  // namespace

Term DurableLog::term_at(LogIndex index) const {
    Term found;
    if (index > last.index) return found;
    if (index == base.index) return base.term;
    for (const raft::TermRun& run : terms) {
        if (run.first_index <= index) found = run.term;
    }
    return found;
}

DurableLog read_durable_log(const Machine& machine, LogIndex from) {
    const std::vector<uint64_t> sequences = durable_segments(machine);
    // The spares behind the log have no head, or that of another segment.
    size_t used = sequences.size();
    while (used > 0) {
        const std::string path =
            machine.node_config().data_directory + "/" + wal::segment_file_name(sequences[used - 1]);
        const std::string image = machine.disk().durable_contents(path);
        wal::GroupHeader header;
        const bool is_head =
            !image.empty() && wal::decode_group_header(as_bytes(image), header) == wal::GroupError::kNone;
        if (is_head && header.segment_sequence == sequences[used - 1]) break;
        --used;
    }
    if (used > kTailSegments) {
        const DurableLog tail = scan(machine, sequences, used - kTailSegments);
        // Where a large entry fills all of it, its head names that entry, whose end may be missing.
        const bool has_entry = !tail.terms.empty();
        const bool reaches_back = has_entry && tail.terms.front().first_index <= from;
        if (tail.accepted && has_entry && (from.is_none() || from > tail.last.index || reaches_back)) return tail;
    }
    return scan(machine, sequences, 0);
}

}  // namespace kvorum::sim
