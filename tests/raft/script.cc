#include "tests/raft/script.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

namespace kvorum::raft::testing {
namespace {

std::vector<uint64_t> numbers(const std::string& list) {
    std::vector<uint64_t> found;
    std::istringstream stream(list);
    for (std::string item; std::getline(stream, item, ',');)
        found.push_back(std::stoull(item));
    return found;
}

std::vector<uint64_t> values(const std::vector<NodeId>& ids) {
    std::vector<uint64_t> found;
    for (const NodeId id : ids)
        found.push_back(id.value());
    return found;
}

bool contains(const std::vector<uint64_t>& values, uint64_t value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

std::string Script::Command::option(const std::string& key, const std::string& otherwise) const {
    for (const auto& [name_of_option, value] : options) {
        if (name_of_option == key) return value;
    }
    return otherwise;
}

uint64_t Script::Command::number(size_t position) const { return std::stoull(words.at(position)); }

Script::Command Script::parse(const std::string& line) {
    Command command;
    std::istringstream stream(line);
    stream >> command.name;
    for (std::string word; stream >> word;) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos) {
            command.words.push_back(word);
        } else {
            command.options.emplace_back(word.substr(0, equals), word.substr(equals + 1));
        }
    }
    return command;
}

std::string Script::run(const std::string& line) {
    output_.clear();
    const Command command = parse(line);
    const bool known = run_setup(command) ||
                       (cluster_ != nullptr && (run_input(command) || run_network(command) || run_question(command)));
    if (!known) print("unknown command: " + line);
    return output_;
}

bool Script::run_setup(const Command& command) {
    if (command.name == "quiet") {
        quiet_ = command.words.at(0) == "on";
        return true;
    }
    if (command.name != "add-nodes") return false;
    cluster_ = std::make_unique<Cluster>(command.number(0), [command](RaftConfig& config) {
        config.message_bytes_max = std::stoull(command.option("message-bytes", "1048576"));
        config.inflight_messages_max = std::stoull(command.option("inflight-messages", "256"));
        config.cache_bytes_max = std::stoull(command.option("cache-bytes", "33554432"));
    });
    for (uint64_t id = 1; id <= cluster_->size(); ++id) {
        NodeOptions& options = cluster_->node(id).options;
        options.persist_at_once = command.option("persist", "auto") == "auto";
        options.apply_at_once = command.option("apply", "auto") == "auto";
        options.answer_log_reads_at_once = command.option("log-reads", "auto") == "auto";
    }
    cluster_->trace = [this](const std::string& line) {
        if (!quiet_) print(line);
    };
    return true;
}

bool Script::run_input(const Command& command) {
    const std::string& name = command.name;
    Cluster& cluster = *cluster_;
    if (name == "disk") {
        Node& node = cluster.node(command.number(0));
        node.disk.entries = make_log(numbers(command.words.at(1)));
        node.disk.hard_state.current_term = Term{std::stoull(command.option("term", "0"))};
        node.disk.hard_state.voted_for = NodeId{std::stoull(command.option("vote", "0"))};
        cluster.crash(command.number(0));
        cluster.restart(command.number(0));
    } else if (name == "campaign") {
        cluster.campaign(command.number(0));
    } else if (name == "tick") {
        cluster.advance(std::stoull(command.option("ms", "100")) * kMillisecondNs, ids(command));
    } else if (name == "run") {
        cluster.run_for(std::stoull(command.option("ms", "100")) * kMillisecondNs, ids(command));
    } else if (name == "propose") {
        const ProposeResult result = cluster.propose(command.number(0), command.words.at(1));
        if (result.status == ProposeStatus::kNotLeader) print("refused: not the leader");
        if (result.status == ProposeStatus::kOverloaded) print("refused: overloaded");
        if (result.status == ProposeStatus::kHandingOver) print("refused: handing over");
    } else if (name == "read") {
        const uint64_t count = command.words.size() > 1 ? command.number(1) : 1;
        for (uint64_t i = 0; i < count; ++i) {
            if (cluster.read(command.number(0)).first == ReadStatus::kNotLeader) print("refused: not the leader");
        }
    } else if (name == "transfer") {
        print_transfer(cluster.transfer(command.number(0), command.words.size() > 1 ? command.number(1) : 0));
    } else if (name == "slow-disk") {
        cluster.node(command.number(0)).options.persist_at_once = false;
    } else if (name == "persist") {
        cluster.persist(command.number(0), command.words.size() > 1 ? command.number(1) : SIZE_MAX);
    } else if (name == "apply") {
        cluster.apply(command.number(0));
    } else if (name == "answer-reads") {
        cluster.answer_log_reads(command.number(0));
    } else if (name == "crash") {
        cluster.crash(command.number(0));
    } else if (name == "restart") {
        cluster.restart(command.number(0));
    } else if (name == "compact") {
        cluster.compact(command.number(0), std::stoull(command.option("keep", "0")));
    } else if (name == "join") {
        print(fmt::format("node {} joins", cluster.add_node()));
    } else if (name == "change") {
        change(command);
    } else if (name == "stall") {
        cluster.stall_disk(command.number(0), command.words.at(1) == "on");
    } else if (name == "unreachable") {
        cluster.unreachable(command.number(0), command.number(1));
    } else if (name == "connected") {
        cluster.connected(command.number(0), command.number(1));
    } else {
        return false;
    }
    return true;
}

void Script::change(const Command& command) {
    using Kind = ConfigurationChange::Kind;
    const std::string& what = command.words.at(1);
    ConfigurationChange change{.node = NodeId{command.number(2)}};
    if (what == "add") {
        change.kind = Kind::kAddLearner;
        change.member = {.id = change.node, .peer = {"host", 1}, .client = {"host", 2}};
        change.member.promote = command.option("promote", "no") == "yes";
    } else if (what == "replace") {
        change.kind = Kind::kReplace;
        change.by = NodeId{std::stoull(command.option("by", "0"))};
    } else {
        change.kind = what == "promote" ? Kind::kPromote : what == "demote" ? Kind::kDemote : Kind::kRemove;
    }
    const ChangeResult result = cluster_->change(command.number(0), change);
    if (result.status != ChangeStatus::kAccepted) print(fmt::format("refused: {}", change_status_name(result.status)));
}

void Script::print_members(const Status& status) {
    std::string text = fmt::format("   voters {}", fmt::join(values(status.voters), ","));
    if (!status.outgoing.empty()) text += fmt::format(" outgoing {}", fmt::join(values(status.outgoing), ","));
    if (!status.learners.empty()) text += fmt::format(" learners {}", fmt::join(values(status.learners), ","));
    print(text + (status.change_in_progress ? " (changing)" : ""));
}

void Script::print_transfer(const TransferStart& start) {
    switch (start.status) {
        case TransferStatus::kStarted: print(fmt::format("transfer to {} begins", start.target)); return;
        case TransferStatus::kNotLeader: print("refused: not the leader"); return;
        case TransferStatus::kUnderWay:
            print(fmt::format("refused: a transfer to {} is under way", start.target));
            return;
        case TransferStatus::kNoSuchVoter: print("refused: no such voter"); return;
        case TransferStatus::kUnreachable: print("refused: unreachable"); return;
    }
}

std::vector<uint64_t> Script::ids(const Command& command) {
    std::vector<uint64_t> found;
    for (const std::string& word : command.words)
        found.push_back(std::stoull(word));
    return found;
}

bool Script::run_network(const Command& command) {
    Cluster& cluster = *cluster_;
    if (command.name == "deliver") {
        deliver(command, false);
    } else if (command.name == "drop") {
        deliver(command, true);
    } else if (command.name == "isolate") {
        cluster.isolate(command.number(0));
    } else if (command.name == "partition") {
        std::vector<std::vector<uint64_t>> groups;
        for (const std::string& group : command.words)
            groups.push_back(numbers(group));
        cluster.partition(groups);
    } else if (command.name == "heal") {
        cluster.heal();
    } else if (command.name == "stabilize") {
        cluster.settle(ids(command));
    } else {
        return false;
    }
    return true;
}

// Takes the chosen messages out first, so that what they cause stays in flight.
void Script::deliver(const Command& command, bool lose) {
    const uint64_t to = command.words.empty() || !std::isdigit(command.words[0][0]) ? 0 : command.number(0);
    const uint64_t from = std::stoull(command.option("from", "0"));
    const std::vector<uint64_t> dropped = numbers(command.option("drop", ""));
    const std::vector<uint64_t> only = numbers(command.option("only", ""));
    const auto has_word = [&](const std::string& word) {
        return std::find(command.words.begin(), command.words.end(), word) != command.words.end();
    };
    std::vector<Message> chosen;
    uint64_t position = 0;
    for (size_t i = 0; i < cluster_->network().size();) {
        const Message message = cluster_->network()[i];
        if ((to != 0 && message.to != NodeId{to}) || (from != 0 && message.from != NodeId{from})) {
            ++i;
            continue;
        }
        ++position;
        if (!only.empty() && !contains(only, position)) {
            ++i;
            continue;
        }
        cluster_->drop(i);
        if (lose || contains(dropped, position)) {
            print("dropped: " + describe(message));
        } else {
            chosen.push_back(message);
        }
    }
    if (has_word("reverse")) std::reverse(chosen.begin(), chosen.end());
    for (const Message& message : chosen) {
        for (int times = has_word("twice") ? 2 : 1; times > 0; --times) {
            if (cluster_->is_cut(message.from, message.to) || !cluster_->is_up(message.to.value())) {
                print("lost: " + describe(message));
            } else {
                if (!quiet_) print(describe(message));
                cluster_->inject(message);
            }
        }
    }
}

bool Script::run_question(const Command& command) {
    const uint64_t only = command.words.empty() ? 0 : command.number(0);
    if (command.name == "network") {
        for (const Message& message : cluster_->network())
            print(describe(message));
        return true;
    }
    if (command.name != "state" && command.name != "log" && command.name != "members") return false;
    for (uint64_t id = 1; id <= cluster_->size(); ++id) {
        if (only != 0 && only != id) continue;
        if (command.name == "state") print_state(id);
        if (command.name == "log") print_log(id);
        if (command.name == "members" && cluster_->is_up(id)) {
            print(fmt::format("{}: {} term={}", id, role_name(cluster_->raft(id).role()),
                              cluster_->raft(id).current_term()));
            print_members(cluster_->raft(id).status());
        }
    }
    return true;
}

void Script::print_state(uint64_t id) {
    const HardState& durable = cluster_->node(id).disk.hard_state;
    if (!cluster_->is_up(id)) {
        return print(fmt::format("{}: down, on disk: term={} vote={} last={}", id, durable.current_term,
                                 durable.voted_for, cluster_->node(id).disk.last_index()));
    }
    const Status status = cluster_->raft(id).status();
    print(fmt::format("{}: {} term={} leader={} commit={} applied={} durable={} last={}", id, role_name(status.role),
                      status.term, status.leader, status.commit_index, status.last_applied, status.durable_index,
                      status.last_index));
    if (!status.transfer_target.is_none()) print(fmt::format("   hands over to {}", status.transfer_target));
    for (const PeerStatus& peer : status.peers) {
        print(fmt::format("   {}: {} match={} next={}", peer.id, peer.state, peer.match_index, peer.next_index));
    }
    const MessageCounters& dropped = status.dropped_messages;
    if (dropped.malformed + dropped.contradicting + dropped.unknown_sender == 0) return;
    print(fmt::format("   dropped: {} malformed, {} contradicting, {} of unknown senders", dropped.malformed,
                      dropped.contradicting, dropped.unknown_sender));
}

void Script::print_log(uint64_t id) {
    if (!cluster_->is_up(id)) return print(fmt::format("{}: down", id));
    const Status status = cluster_->raft(id).status();
    std::string text = fmt::format("{}:", id);
    if (!status.base_index.is_none()) text += fmt::format(" behind {}", status.base_index);
    for (LogIndex index = status.base_index + 1; index <= status.last_index; ++index) {
        if (index == status.durable_index + 1) text += " || not durable:";
        text += fmt::format(" [{}]", describe(cluster_->entry(id, index)));
    }
    print(text);
}

}  // namespace kvorum::raft::testing
