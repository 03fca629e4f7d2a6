// The plainest store with the semantics of sim/history.h: written apart from the checker's model, so that each checks
// the other.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <string>

#include "sim/history.h"

namespace kvorum::sim {

class ReferenceStore {
 public:
    Reply execute(const Command& command) {
        const std::string& key = command.keys[0];
        const std::optional<std::string> old = find(key);
        switch (command.kind) {
            case CommandKind::kGet: return text_or_nil(old);
            case CommandKind::kSet: return set(command, old);
            case CommandKind::kSetnx:
                if (!old) values_[key] = command.values[0];
                return reply_integer(old ? 0 : 1);
            case CommandKind::kGetset: values_[key] = command.values[0]; return text_or_nil(old);
            case CommandKind::kGetdel: values_.erase(key); return text_or_nil(old);
            case CommandKind::kIncrby: return incrby(key, old.value_or("0"), command.increment);
            case CommandKind::kAppend:
                values_[key] += command.values[0];
                return reply_integer(static_cast<int64_t>(values_[key].size()));
            case CommandKind::kRename: return rename(key, command.keys[1], old);
            default: return execute_on_several(command);
        }
    }

 private:
    std::optional<std::string> find(const std::string& key) const {
        const auto found = values_.find(key);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

    static Reply text_or_nil(const std::optional<std::string>& value) {
        return value ? reply_text(*value) : reply_nil();
    }

    Reply set(const Command& command, const std::optional<std::string>& old) {
        bool writes = true;
        if (command.condition == SetCondition::kNx) writes = !old.has_value();
        if (command.condition == SetCondition::kXx) writes = old.has_value();
        if (command.condition == SetCondition::kIfeq) writes = old == command.expected;
        if (writes) values_[command.keys[0]] = command.values[0];
        if (command.returns_old) return text_or_nil(old);
        return writes ? reply_ok() : reply_nil();
    }

    Reply incrby(const std::string& key, const std::string& old, int64_t increment) {
        int64_t number = 0;
        const auto parsed = std::from_chars(old.data(), old.data() + old.size(), number);
        if (parsed.ec != std::errc{} || std::to_string(number) != old) return reply_error(kNotIntegerError);
        int64_t sum = 0;
        if (__builtin_add_overflow(number, increment, &sum)) return reply_error(kOverflowError);
        values_[key] = std::to_string(sum);
        return reply_integer(sum);
    }

    Reply rename(const std::string& from, const std::string& to, const std::optional<std::string>& old) {
        if (!old) return reply_error(kNoSuchKeyError);
        values_.erase(from);
        values_[to] = *old;
        return reply_ok();
    }

    Reply execute_on_several(const Command& command) {
        int64_t count = 0;
        std::vector<std::optional<std::string>> found;
        for (size_t i = 0; i < command.keys.size(); ++i) {
            const std::string& key = command.keys[i];
            found.push_back(find(key));
            count += found.back() ? 1 : 0;
            if (command.kind == CommandKind::kDel) values_.erase(key);
            if (command.kind == CommandKind::kMset) values_[key] = command.values[i];
        }
        if (command.kind == CommandKind::kMset) return reply_ok();
        return command.kind == CommandKind::kMget ? reply_list(found) : reply_integer(count);
    }

    std::map<std::string, std::string> values_;
};

}  // namespace kvorum::sim
