#include "sim/sim_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace kvorum::sim {
namespace {

constexpr uint16_t kClientPort = 7000;

std::string encode_words(const std::vector<std::string>& words) {
    std::string out = fmt::format("*{}\r\n", words.size());
    for (const std::string& word : words)
        out += fmt::format("${}\r\n{}\r\n", word.size(), word);
    return out;
}

void add_set_words(const Command& command, std::vector<std::string>& words) {
    words.insert(words.end(), {command.keys[0], command.values[0]});
    switch (command.condition) {
        case SetCondition::kAlways: break;
        case SetCondition::kNx: words.emplace_back("NX"); break;
        case SetCondition::kXx: words.emplace_back("XX"); break;
        case SetCondition::kIfeq: words.insert(words.end(), {"IFEQ", command.expected}); break;
    }
    if (command.returns_old) words.emplace_back("GET");
}

const char* command_word(CommandKind kind) {
    switch (kind) {
        case CommandKind::kGet: return "GET";
        case CommandKind::kSet: return "SET";
        case CommandKind::kSetnx: return "SETNX";
        case CommandKind::kGetset: return "GETSET";
        case CommandKind::kGetdel: return "GETDEL";
        case CommandKind::kIncrby: return "INCRBY";
        case CommandKind::kAppend: return "APPEND";
        case CommandKind::kDel: return "DEL";
        case CommandKind::kExists: return "EXISTS";
        case CommandKind::kMget: return "MGET";
        case CommandKind::kMset: return "MSET";
        case CommandKind::kRename: return "RENAME";
    }
    return "?";
}

Reply reply_of(const redis::ReplyValue& value) {
    switch (value.type) {
        case redis::ReplyType::kInteger: return reply_integer(value.integer);
        case redis::ReplyType::kNull: return reply_nil();
        case redis::ReplyType::kBulkString: return reply_text(value.text);
        case redis::ReplyType::kError: return reply_error(value.text);
        case redis::ReplyType::kSimpleString: return value.text == "OK" ? reply_ok() : reply_text(value.text);
        case redis::ReplyType::kArray: {
            std::vector<std::optional<std::string>> list;
            list.reserve(value.elements.size());
            for (const redis::ReplyValue& element : value.elements) {
                list.push_back(element.type == redis::ReplyType::kNull ? std::nullopt : std::optional(element.text));
            }
            return reply_list(std::move(list));
        }
        default: return reply_error("a reply of an unexpected type");
    }
}

Outcome outcome_of(const redis::ReplyValue& value) {
    if (!value.is_error()) return Outcome::kExecuted;
    constexpr std::array<std::string_view, 5> kNotExecuted{"CLUSTERDOWN", "TRYAGAIN", "MISCONF", "MOVED", "OOM"};
    const std::string_view text = value.text;
    if (text.starts_with("UNCERTAIN")) return Outcome::kUnknown;
    for (const std::string_view prefix : kNotExecuted) {
        if (text.starts_with(prefix)) return Outcome::kNotExecuted;
    }
    return Outcome::kExecuted;
}

}  // namespace

std::string encode_command(const Command& command) {
    std::vector<std::string> words{command_word(command.kind)};
    switch (command.kind) {
        case CommandKind::kSet: add_set_words(command, words); break;
        case CommandKind::kIncrby:
            words.insert(words.end(), {command.keys[0], std::to_string(command.increment)});
            break;
        case CommandKind::kMset:
            for (size_t i = 0; i < command.keys.size(); ++i)
                words.insert(words.end(), {command.keys[i], command.values[i]});
            break;
        default:
            words.insert(words.end(), command.keys.begin(), command.keys.end());
            words.insert(words.end(), command.values.begin(), command.values.end());
            break;
    }
    return encode_words(words);
}

SimClient::SimClient(ClientConfig config, EventQueue& events, Network& network, Trace& trace, History& history)
    : config_(config), events_(events), network_(network), trace_(trace), history_(history), random_(config.seed) {
    network_.host_up(config_.host, *this);
}

