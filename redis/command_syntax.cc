// How the strings of command_facts.h are read, and written as Redis 7.0 does.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "redis/command_facts.h"

namespace kvorum::redis {
namespace {

constexpr std::array<std::pair<char, std::string_view>, 9> kTypes{{{'k', "key"},
                                                                   {'s', "string"},
                                                                   {'p', "pattern"},
                                                                   {'o', "oneof"},
                                                                   {'d', "double"},
                                                                   {'t', "pure-token"},
                                                                   {'u', "unix-time"},
                                                                   {'i', "integer"},
                                                                   {'b', "block"}}};

std::string_view type_named(char letter) {
    const auto* const found =
        std::find_if(kTypes.begin(), kTypes.end(), [letter](const auto& type) { return type.first == letter; });
    KVORUM_ASSERT(found != kTypes.end(), "no argument has the type '{}'", letter);
    return found->second;
}

struct Argument {
    std::string_view type;
    std::string_view name;
    std::string_view key_spec;  // empty: none
    std::string_view token;
    std::string_view since;
    std::string_view deprecated_since;
    std::vector<std::string_view> flags;
    std::vector<Argument> arguments;
};

class SyntaxReader {
 public:
    explicit SyntaxReader(std::string_view text) : text_(text) {}

    // Up to the end, or to the '}' that ends them.
    std::vector<Argument> read_arguments() {
        std::vector<Argument> arguments;
        while (!text_.empty() && !takes('}')) {
            arguments.push_back(read_argument());
            maybe(takes(' '));
        }
        return arguments;
    }

 private:
    Argument read_argument() {
        Argument argument;
        argument.type = type_named(text_.front());
        text_.remove_prefix(2);
        argument.name = take_until("#\"?*+@!{} ");
        if (takes('#')) argument.key_spec = take_until("\"?*+@!{} ");
        if (takes('"')) {
            argument.token = take_until("\"");
            maybe(takes('"'));
        }
        if (takes('?')) argument.flags.emplace_back("optional");
        if (takes('*')) argument.flags.emplace_back("multiple");
        if (takes('+')) argument.flags.emplace_back("multiple_token");
        if (takes('@')) argument.since = take_until("!{} ");
        if (takes('!')) argument.deprecated_since = take_until("{} ");
        if (takes('{')) argument.arguments = read_arguments();
        return argument;
    }

    bool takes(char mark) {
        if (!text_.starts_with(mark)) return false;
        text_.remove_prefix(1);
        return true;
    }
    std::string_view take_until(std::string_view ends) {
        const std::string_view taken = text_.substr(0, text_.find_first_of(ends));
        text_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view text_;
};

int64_t number(std::string_view text) {
    int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

void reply_field(RespWriter& reply, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    reply.bytes(name);
    reply.bytes(value);
}

void reply_argument_list(RespWriter& reply, const std::vector<Argument>& arguments);

void reply_argument(RespWriter& reply, const Argument& argument) {
    uint64_t fields = 2 + (argument.flags.empty() ? 0 : 1) + (argument.arguments.empty() ? 0 : 1);
    for (const std::string_view text : {argument.key_spec, argument.token, argument.since, argument.deprecated_since})
        fields += text.empty() ? 0 : 1;
    reply.map(fields);
    reply_field(reply, "name", argument.name);
    reply_field(reply, "type", argument.type);
    if (!argument.key_spec.empty()) {
        reply.bytes("key_spec_index");
        reply.integer(number(argument.key_spec));
    }
    reply_field(reply, "token", argument.token);
    reply_field(reply, "since", argument.since);
    reply_field(reply, "deprecated_since", argument.deprecated_since);
    if (!argument.flags.empty()) {
        reply.bytes("flags");
        reply.set(argument.flags.size());
        for (const std::string_view flag : argument.flags)
            reply.status(flag);
    }
    if (argument.arguments.empty()) return;
    reply.bytes("arguments");
    reply_argument_list(reply, argument.arguments);
}

void reply_argument_list(RespWriter& reply, const std::vector<Argument>& arguments) {
    reply.list(arguments.size());
    for (const Argument& argument : arguments)
        reply_argument(reply, argument);
}

KeySpec read_key_spec(std::string_view text) {
    KeySpec spec;
    const size_t note_at = text.find('~');
    if (note_at != std::string_view::npos) spec.note = text.substr(note_at + 1);
    const size_t place_at = text.find('@');
    spec.flags = split_words(text.substr(0, place_at));
    std::string_view place = text.substr(place_at + 1);
    place = place.substr(0, place.find(' '));
    spec.is_known = place != "?";
    spec.first = number(place);
    if (const size_t dots = place.find(".."); dots != std::string_view::npos)
        spec.last = number(place.substr(dots + 2));
    if (const size_t slash = place.find('/'); slash != std::string_view::npos)
        spec.step = number(place.substr(slash + 1));
    return spec;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const size_t end = text.find(separator);
        if (end != 0) parts.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + separator.size());
    }
    return parts;
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view words) { return split(words, " "); }
std::vector<std::string_view> split_list(std::string_view list) { return split(list, "; "); }

std::vector<KeySpec> key_specs(std::string_view keys) {
    std::vector<KeySpec> specs;
    for (const std::string_view text : split_list(keys))
        specs.push_back(read_key_spec(text));
    return specs;
}

void reply_arguments(RespWriter& reply, std::string_view syntax) {
    reply_argument_list(reply, SyntaxReader(syntax).read_arguments());
}

}  // namespace kvorum::redis
