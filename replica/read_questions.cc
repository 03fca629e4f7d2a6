#include "replica/read_questions.h"

#include <algorithm>

namespace kvorum::replica {

std::optional<uint64_t> ReadQuestions::add(NodeId from, uint64_t id) {
    const auto waiting = std::count_if(questions_.begin(), questions_.end(),
                                       [from](const ReadQuestion& question) { return question.from == from; });
    if (static_cast<size_t>(waiting) >= kPerPeerMax) return std::nullopt;
    questions_.push_back({next_id_, from, id});
    return next_id_++;
}

std::optional<ReadQuestion> ReadQuestions::take(uint64_t raft_id) {
    const auto found = std::find_if(questions_.begin(), questions_.end(),
                                    [raft_id](const ReadQuestion& question) { return question.raft_id == raft_id; });
    if (found == questions_.end()) return std::nullopt;
    const ReadQuestion question = *found;
    questions_.erase(found);
    return question;
}

std::vector<ReadQuestion> ReadQuestions::take_all() {
    std::vector<ReadQuestion> all(questions_.begin(), questions_.end());
    questions_.clear();
    return all;
}

void ReadQuestions::forget(NodeId from) {
    std::erase_if(questions_, [from](const ReadQuestion& question) { return question.from == from; });
}

}  // namespace kvorum::replica
