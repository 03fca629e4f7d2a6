// The texts of the harness, and entries that tests make up.
#include "tests/raft/harness.h"

namespace kvorum::raft::testing {

std::string describe(const EntryPtr& entry) {
    const std::string_view body = as_text(entry->body());
    const EntryType type = entry->header().type;
    const std::string what(type == EntryType::kCommands ? body.substr(0, 20) : entry_type_name(type));
    return fmt::format("{}/{} {}", entry->index(), entry->term(), what);
}

std::string describe(const Message& message) {
    std::string text = fmt::format("{}->{} ", message.from, message.to);
    if (const auto* vote = std::get_if<RequestVote>(&message.body)) {
        text += fmt::format("{} term={} last={}/{}", vote->pre_vote ? "PreVote" : "RequestVote", vote->term,
                            vote->last_log_index, vote->last_log_term);
        if (!vote->handed_over_by.is_none()) text += fmt::format(" handed-over-by={}", vote->handed_over_by);
        return text;
    }
    if (const auto* timeout = std::get_if<TimeoutNow>(&message.body))
        return text + fmt::format("TimeoutNow term={}", timeout->term);
    if (const auto* vote_reply = std::get_if<RequestVoteReply>(&message.body)) {
        return text + fmt::format("{} term={} {}", vote_reply->pre_vote ? "PreVoteReply" : "RequestVoteReply",
                                  vote_reply->term, vote_reply->granted ? "granted" : "refused");
    }
    if (const auto* append = std::get_if<AppendEntries>(&message.body)) {
        text += fmt::format("AppendEntries term={} prev={}/{} commit={}", append->term, append->prev_log_index,
                            append->prev_log_term, append->leader_commit);
        if (append->read_round > 0) text += fmt::format(" round={}", append->read_round);
        std::string entries;
        for (const EntryPtr& entry : append->entries)
            entries += (entries.empty() ? "" : ", ") + describe(entry);
        return entries.empty() ? text : text + " [" + entries + "]";
    }
    const auto& reply = std::get<AppendEntriesReply>(message.body);
    text += reply.success ? fmt::format("AppendEntriesReply term={} match={}", reply.term, reply.match_index)
                          : fmt::format("AppendEntriesReply term={} rejected={} hint={}/{}", reply.term,
                                        reply.rejected_prev_index, reply.hint_index, reply.hint_term);
    if (reply.read_round > 0) text += fmt::format(" round={}", reply.read_round);
    return text;
}

EntryPtr make_entry(LogIndex index, Term term, const std::string& text, uint64_t prev_checksum, ClusterId cluster) {
    EntryBuilder builder(EntryType::kCommands);
    builder.buffer().append(text);
    builder.add_command_count(1);
    return std::move(builder).seal(cluster, kFirstGroup, index, term, prev_checksum);
}

EntryList make_log(const std::vector<uint64_t>& terms) {
    EntryList entries;
    uint64_t prev_checksum = 0;
    for (const uint64_t term : terms) {
        const LogIndex index{entries.size() + 1};
        entries.push_back(make_entry(index, Term{term}, fmt::format("e{}t{}", index, term), prev_checksum));
        prev_checksum = entries.back()->id().checksum;
    }
    return entries;
}

}  // namespace kvorum::raft::testing
