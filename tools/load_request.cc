#include "tools/load_request.h"

#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/units.h"
#include "redis/inline_command.h"

namespace kvorum::tools::load {
namespace {

constexpr uint64_t kRandomPoolBytes = 64 * kKiB;
constexpr size_t kDigitsMax = 20;

void append_number(std::string& out, uint64_t number) {
    std::array<char, kDigitsMax> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), end);
}

}  // namespace

absl::StatusOr<RequestTemplate> RequestTemplate::compile(std::string_view command) {
    std::string storage;
    std::vector<redis::ByteSpan> arguments;
    if (command.find('\n') != std::string_view::npos || !redis::split_inline_command(command, storage, arguments))
        return absl::InvalidArgumentError(fmt::format("--command '{}': its quotes do not match", command));
    if (arguments.empty())
        return absl::InvalidArgumentError("--command: it is empty; give for example \"INCR __key__\"");
    RequestTemplate compiled;
    compiled.name_ = absl::AsciiStrToUpper(storage.substr(arguments[0].offset, arguments[0].size));
    compiled.add_text(fmt::format("*{}\r\n", arguments.size()));
    for (const redis::ByteSpan argument : arguments)
        compiled.add_argument(std::string_view(storage).substr(argument.offset, argument.size));
    return compiled;
}

void RequestTemplate::add_text(std::string_view text) {
    if (parts_.empty() || parts_.back().piece != Piece::kText) parts_.push_back({.piece = Piece::kText});
    parts_.back().text += text;
}

void RequestTemplate::add_argument(std::string_view argument) {
    struct Placeholder {
        std::string_view word;
        Piece piece;
    };
    static constexpr std::array<Placeholder, 5> kPlaceholders{{{"__key__", Piece::kKey},
                                                               {"__data__", Piece::kData},
                                                               {"__expiry__", Piece::kExpiry},
                                                               {"__replicas__", Piece::kReplicas},
                                                               {"__wait_ms__", Piece::kWaitMs}}};
    Part length{.piece = Piece::kLength};
    std::vector<Part> pieces;
    std::string text;
    while (!argument.empty()) {
        const auto* found = std::find_if(kPlaceholders.begin(), kPlaceholders.end(),
                                         [&](const Placeholder& p) { return argument.starts_with(p.word); });
        if (found == kPlaceholders.end()) {
            text += argument.front();
            argument.remove_prefix(1);
            continue;
        }
        length.length_fixed_bytes += text.size();
        pieces.push_back({.piece = Piece::kText, .text = std::exchange(text, {})});
        pieces.push_back({.piece = found->piece});
        ++length.counts[static_cast<size_t>(found->piece)];
        ++uses_[static_cast<size_t>(found->piece)];
        argument.remove_prefix(found->word.size());
    }
    if (pieces.empty()) {
        add_text(fmt::format("${}\r\n{}\r\n", text.size(), text));
        return;
    }
    length.length_fixed_bytes += text.size();
    add_text("$");
    parts_.push_back(length);
    add_text("\r\n");
    for (const Part& piece : pieces) {
        if (piece.piece == Piece::kText) {
            add_text(piece.text);
        } else {
            parts_.push_back(piece);
        }
    }
    add_text(text + "\r\n");
}

void RequestTemplate::append_length(std::string& out, const Part& part, const RequestValues& values,
                                    size_t first_key) const {
    const auto bytes = [&](Piece piece, std::string_view value) {
        return part.counts[static_cast<size_t>(piece)] * value.size();
    };
    uint64_t length = part.length_fixed_bytes + bytes(Piece::kData, values.data) +
                      bytes(Piece::kExpiry, values.expiry) + bytes(Piece::kReplicas, values.replicas) +
                      bytes(Piece::kWaitMs, values.wait_ms);
    for (const std::string& key : values.keys.subspan(first_key, part.counts[static_cast<size_t>(Piece::kKey)]))
        length += key.size();
    append_number(out, length);
}

void RequestTemplate::append_to(std::string& out, const RequestValues& values) const {
    size_t key = 0;
    for (const Part& part : parts_) {
        switch (part.piece) {
            case Piece::kText: out += part.text; break;
            case Piece::kKey: out += values.keys[key++]; break;
            case Piece::kData: out += values.data; break;
            case Piece::kExpiry: out += values.expiry; break;
            case Piece::kReplicas: out += values.replicas; break;
            case Piece::kWaitMs: out += values.wait_ms; break;
            case Piece::kLength: append_length(out, part, values, key); break;
        }
    }
}

Greeting Greeting::of(const LoadConfig& config) {
    Greeting greeting;
    const auto add = [&](const std::vector<std::string>& words) {
        greeting.bytes += fmt::format("*{}\r\n", words.size());
        for (const std::string& word : words)
            greeting.bytes += fmt::format("${}\r\n{}\r\n", word.size(), word);
        ++greeting.replies;
    };
    // First, so that a server that lets nobody say HELLO before has heard it.
    if (!config.password.empty())
        add(config.user.empty() ? std::vector<std::string>{"AUTH", config.password}
                                : std::vector<std::string>{"AUTH", config.user, config.password});
    if (config.protocol != 0) add({"HELLO", std::to_string(config.protocol)});
    if (config.database != 0) add({"SELECT", std::to_string(config.database)});
    return greeting;
}

RequestData::RequestData(const LoadConfig& config, uint64_t seed) : config_(config), prng_(seed) {
    if (!config.random_data) {
        data_.assign(config.data_size_bytes, 'x');
        return;
    }
    data_.resize(config.data_size_bytes + kRandomPoolBytes);
    for (char& byte : data_)
        byte = static_cast<char>(prng_.next());
}

std::span<const std::string> RequestData::keys(std::span<const uint64_t> numbers) {
    if (keys_.size() < numbers.size()) keys_.resize(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
        keys_[i].assign(config_.keys.prefix);
        append_number(keys_[i], numbers[i]);
    }
    return std::span(keys_).first(numbers.size());
}

std::string_view RequestData::data() {
    const uint64_t offset = config_.random_data ? prng_.below(kRandomPoolBytes) : 0;
    return std::string_view(data_).substr(offset, config_.data_size_bytes);
}

std::string_view RequestData::expiry() { return draw(expiry_, config_.expiry_s_min, config_.expiry_s_max); }

std::string_view RequestData::replicas() {
    return draw(replicas_, config_.wait_replicas_min, config_.wait_replicas_max);
}

std::string_view RequestData::wait_ms() { return draw(wait_ms_, config_.wait_ms_min, config_.wait_ms_max); }

std::string_view RequestData::draw(std::string& text, uint64_t least, uint64_t most) {
    text.clear();
    append_number(text, prng_.between(least, most));
    return text;
}

}  // namespace kvorum::tools::load
