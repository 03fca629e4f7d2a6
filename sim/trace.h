// What happened in a run: a hash of all events, by which two runs of one seed are compared, and on demand a line for
// each. Thread: one.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "sim/event_queue.h"

namespace kvorum::sim {

class Trace {
 public:
    Trace(const EventQueue& events, bool print) : events_(events), print_(print) {}

    [[nodiscard]] bool prints() const { return print_; }
    [[nodiscard]] uint64_t hash() const { return hash_; }

    // `host` 0: the world itself. Up to three numbers say more.
    void note(uint64_t host, std::string_view what, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
        mix(events_.now_ns());
        mix(host);
        for (const char letter : what)
            mix(static_cast<unsigned char>(letter));
        mix(a);
        mix(b);
        mix(c);
        if (print_) print(host, fmt::format("{} {} {} {}", what, a, b, c));
    }
    // For people alone: not part of the hash.
    void say(uint64_t host, std::string_view text) {
        if (print_) print(host, text);
    }

 private:
    void mix(uint64_t value) { hash_ = std::rotl(hash_ ^ (value * 0x9e3779b97f4a7c15ULL), 29) * 0xbf58476d1ce4e5b9ULL; }
    void print(uint64_t host, std::string_view text) const {
        fmt::print("{:12.6f} {:>4} {}\n", static_cast<double>(events_.now_ns()) / 1e9,
                   host == 0 ? std::string("-") : fmt::format("n{}", host), text);
    }

    const EventQueue& events_;
    bool print_;
    uint64_t hash_ = 0x243f6a8885a308d3ULL;
};

}  // namespace kvorum::sim
