#include "tests/nemesis/workload.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "base/units.h"
#include "sim/sim_client.h"
#include "tests/integration/client.h"
#include "tests/integration/world.h"

namespace kvorum::nemesis {
namespace {

using integration::Answer;

constexpr uint64_t kRegisters = 4;
constexpr uint64_t kCounters = 3;
constexpr uint64_t kTexts = 2;
constexpr uint64_t kPairs = 2;

std::string key_of(char family, uint64_t generation, uint64_t number) {
    return fmt::format("{}{}.{}", family, generation, number);
}

sim::Command draw_register_command(Prng& random, std::string key, std::string value) {
    switch (random.below(16)) {
        case 0: return sim::set_if_absent(std::move(key), std::move(value));
        case 1: return sim::set_if_exists(std::move(key), std::move(value));
        case 2: return sim::getset(std::move(key), std::move(value));
        case 3: return sim::getdel(std::move(key));
        case 4: return sim::del({std::move(key)});
        case 5: return sim::setnx(std::move(key), std::move(value));
        case 6: return sim::with_get(sim::set(std::move(key), std::move(value)));
        case 7: return sim::exists({std::move(key)});
        case 8:
        case 9:
        case 10:
        case 11: return sim::set(std::move(key), std::move(value));
        default: return sim::get(std::move(key));
    }
}

sim::Command draw_command(Prng& random, uint64_t generation, const std::string& value) {
    const uint64_t family = random.below(16);
    if (family < 4) {
        std::string key = key_of('c', generation, random.below(kCounters));
        if (random.chance(1, 3)) return sim::get(std::move(key));
        return sim::incrby(std::move(key), static_cast<int64_t>(random.between(1, 1000)));
    }
    if (family < 6) {
        std::string key = key_of('a', generation, random.below(kTexts));
        if (random.chance(1, 10)) return sim::del({std::move(key)});
        return random.chance(1, 2) ? sim::get(std::move(key)) : sim::append(std::move(key), value + ";");
    }
    if (family == 6) {
        const std::string one = key_of('m', generation, random.below(kPairs));
        const std::string other = key_of('n', generation, random.below(kPairs));
        if (random.chance(1, 2)) return sim::mget({one, other});
        return sim::mset({one, other}, {value, value});
    }
    return draw_register_command(random, key_of('k', generation, random.below(kRegisters)), value);
}

sim::Reply reply_of(const sim::Command& command, const Answer& answer) {
    if (answer.is_error()) return sim::reply_error(answer.text);
    if (answer.is_null) return sim::reply_nil();
    if (answer.is_integer) return sim::reply_integer(answer.integer);
    if (answer.is_status && answer.text == "OK") return sim::reply_ok();
    if (command.kind != sim::CommandKind::kMget) return sim::reply_text(answer.text);
    std::vector<std::optional<std::string>> list;
    for (const Answer& element : answer.elements)
        list.push_back(element.is_null ? std::nullopt : std::optional(element.text));
    return sim::reply_list(std::move(list));
}

sim::Outcome outcome_of(const Answer& answer) {
    switch (answer.outcome) {
        case integration::Outcome::kNotExecuted: return sim::Outcome::kNotExecuted;
        case integration::Outcome::kUnknown: return sim::Outcome::kUnknown;
        case integration::Outcome::kDone:
        case integration::Outcome::kOtherError: return sim::Outcome::kExecuted;
    }
    return sim::Outcome::kUnknown;
}

}  // namespace

struct Workload::Client {
    Client(uint64_t n, uint64_t seed) : number(n), random(seed) {}

