#include "tests/integration/ledger.h"

#include <fmt/format.h>

#include <chrono>
#include <mutex>

#include "base/units.h"
#include "tests/integration/client.h"

namespace kvorum::integration {
namespace {

constexpr size_t kProblemsMax = 20;
constexpr size_t kKeysPerRead = 512;
constexpr auto kRetryInterval = Milliseconds(5);

uint64_t now_ns() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

std::string key_of(uint32_t writer, uint64_t number) { return fmt::format("key:{}:{}", writer, number); }
std::string value_of(uint32_t writer, uint64_t number) { return fmt::format("value {} of writer {}", number, writer); }
std::string counter_of(uint32_t writer) { return fmt::format("counter:{}", writer); }

}  // namespace

struct Ledger::Writer {
    uint32_t number = 0;
    uint32_t depth = 1;
    std::vector<Outcome> keys;  // outcome of key n
    uint64_t increments_done = 0;
    uint64_t increments_unknown = 0;
    mutable std::mutex strange_mutex;
    std::vector<std::string> strange;
};

Ledger::Ledger(std::vector<reactor::Endpoint> nodes, const std::vector<uint32_t>& depths,
               std::chrono::milliseconds patience)
    : nodes_(std::move(nodes)), patience_(patience) {
    last_acknowledgement_ns_ = now_ns();
    for (const uint32_t depth : depths) {
        writers_.push_back(std::make_unique<Writer>());
        writers_.back()->number = static_cast<uint32_t>(writers_.size());
        writers_.back()->depth = depth;
    }
    for (const auto& writer : writers_)
        threads_.emplace_back(&Ledger::run, this, std::ref(*writer));
}

Ledger::~Ledger() { stop(); }

void Ledger::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

void Ledger::note_acknowledgement() {
    const uint64_t now = now_ns();
    const uint64_t before = last_acknowledgement_ns_.exchange(now);
    const uint64_t gap_ns = now > before ? now - before : 0;
    uint64_t longest = longest_gap_ns_.load();
    while (gap_ns > longest && !longest_gap_ns_.compare_exchange_weak(longest, gap_ns)) {
    }
    ++acknowledged_;
}

uint64_t Ledger::take_longest_gap_ms() { return longest_gap_ns_.exchange(0) / kMillisecondNs; }

void Ledger::run(Writer& writer) {
    for (size_t at = writer.number; !stopping_; ++at) {
        Client client(nodes_[at % nodes_.size()], patience_);
        if (!client.is_connected()) {
            std::this_thread::sleep_for(kRetryInterval);
            continue;
        }
        bool healthy = true;
        while (healthy && !stopping_) {
            std::vector<std::vector<std::string>> commands;
            for (uint32_t i = 0; i < writer.depth; ++i) {
                const uint64_t key = writer.keys.size() + i;
                commands.push_back({"SET", key_of(writer.number, key), value_of(writer.number, key)});
            }
            commands.push_back({"INCR", counter_of(writer.number)});
            const std::vector<Answer> answers = client.pipeline(commands);
            for (size_t i = 0; i < answers.size(); ++i) {
                const Outcome outcome = answers[i].outcome;
                const bool is_increment = i + 1 == answers.size();
                if (!is_increment) writer.keys.push_back(outcome);
                if (outcome == Outcome::kDone) note_acknowledgement();
                if (outcome == Outcome::kUnknown) ++unknown_;
                if (outcome == Outcome::kNotExecuted) ++not_executed_;
                if (is_increment && outcome == Outcome::kDone) ++writer.increments_done;
                if (is_increment && outcome == Outcome::kUnknown) ++writer.increments_unknown;
                if (outcome == Outcome::kOtherError) {
                    const std::lock_guard lock(writer.strange_mutex);
                    writer.strange.push_back(answers[i].text);
                }
                healthy = healthy && outcome == Outcome::kDone;
            }
        }
    }
}

std::vector<std::string> Ledger::strange_replies() const {
    std::vector<std::string> all;
    for (const auto& writer : writers_) {
        const std::lock_guard lock(writer->strange_mutex);
        all.insert(all.end(), writer->strange.begin(), writer->strange.end());
    }
    return all;
}

std::vector<std::string> Ledger::check(const reactor::Endpoint& node) const {
    std::vector<std::string> problems;
    Client client(node);
    for (const auto& writer : writers_) {
        const uint32_t w = writer->number;
        for (size_t first = 0; first < writer->keys.size() && problems.size() < kProblemsMax; first += kKeysPerRead) {
            const size_t end = std::min(first + kKeysPerRead, writer->keys.size());
            std::vector<std::string> words{"MGET"};
            for (size_t n = first; n < end; ++n)
                words.push_back(key_of(w, n));
            const Answer answer = client.command(words);
            if (answer.elements.size() != end - first) {
                problems.push_back(fmt::format("reading {} keys failed: {}", end - first, answer.to_string()));
                return problems;
            }
            for (size_t n = first; n < end; ++n) {
                const Answer& found = answer.elements[n - first];
                if (writer->keys[n] == Outcome::kDone && found.is_null) {
                    problems.push_back(fmt::format("LOST: {} was acknowledged and is not there", key_of(w, n)));
                } else if (writer->keys[n] == Outcome::kNotExecuted && !found.is_null) {
                    problems.push_back(
                        fmt::format("UNDEAD: {} was refused as not executed and is there", key_of(w, n)));
                } else if (!found.is_null && found.text != value_of(w, n)) {
                    problems.push_back(fmt::format("WRONG: {} holds '{}'", key_of(w, n), found.text));
                }
            }
        }
        const Answer counter = client.command({"GET", counter_of(w)});
        const uint64_t value = counter.is_null ? 0 : std::strtoull(counter.text.c_str(), nullptr, 10);
        if (counter.lost || value < writer->increments_done ||
            value > writer->increments_done + writer->increments_unknown) {
            problems.push_back(fmt::format("COUNTER: {} is {}; {} increments were acknowledged, {} are unknown",
                                           counter_of(w), counter.to_string(), writer->increments_done,
                                           writer->increments_unknown));
        }
    }
    if (problems.size() > kProblemsMax) problems.resize(kProblemsMax);
    return problems;
}

}  // namespace kvorum::integration
