#include "tools/load_request.h"

#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/units.h"
#include "net/inline_command.h"

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
    std::vector<net::ByteSpan> arguments;
    if (command.find('\n') != std::string_view::npos || !net::split_inline_command(command, storage, arguments))
        return absl::InvalidArgumentError(fmt::format("--command '{}': its quotes do not match", command));
    if (arguments.empty())
        return absl::InvalidArgumentError("--command: it is empty; give for example \"INCR __key__\"");
    RequestTemplate compiled;
    compiled.name_ = absl::AsciiStrToUpper(storage.substr(arguments[0].offset, arguments[0].size));
    compiled.add_text(fmt::format("*{}\r\n", arguments.size()));
    for (const net::ByteSpan argument : arguments)
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
        uint32_t Part::* count;
    };
    static constexpr std::array<Placeholder, 3> kPlaceholders{{{"__key__", Piece::kKey, &Part::keys},
                                                               {"__data__", Piece::kData, &Part::data},
                                                               {"__expiry__", Piece::kExpiry, &Part::expiries}}};
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
        ++(length.*found->count);
        uses_[static_cast<size_t>(found->piece)] = true;
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

void RequestTemplate::append_length(std::string& out, const Part& part, const RequestValues& values) const {
    append_number(out, part.length_fixed_bytes + part.keys * values.key.size() + part.data * values.data.size() +
                           part.expiries * values.expiry.size());
}

void RequestTemplate::append_to(std::string& out, const RequestValues& values) const {
    for (const Part& part : parts_) {
        switch (part.piece) {
            case Piece::kText: out += part.text; break;
            case Piece::kKey: out += values.key; break;
            case Piece::kData: out += values.data; break;
            case Piece::kExpiry: out += values.expiry; break;
            case Piece::kLength: append_length(out, part, values); break;
        }
    }
}

RequestData::RequestData(const LoadConfig& config, uint64_t seed)
    : config_(config), prng_(seed), key_(config.keys.prefix), prefix_size_(key_.size()) {
    key_.reserve(prefix_size_ + kDigitsMax);
    if (!config.random_data) {
        data_.assign(config.data_size_bytes, 'x');
        return;
    }
    data_.resize(config.data_size_bytes + kRandomPoolBytes);
    for (char& byte : data_)
        byte = static_cast<char>(prng_.next());
}

std::string_view RequestData::key(uint64_t number) {
    key_.resize(prefix_size_);
    append_number(key_, number);
    return key_;
}

std::string_view RequestData::data() {
    const uint64_t offset = config_.random_data ? prng_.below(kRandomPoolBytes) : 0;
    return std::string_view(data_).substr(offset, config_.data_size_bytes);
}

std::string_view RequestData::expiry() {
    expiry_.clear();
    append_number(expiry_, prng_.between(config_.expiry_s_min, config_.expiry_s_max));
    return expiry_;
}

}  // namespace kvorum::tools::load
