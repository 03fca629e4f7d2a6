#include "tools/load_stats.h"

#include <algorithm>

#include "base/assert.h"

namespace kvorum::tools::load {

void CommandStats::merge(const CommandStats& other) {
    ok += other.ok;
    errors += other.errors;
    moved += other.moved;
    unknown += other.unknown;
    nulls += other.nulls;
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
    latency.merge(other.latency);
    seconds.merge(other.seconds);
}

// --- timeline ---

void Timeline::Slice::merge(const Slice& other) {
    ok += other.ok;
    errors += other.errors;
    unknown += other.unknown;
    bytes += other.bytes;
    latency_sum_ns += other.latency_sum_ns;
    latency_ns_max = std::max(latency_ns_max, other.latency_ns_max);
}

Timeline::Slice& Timeline::at(uint64_t since_start_ns) {
    while (since_start_ns / width_ns_ >= kSlicesMax)
        double_width();
    const uint64_t index = since_start_ns / width_ns_;
    if (index >= slices_.size()) slices_.resize(index + 1);
    return slices_[index];
}

void Timeline::double_width() {
    for (size_t i = 0; i < slices_.size(); ++i) {
        if (i % 2 == 0) {
            slices_[i / 2] = slices_[i];
        } else {
            slices_[i / 2].merge(slices_[i]);
        }
    }
    slices_.resize((slices_.size() + 1) / 2);
    width_ns_ *= 2;
}

void Timeline::merge(const Timeline& other) {
    Timeline theirs = other;
    while (width_ns_ < theirs.width_ns_)
        double_width();
    while (theirs.width_ns_ < width_ns_)
        theirs.double_width();
    slices_.resize(std::max(slices_.size(), theirs.slices_.size()));
    for (size_t i = 0; i < theirs.slices_.size(); ++i)
        slices_[i].merge(theirs.slices_[i]);
}

// --- silences ---

void SilenceLog::add(Silence silence) {
    silences_.push_back(silence);
    while (silences_.size() >= kSilencesMax) {
        limit_ns_ *= 2;
        std::erase_if(silences_, [this](const Silence& kept) { return kept.length_ns() <= limit_ns_; });
    }
}

void SilenceLog::intersect(const SilenceLog& other) {
    std::vector<Silence> both;
    size_t mine = 0;
    size_t theirs = 0;
    while (mine < silences_.size() && theirs < other.silences_.size()) {
        const Silence& a = silences_[mine];
        const Silence& b = other.silences_[theirs];
        const Silence common{std::max(a.begin_ns, b.begin_ns), std::min(a.end_ns, b.end_ns)};
        if (common.begin_ns < common.end_ns) both.push_back(common);
        if (a.end_ns < b.end_ns) {
            ++mine;
        } else {
            ++theirs;
        }
    }
    silences_ = std::move(both);
    last_ok_ns_ = std::max(last_ok_ns_, other.last_ok_ns_);
}

SilenceLog::Silence SilenceLog::longest() const {
    const auto longest = std::max_element(silences_.begin(), silences_.end(), [](const Silence& a, const Silence& b) {
        return a.length_ns() < b.length_ns();
    });
    return longest == silences_.end() ? Silence{} : *longest;
}

// --- errors ---

void ErrorTexts::add(std::string_view error) {
    const std::string_view word = error.substr(0, error.find(' '));
    auto found = kinds_.find(word);
    if (found == kinds_.end()) {
        constexpr std::string_view kOthers = "(others)";
        const bool is_full = kinds_.size() >= kKindsMax;
        found = kinds_.try_emplace(std::string(is_full ? kOthers : word)).first;
        if (found->second.count == 0) found->second.example = error;
    }
    ++found->second.count;
}

void ErrorTexts::merge(const ErrorTexts& other) {
    for (const auto& [word, kind] : other.kinds_) {
        Kind& mine = kinds_[word];
        if (mine.count == 0) mine.example = kind.example;
        mine.count += kind.count;
    }
}

// --- all of it ---

CommandStats LoadStats::totals() const {
    CommandStats totals;
    for (const CommandStats& command : commands)
        totals.merge(command);
    return totals;
}

void LoadStats::merge(const LoadStats& other) {
    KVORUM_ASSERT(commands.size() == other.commands.size());
    for (size_t i = 0; i < commands.size(); ++i)
        commands[i].merge(other.commands[i]);
    service.merge(other.service);
    timeline.merge(other.timeline);
    silences.intersect(other.silences);
    errors.merge(other.errors);
    connects += other.connects;
    connect_failures += other.connect_failures;
    connections_lost += other.connections_lost;
    never_started += other.never_started;
    duration_ns = std::max(duration_ns, other.duration_ns);
}

void LoadStats::append(const LoadStats& other) {
    const uint64_t duration_ns_before = duration_ns;
    merge(other);
    duration_ns = duration_ns_before + other.duration_ns;
    interrupted = interrupted || other.interrupted;
    timeline = {};
    silences = {};
    for (CommandStats& command : commands)
        command.seconds = {};
}

}  // namespace kvorum::tools::load