void SimClient::start() {
    target_ = static_cast<HostId>(random_.between(1, config_.nodes));
    events_.after(random_.below(config_.think_ns + 1), [this] { step(); });
}

void SimClient::request(Command command, HostId node, std::function<void(Outcome)> done) {
    KVORUM_ASSERT(config_.scripted && idle());
    if (socket_ != kNoSocket && target_ != node) give_up();
    target_ = node;
    done_ = std::move(done);
    scripted_.push_back(std::move(command));
    step();
}

void SimClient::think() {
    if (config_.scripted) return;
    const uint64_t number = patience_number_;
    const uint64_t pause_ns = std::exchange(patience_pause_ns_, 0);
    events_.after(pause_ns + random_.below(2 * config_.think_ns + 1), [this, number] {
        if (number == patience_number_) step();
    });
}

void SimClient::step() {
    if (!outstanding_.empty()) return;
    if (stopped_ && !config_.scripted) return;
    const bool moves_on = !config_.scripted && random_.chance(1, 25);
    if (moves_on && socket_ != kNoSocket) {
        network_.close(socket_);
        socket_ = kNoSocket;
        connected_ = false;
        target_ = static_cast<HostId>(random_.between(1, config_.nodes));
    }
    if (socket_ == kNoSocket) {
        parser_ = redis::RespReplyParser();
        output_.clear();
        socket_ = network_.connect(config_.host, target_, kClientPort);
        arm_patience();
        return;
    }
    if (connected_) send_batch();
}

void SimClient::send_batch() {
    if (config_.scripted) {
        if (scripted_.empty()) return;
        add_command(std::move(scripted_.front()));
        scripted_.pop_front();
    } else {
        const uint64_t count = random_.chance(1, 4) ? random_.between(2, 6) : 1;
        for (uint64_t i = 0; i < count; ++i) {
            if (config_.reads_only) {
                add_command(draw_read());
            } else if (random_.chance(1, 12)) {
                add_unrecorded_command();
            } else {
                add_command(draw_command());
            }
        }
    }
    arm_patience();
    flush();
}

void SimClient::add_command(Command command) {
    output_ += encode_command(command);
    Operation operation;
    operation.client = config_.host;
    operation.id = next_id_++;
    operation.command = std::move(command);
    operation.invoked_at_ns = events_.now_ns();
    trace_.note(config_.host, "invoke", operation.id);
    if (trace_.prints()) trace_.say(config_.host, format_operation(operation));
    outstanding_.push_back(history_.size());
    history_.push_back(std::move(operation));
}

void SimClient::add_unrecorded_command() {
    const std::string key = fmt::format("t{}", random_.below(4));
    std::vector<std::string> words{"GET", key};
    if (random_.chance(1, 60)) {
        words = draw_large_command();
    } else if (random_.chance(2, 3))
        words = {"SET", key, fmt::format("ttl-{}-{}", config_.host, next_id_++), "PX",
                 fmt::format("{}", random_.between(1, 400))};
    output_ += encode_words(words);
    outstanding_.push_back(kUnrecorded);
}

// More than a turn of a node does at once.
std::vector<std::string> SimClient::draw_large_command() {
    if (random_.chance(1, 4)) return {"KEYS", "*"};
    const uint64_t form = random_.below(4);
    static constexpr std::array<const char*, 4> kNames{"MSET", "DEL", "MGET", "EXISTS"};
    std::vector<std::string> words{kNames[form]};
    uint64_t count = random_.between(500, 2500);
    if (count % 8 == 0) count *= 4;
    for (uint64_t i = count; i > 0; --i) {
        words.push_back(fmt::format("large{}", i));
        if (form == 0) words.push_back(fmt::format("{}", next_id_));
    }
    return words;
}

uint64_t SimClient::draw_generation() {
    const uint64_t generation = events_.now_ns() / config_.key_life_ns + 1;
    return random_.chance(1, 12) ? generation - 1 : generation;
}