    uint64_t number;
    Prng random;
    uint64_t next_id = 1;
    std::optional<integration::Client> connection;
    sim::History history;
};

Workload::Workload(std::vector<reactor::Endpoint> nodes, WorkloadConfig config)
    : nodes_(std::move(nodes)), config_(config), started_ns_(now_ns()) {
    Prng seeds(config.seed);
    for (uint32_t number = 1; number <= config.clients; ++number)
        clients_.push_back(std::make_unique<Client>(number, seeds.next()));
    for (const auto& client : clients_)
        threads_.emplace_back(&Workload::run, this, std::ref(*client));
}

Workload::~Workload() { stop(); }

void Workload::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

uint64_t Workload::now_ns() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

uint64_t Workload::generation() const {
    return (now_ns() - started_ns_) / (static_cast<uint64_t>(config_.key_life.count()) * kMillisecondNs);
}

void Workload::run(Client& client) {
    size_t target = client.number;
    while (!stopping_) {
        if (!client.connection.has_value()) {
            target = client.random.below(nodes_.size());
            client.connection.emplace(nodes_[target], config_.patience);
        }
        bool usable = client.connection->is_connected();
        if (usable) {
            const uint64_t count = client.random.chance(1, 6) ? client.random.between(2, 4) : 1;
            std::vector<sim::Command> commands;
            for (uint64_t i = 0; i < count; ++i) {
                const std::string value = fmt::format("{}-{}", client.number, client.next_id + i);
                commands.push_back(draw_command(client.random, generation(), value));
            }
            usable = exchange(client, std::move(commands));
        }
        // After a failure a client takes its time: the checker's work grows with the outcomes that are open.
        const uint64_t pause_us = usable ? 2 * config_.think_us : 20 * config_.think_us;
        if (!usable || client.random.chance(1, 200)) client.connection.reset();
        std::this_thread::sleep_for(std::chrono::microseconds(client.random.below(pause_us + 1)));
    }
    client.connection.reset();
}

bool Workload::exchange(Client& client, std::vector<sim::Command> commands) {
    std::vector<std::string> encoded;
    for (const sim::Command& command : commands)
        encoded.push_back(sim::encode_command(command));
    const uint64_t invoked_at_ns = now_ns();
    const std::vector<Answer> answers = client.connection->exchange(encoded);
    const uint64_t completed_at_ns = now_ns();
    bool usable = true;
    for (size_t i = 0; i < commands.size(); ++i) {
        sim::Operation operation;
        operation.client = client.number;
        operation.id = client.next_id++;
        operation.invoked_at_ns = invoked_at_ns;
        operation.completed_at_ns = completed_at_ns;
        operation.outcome = outcome_of(answers[i]);
        if (operation.outcome == sim::Outcome::kExecuted) {
            operation.reply = reply_of(commands[i], answers[i]);
            ++executed_;
        }
        usable = usable && operation.outcome == sim::Outcome::kExecuted;
        operation.command = std::move(commands[i]);
        client.history.push_back(std::move(operation));
    }
    return usable;
}

bool Workload::read_back(const reactor::Endpoint& node, std::chrono::milliseconds deadline) {
    clients_.push_back(std::make_unique<Client>(clients_.size() + 1, config_.seed));
    Client& reader = *clients_.back();
    reader.connection.emplace(node, config_.patience);
    const auto read = [&](const std::string& key) {
        if (exchange(reader, {sim::get(key)})) return true;
        reader.connection.emplace(node, config_.patience);
        return false;
    };
    constexpr std::array<std::pair<char, uint64_t>, 5> kFamilies{
        {{'k', kRegisters}, {'c', kCounters}, {'a', kTexts}, {'m', kPairs}, {'n', kPairs}}};
    const uint64_t last = generation();
    for (uint64_t number = 0; number <= last; ++number) {
        for (const auto& [family, count] : kFamilies) {
            for (uint64_t key = 0; key < count; ++key) {
                const std::string name = key_of(family, number, key);
                if (!integration::wait_until(deadline, [&] { return read(name); })) return false;
            }
        }
    }
    return true;
}

sim::History Workload::take_history() {
    sim::History all;
    for (const auto& client : clients_) {
        all.insert(all.end(), std::make_move_iterator(client->history.begin()),
                   std::make_move_iterator(client->history.end()));
        client->history.clear();
    }
    return all;
}

}  // namespace kvorum::nemesis
