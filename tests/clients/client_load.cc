#include "tests/clients/client_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include "base/assert.h"

namespace kvorum::integration {
namespace {

constexpr uint32_t kKillTimeoutMs = 20'000;
constexpr size_t kKeysAtOnce = 500;

uint64_t number_in(std::string_view text) {
    uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::map<std::string, uint64_t> counters(Client& client, const std::vector<std::string>& objects) {
    std::vector<std::string> command{"MGET"};
    command.insert(command.end(), objects.begin(), objects.end());
    const Answer answer = client.command(command);
    std::map<std::string, uint64_t> values;
    for (size_t i = 0; i < answer.elements.size(); ++i)
        values[objects[i]] = number_in(answer.elements[i].text);
    return values;
}

}  // namespace

struct ClientLoad::Told {
    std::set<uint64_t> set_keys;      // acknowledged
    std::set<uint64_t> refused_keys;  // definitely not executed
    uint64_t increments = 0;          // acknowledged
    uint64_t increments_unknown = 0;
    uint64_t refused = 0;  // of both kinds
    uint64_t unknown = 0;
    uint64_t acknowledged_in_a_row = 0;
    uint64_t highest_value = 0;
    std::string open_call;  // "s" or "i": called, and no word yet
    std::string last_trouble;
    std::vector<std::string> problems;

    void take(const std::string& sign, const std::string& kind, const std::string& label, const std::string& text) {
        const bool counts = kind == "i";
        if (sign == ">") {
            open_call = kind;
            return;
        }
        open_call.clear();
        if (sign == "+") {
            ++acknowledged_in_a_row;
            if (counts || kind == "s") acknowledge(counts, label);
        } else {
            acknowledged_in_a_row = 0;
            last_trouble = text;
            ++(sign == "-" ? refused : unknown);
            if (sign == "-" && kind == "s") refused_keys.insert(number_in(label));
            if (sign == "?" && counts) ++increments_unknown;
        }
    }

    void acknowledge(bool counts, const std::string& label) {
        if (!counts) {
            set_keys.insert(number_in(label));
            return;
        }
        ++increments;
        if (number_in(label) <= highest_value)
            problems.push_back(fmt::format("a counter went from {} to {}", highest_value, label));
        highest_value = number_in(label);
    }
};

ClientLoad::ClientLoad(std::string directory, std::vector<ClientProgram> programs)
    : directory_(std::move(directory)), programs_(std::move(programs)), read_bytes_(programs_.size()) {
    for (const std::string& name : objects())
        told_.emplace(name, std::make_unique<Told>());
}

ClientLoad::~ClientLoad() { stop(); }

std::string ClientLoad::output_path(size_t program) const {
    return fmt::format("{}/{}.ledger", directory_, programs_[program].objects.front());
}

void ClientLoad::start() {
    for (size_t i = 0; i < programs_.size(); ++i) {
        // setpriv becomes the program; the kernel kills it when the test dies.
        std::vector<std::string> command{"--pdeathsig", "KILL"};
        command.insert(command.end(), programs_[i].command.begin(), programs_[i].command.end());
        const auto process = tools::start_in_background("/usr/bin/setpriv", command, output_path(i));
        KVORUM_ASSERT(process.ok(), "{}", std::string(process.status().message()));
        processes_.push_back(*process);
    }
}

void ClientLoad::stop() {
    for (const tools::ProcessId& process : processes_) {
        tools::send_signal(process, SIGKILL);
        KVORUM_ASSERT(tools::wait_for_exit(process, kKillTimeoutMs), "a client program outlives SIGKILL");
    }
    processes_.clear();
    read_outputs();
}

std::vector<std::string> ClientLoad::objects() const {
    std::vector<std::string> all;
    for (const ClientProgram& program : programs_)
        all.insert(all.end(), program.objects.begin(), program.objects.end());
    return all;
}

std::vector<std::string> ClientLoad::wait_for_progress(const std::vector<std::string>& objects, uint64_t steps,
                                                       Milliseconds deadline) {
    read_outputs();
    for (const std::string& name : objects)
        told_.at(name)->acknowledged_in_a_row = 0;
    std::vector<std::string> behind = objects;
    const bool all = wait_until(deadline, [&] {
        read_outputs();
        std::erase_if(behind, [&](const std::string& name) { return told_.at(name)->acknowledged_in_a_row >= steps; });
        return behind.empty();
    });
    if (all) return {};
    for (std::string& name : behind)
        name += ": " + told_.at(name)->last_trouble;
    return behind;
}

void ClientLoad::read_outputs() {
    for (size_t i = 0; i < programs_.size(); ++i) {
        std::ifstream file(output_path(i));
        file.seekg(read_bytes_[i]);
        for (std::string line; std::getline(file, line) && !file.eof();) {
            read_bytes_[i] += static_cast<std::streamoff>(line.size()) + 1;
            std::istringstream words(line);
            std::string name;
            std::string sign;
            std::string kind;
            std::string label;
            std::string text;
            words >> name >> sign >> kind >> label;
            std::getline(words, text);
            // Libraries write lines of their own.
            if (const auto told = told_.find(name); told != told_.end()) told->second->take(sign, kind, label, text);
        }
    }
}

std::vector<std::string> ClientLoad::check(const reactor::Endpoint& node) const {
    std::vector<std::string> wrong;
    Client client(node);
    std::map<std::string, uint64_t> values = counters(client, objects());
    for (const auto& [name, of_object] : told_) {
        const Told& told = *of_object;
        for (const std::string& problem : told.problems)
            wrong.push_back(name + ": " + problem);
        const uint64_t unknown = told.increments_unknown + (told.open_call == "i" ? 1 : 0);
        if (told.increments > 0 && (values[name] < told.increments || values[name] > told.increments + unknown)) {
            wrong.push_back(fmt::format("{}: counter is {}, {} increments were acknowledged and {} are unknown", name,
                                        values[name], told.increments, unknown));
        }
        std::vector<uint64_t> keys(told.set_keys.begin(), told.set_keys.end());
        keys.insert(keys.end(), told.refused_keys.begin(), told.refused_keys.end());
        for (size_t from = 0; from < keys.size(); from += kKeysAtOnce) {
            const size_t to = std::min(keys.size(), from + kKeysAtOnce);
            std::vector<std::string> command{"MGET"};
            for (size_t i = from; i < to; ++i)
                command.push_back(fmt::format("{}:{}", name, keys[i]));
            const Answer answer = client.command(command);
            for (size_t i = from; i < to; ++i) {
                const bool is_there = i - from < answer.elements.size() && !answer.elements[i - from].is_null;
                if (is_there != told.set_keys.contains(keys[i])) {
                    wrong.push_back(fmt::format("{}: key {} was {} and is {}", name, keys[i],
                                                is_there ? "refused" : "acknowledged",
                                                is_there ? "there" : "not there"));
                }
            }
        }
    }
    return wrong;
}

std::string ClientLoad::summary() const {
    std::string text =
        fmt::format("{:<20} {:>6} {:>11} {:>8} {:>8}\n", "client object", "keys", "increments", "refused", "unknown");
    for (const auto& [name, told] : told_) {
        text += fmt::format("{:<20} {:>6} {:>11} {:>8} {:>8}\n", name, told->set_keys.size(), told->increments,
                            told->refused, told->unknown);
    }
    return text;
}

}  // namespace kvorum::integration