std::string SimClient::draw_key(char family, uint64_t keys) { return draw_key(family, keys, draw_generation()); }

std::string SimClient::draw_key(char family, uint64_t keys, uint64_t generation) {
    return fmt::format("{}{}.{}", family, random_.below(keys), generation);
}

Command SimClient::draw_lasting_key_command() {
    std::string key = fmt::format("l{}", random_.below(2));
    if (random_.chance(1, 2)) return get(std::move(key));
    return set(std::move(key), fmt::format("{}-{}", config_.host, next_id_));
}

Command SimClient::draw_counter_command() {
    std::string key = draw_key('c', config_.hot_keys);
    switch (random_.below(6)) {
        case 0: return get(std::move(key));
        case 1: return random_.chance(1, 8) ? del({std::move(key)}) : get(std::move(key));
        default: return incrby(std::move(key), static_cast<int64_t>(random_.between(1, 1'000'000'000)));
    }
}

Command SimClient::draw_multi_key_command() {
    // Of one generation: else all generations would be searched as one part of the history.
    const uint64_t generation = draw_generation();
    std::string key = draw_key('m', 3, generation);
    std::string other = draw_key('n', 3, generation);
    std::string value = fmt::format("{}-{}", config_.host, next_id_);
    switch (random_.below(8)) {
        case 0:
        case 1: return mset({std::move(key), std::move(other)}, {value, value});
        case 2: return del({std::move(key), std::move(other)});
        case 3: return rename(std::move(key), std::move(other));
        default: return mget({std::move(key), std::move(other)});
    }
}

Command SimClient::draw_command() {
    const uint64_t family = random_.below(16);
    if (family < 3) return draw_counter_command();
    if (family == 3) return draw_multi_key_command();
    if (family == 4) return draw_lasting_key_command();
    std::string value = fmt::format("{}-{}", config_.host, next_id_);
    if (family == 5) {
        std::string log = draw_key('a', config_.hot_keys);
        if (random_.chance(1, 6)) return del({std::move(log)});
        return random_.chance(1, 2) ? get(std::move(log)) : append(std::move(log), value + ";");
    }
    std::string key = draw_key('k', config_.hot_keys);
    switch (random_.below(16)) {
        case 0: return set_if_absent(std::move(key), std::move(value));
        case 1: return set_if_exists(std::move(key), std::move(value));
        case 2: return getset(std::move(key), std::move(value));
        case 3: return getdel(std::move(key));
        case 4: return del({std::move(key)});
        case 5: return setnx(std::move(key), std::move(value));
        case 6: return exists({std::move(key)});
        case 7:
        case 8:
        case 9:
        case 10:
        case 11: return set(std::move(key), std::move(value));
        default: return get(std::move(key));
    }
}

Command SimClient::draw_read() {
    switch (random_.below(8)) {
        case 0: return get(draw_key('c', config_.hot_keys));
        case 1: return get(draw_key('a', config_.hot_keys));
        case 2: return get(fmt::format("l{}", random_.below(2)));
        case 3: return exists({draw_key('k', config_.hot_keys)});
        case 4: {
            const uint64_t generation = draw_generation();
            std::string key = draw_key('m', 3, generation);
            return mget({std::move(key), draw_key('n', 3, generation)});
        }
        default: return get(draw_key('k', config_.hot_keys));
    }
}

void SimClient::flush() {
    if (output_.empty() || socket_ == kNoSocket || !connected_) return;
    const int64_t sent = network_.send(socket_, as_bytes(output_));
    if (sent < 0) {
        give_up();
        return;
    }
    output_.erase(0, static_cast<size_t>(sent));
    // What is left goes out with on_writable(); a partial send leaves no wish for room behind, so ask for it.
    if (!output_.empty() && sent > 0) flush();
}

void SimClient::arm_patience() {
    const uint64_t number = ++patience_number_;
    events_.after(config_.patience_ns, [this, number] {
        if (number == patience_number_) give_up();
    });
}

void SimClient::finish(size_t index, Outcome outcome, Reply reply) {
    if (index != kUnrecorded) {
        Operation& operation = history_[index];
        operation.outcome = outcome;
        operation.completed_at_ns = events_.now_ns();
        if (outcome == Outcome::kExecuted) operation.reply = std::move(reply);
        trace_.note(config_.host, "outcome", operation.id, static_cast<uint64_t>(outcome));
        if (trace_.prints()) trace_.say(config_.host, format_operation(operation));
    }
    if (done_ && outstanding_.empty()) std::exchange(done_, nullptr)(outcome);
}

void SimClient::give_up() {
    ++patience_number_;
    if (socket_ != kNoSocket) network_.close(socket_);
    socket_ = kNoSocket;
    connected_ = false;
    output_.clear();
    target_ = static_cast<HostId>(random_.between(1, config_.nodes));
    scripted_.clear();
    const std::deque<size_t> lost = std::exchange(outstanding_, {});
    for (const size_t index : lost)
        finish(index, Outcome::kUnknown, {});
    if (done_) std::exchange(done_, nullptr)(Outcome::kNotExecuted);
    // A client whose command was lost waits before the next one; a checker's work grows with the outcomes that are
    // open.
    if (!lost.empty()) patience_pause_ns_ = random_.between(config_.think_ns, 10 * config_.think_ns);
    think();
}

void SimClient::on_reply(const redis::ReplyValue& value) {
    if (outstanding_.empty()) {
        // A reply that nobody asked for must not pass for silence: it is put where the checker sees it.
        history_.push_back({.client = config_.host,
                            .id = next_id_++,
                            .command = get("unasked"),
                            .invoked_at_ns = events_.now_ns(),
                            .completed_at_ns = events_.now_ns(),
                            .outcome = Outcome::kExecuted,
                            .reply = reply_error("unasked")});
        return;
    }
    const size_t index = outstanding_.front();
    outstanding_.pop_front();
    ++answered_;
    const Outcome outcome = outcome_of(value);
    if (outcome == Outcome::kUnknown) patience_pause_ns_ = random_.between(config_.think_ns, 10 * config_.think_ns);
    const std::string_view moved = "MOVED ";
    if (value.is_error() && value.text.starts_with(moved)) {
        const size_t name = value.text.find("node");
        if (name != std::string::npos) {
            HostId host = 0;
            std::from_chars(value.text.data() + name + 4, value.text.data() + value.text.size(), host);
            if (host != 0) target_ = redirected_to_ = host;
        }
    }
    finish(index, outcome, outcome == Outcome::kExecuted ? reply_of(value) : Reply{});
}

void SimClient::on_connected(SocketId socket, int32_t result) {
    if (socket != socket_) return;
    if (result < 0) {
        socket_ = kNoSocket;
        give_up();
        return;
    }
    connected_ = true;
    step();
}

void SimClient::on_accepted(uint16_t /*port*/, SocketId /*socket*/) {}

void SimClient::on_readable(SocketId socket) {
    if (socket != socket_ || !connected_) return;
    const bool had_outstanding = !outstanding_.empty();
    const HostId target = target_;
    if (network_.readable_bytes(socket) > 0) {
        const std::string bytes = network_.read(socket, SIZE_MAX);
        parser_.feed(as_bytes(bytes));
        redis::ReplyValue value;
        while (parser_.next(value) == redis::ReplyStatus::kReply) {
            on_reply(value);
            if (socket_ != socket) return;
        }
    }
    if (network_.was_reset(socket) || network_.at_end(socket)) {
        give_up();
        return;
    }
    if (!had_outstanding || !outstanding_.empty()) return;
    ++patience_number_;
    if (target != target_) {
        network_.close(socket_);
        socket_ = kNoSocket;
        connected_ = false;
    }
    think();
}

void SimClient::on_writable(SocketId socket) {
    if (socket == socket_) flush();
}

}  // namespace kvorum::sim
