#include "sim/history.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "base/assert.h"

namespace kvorum::sim {

namespace {

constexpr std::string_view kHeader = "kvorum-history 1";

struct KindText {
    CommandKind kind;
    std::string_view name;
};

constexpr std::array<KindText, 12> kKinds{{
    {CommandKind::kGet, "GET"},
    {CommandKind::kSet, "SET"},
    {CommandKind::kSetnx, "SETNX"},
    {CommandKind::kGetset, "GETSET"},
    {CommandKind::kGetdel, "GETDEL"},
    {CommandKind::kIncrby, "INCRBY"},
    {CommandKind::kAppend, "APPEND"},
    {CommandKind::kDel, "DEL"},
    {CommandKind::kExists, "EXISTS"},
    {CommandKind::kMget, "MGET"},
    {CommandKind::kMset, "MSET"},
    {CommandKind::kRename, "RENAME"},
}};

std::string_view name_of(CommandKind kind) {
    for (const KindText& entry : kKinds) {
        if (entry.kind == kind) return entry.name;
    }
    KVORUM_ASSERT(false, "command kind {}", static_cast<int>(kind));
    return {};
}

bool takes_any_number_of_keys(CommandKind kind) {
    return kind == CommandKind::kDel || kind == CommandKind::kExists || kind == CommandKind::kMget ||
           kind == CommandKind::kMset;
}

bool writes_values(CommandKind kind) {
    return kind == CommandKind::kSet || kind == CommandKind::kSetnx || kind == CommandKind::kGetset ||
           kind == CommandKind::kAppend || kind == CommandKind::kMset;
}

Command single(CommandKind kind, std::string key, std::optional<std::string> value = std::nullopt) {
    Command command;
    command.kind = kind;
    command.keys.push_back(std::move(key));
    if (value) command.values.push_back(std::move(*value));
    return command;
}

Command several(CommandKind kind, std::vector<std::string> keys) {
    Command command;
    command.kind = kind;
    command.keys = std::move(keys);
    return command;
}

}  // namespace

Command get(std::string key) { return single(CommandKind::kGet, std::move(key)); }
Command set(std::string key, std::string value) { return single(CommandKind::kSet, std::move(key), std::move(value)); }
Command set_if_absent(std::string key, std::string value) {
    Command command = set(std::move(key), std::move(value));
    command.condition = SetCondition::kNx;
    return command;
}
Command set_if_exists(std::string key, std::string value) {
    Command command = set(std::move(key), std::move(value));
    command.condition = SetCondition::kXx;
    return command;
}
Command set_if_equal(std::string key, std::string expected, std::string value) {
    Command command = set(std::move(key), std::move(value));
    command.condition = SetCondition::kIfeq;
    command.expected = std::move(expected);
    return command;
}
Command with_get(Command set) {
    set.returns_old = true;
    return set;
}
Command setnx(std::string key, std::string value) {
    return single(CommandKind::kSetnx, std::move(key), std::move(value));
}
Command getset(std::string key, std::string value) {
    return single(CommandKind::kGetset, std::move(key), std::move(value));
}
Command getdel(std::string key) { return single(CommandKind::kGetdel, std::move(key)); }
Command incrby(std::string key, int64_t increment) {
    Command command = single(CommandKind::kIncrby, std::move(key));
    command.increment = increment;
    return command;
}
Command append(std::string key, std::string suffix) {
    return single(CommandKind::kAppend, std::move(key), std::move(suffix));
}
Command del(std::vector<std::string> keys) { return several(CommandKind::kDel, std::move(keys)); }
Command exists(std::vector<std::string> keys) { return several(CommandKind::kExists, std::move(keys)); }
Command mget(std::vector<std::string> keys) { return several(CommandKind::kMget, std::move(keys)); }
Command mset(std::vector<std::string> keys, std::vector<std::string> values) {
    Command command = several(CommandKind::kMset, std::move(keys));
    command.values = std::move(values);
    return command;
}
Command rename(std::string from, std::string to) {
    return several(CommandKind::kRename, {std::move(from), std::move(to)});
}

bool is_read_only(CommandKind kind) {
    return kind == CommandKind::kGet || kind == CommandKind::kMget || kind == CommandKind::kExists;
}

Reply reply_ok() { return {.kind = Reply::Kind::kOk, .integer = 0, .text = {}, .list = {}}; }
Reply reply_nil() { return {.kind = Reply::Kind::kNil, .integer = 0, .text = {}, .list = {}}; }
Reply reply_integer(int64_t integer) {
    return {.kind = Reply::Kind::kInteger, .integer = integer, .text = {}, .list = {}};
}
Reply reply_text(std::string text) {
    return {.kind = Reply::Kind::kText, .integer = 0, .text = std::move(text), .list = {}};
}
Reply reply_list(std::vector<std::optional<std::string>> list) {
    return {.kind = Reply::Kind::kList, .integer = 0, .text = {}, .list = std::move(list)};
}
Reply reply_error(std::string_view text) {
    return {.kind = Reply::Kind::kError, .integer = 0, .text = std::string(text), .list = {}};
}

absl::Status validate(const Operation& operation) {
    const Command& command = operation.command;
    const size_t keys = command.keys.size();
    const bool keys_fit = takes_any_number_of_keys(command.kind) ? keys > 0
                          : command.kind == CommandKind::kRename ? keys == 2
                                                                 : keys == 1;
    if (!keys_fit) return absl::InvalidArgumentError(fmt::format("{} with {} keys", name_of(command.kind), keys));
    if (command.values.size() != (writes_values(command.kind) ? keys : 0)) {
        return absl::InvalidArgumentError(
            fmt::format("{} with {} keys and {} values", name_of(command.kind), keys, command.values.size()));
    }
    if (operation.outcome == Outcome::kExecuted && !operation.completed_at_ns) {
        return absl::InvalidArgumentError("a reply without a completion time");
    }
    if (operation.completed_at_ns && *operation.completed_at_ns < operation.invoked_at_ns) {
        return absl::InvalidArgumentError("completed before it was invoked");
    }
    return absl::OkStatus();
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c < ' ' || c > '~' || c == '"' || c == '\\') {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string history_header() { return std::string(kHeader); }

std::string format_command(const Command& command) {
    std::string out(name_of(command.kind));
    for (size_t i = 0; i < command.keys.size(); ++i) {
        out += ' ' + quoted(command.keys[i]);
        if (i < command.values.size()) out += ' ' + quoted(command.values[i]);
    }
    if (command.kind == CommandKind::kIncrby) out += fmt::format(" {}", command.increment);
    switch (command.condition) {
        case SetCondition::kAlways: break;
        case SetCondition::kNx: out += " NX"; break;
        case SetCondition::kXx: out += " XX"; break;
        case SetCondition::kIfeq: out += " IFEQ " + quoted(command.expected); break;
    }
    if (command.returns_old) out += " GET";
    return out;
}

std::string format_reply(const Reply& reply) {
    switch (reply.kind) {
        case Reply::Kind::kOk: return "OK";
        case Reply::Kind::kNil: return "nil";
        case Reply::Kind::kInteger: return fmt::format("{}", reply.integer);
        case Reply::Kind::kText: return quoted(reply.text);
        case Reply::Kind::kError: return "error " + quoted(reply.text);
        case Reply::Kind::kList: break;
    }
    std::string out = "[";
    for (const auto& element : reply.list) {
        if (out.size() > 1) out += ' ';
        out += element ? quoted(*element) : "nil";
    }
    return out + ']';
}

std::string format_operation(const Operation& operation) {
    const std::string completed = operation.completed_at_ns ? fmt::format("{}", *operation.completed_at_ns) : "";
    std::string out = fmt::format("#{} c{} {}..{} {} -> ", operation.id, operation.client, operation.invoked_at_ns,
                                  completed, format_command(operation.command));
    switch (operation.outcome) {
        case Outcome::kExecuted: return out + format_reply(operation.reply);
        case Outcome::kNotExecuted: return out + "failed";
        case Outcome::kUnknown: break;
    }
    return out + "unknown";
}

std::string format_history(const History& history) {
    std::string out = history_header() + '\n';
    for (const Operation& operation : history)
        out += format_operation(operation) + '\n';
    return out;
}

namespace {

// Reads one line from left to right; the first thing that does not fit sets error() and makes every later read fail
// too.
class LineReader {
 public:
    explicit LineReader(std::string_view line) : rest_(line) {}

    [[nodiscard]] const std::string& error() const { return error_; }
    [[nodiscard]] bool ok() const { return error_.empty(); }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

    void fail(std::string_view expected) {
        if (!ok()) return;
        const std::string found = rest_.empty() ? "the end of the line" : fmt::format("'{}'", rest_.substr(0, 20));
        error_ = fmt::format("expected {}, found {}", expected, found);
    }

    bool take_if(std::string_view literal) {
        if (!ok() || !rest_.starts_with(literal)) return false;
        rest_.remove_prefix(literal.size());
        return true;
    }

    // As take_if, for a word that must not be the beginning of a longer one.
    bool take_word_if(std::string_view word) {
        const bool longer = rest_.size() > word.size() && rest_[word.size()] != ' ' && rest_[word.size()] != ']';
        return !longer && take_if(word);
    }

    void take(std::string_view literal) {
        if (!take_if(literal)) fail(fmt::format("'{}'", literal));
    }

    template <typename T>
    T number() {
        T value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (!ok() || error != std::errc{}) {
            fail("a number");
            return 0;
        }
        rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
        return value;
    }

    [[nodiscard]] bool at_number() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }
    [[nodiscard]] bool at_string() const { return rest_.starts_with('"'); }
    [[nodiscard]] bool at_next_string() const { return rest_.starts_with(" \""); }

    std::string string() {
        std::string out;
        take("\"");
        while (ok() && !take_if("\"")) {
            if (rest_.empty()) {
                fail("a closing quote");
            } else if (take_if("\\x")) {
                out += hex_byte();
            } else if (rest_[0] == '\\' || rest_[0] < ' ' || rest_[0] > '~') {
                fail("printable ASCII or \\xHH");
            } else {
                out += rest_[0];
                rest_.remove_prefix(1);
            }
        }
        return out;
    }

 private:
    char hex_byte() {
        unsigned value = 0;
        const std::string_view digits = rest_.substr(0, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
            fail("two hexadecimal digits");
            return 0;
        }
        rest_.remove_prefix(2);
        return static_cast<char>(value);
    }

    std::string_view rest_;
    std::string error_;
};

CommandKind read_kind(LineReader& line) {
    for (const KindText& entry : kKinds) {
        if (line.take_word_if(entry.name)) return entry.kind;
    }
    line.fail("a command");
    return CommandKind::kGet;
}

Command read_command(LineReader& line) {
    Command command;
    command.kind = read_kind(line);
    while (line.ok() && line.at_next_string()) {
        line.take(" ");
        command.keys.push_back(line.string());
        if (!writes_values(command.kind)) continue;
        line.take(" ");
        command.values.push_back(line.string());
    }
    if (command.kind == CommandKind::kIncrby) {
        line.take(" ");
        command.increment = line.number<int64_t>();
    }
    if (command.kind != CommandKind::kSet) return command;
    if (line.take_if(" NX")) command.condition = SetCondition::kNx;
    if (line.take_if(" XX")) command.condition = SetCondition::kXx;
    if (line.take_if(" IFEQ ")) {
        command.condition = SetCondition::kIfeq;
        command.expected = line.string();
    }
    command.returns_old = line.take_if(" GET");
    return command;
}

Reply read_list(LineReader& line) {
    std::vector<std::optional<std::string>> list;
    while (line.ok() && !line.take_if("]")) {
        if (!list.empty()) line.take(" ");
        if (line.take_word_if("nil")) {
            list.emplace_back(std::nullopt);
        } else {
            list.emplace_back(line.string());
        }
    }
    return reply_list(std::move(list));
}

Reply read_reply(LineReader& line) {
    if (line.take_word_if("OK")) return reply_ok();
    if (line.take_word_if("nil")) return reply_nil();
    if (line.take_if("error ")) return reply_error(line.string());
    if (line.take_if("[")) return read_list(line);
    if (line.at_string()) return reply_text(line.string());
    return reply_integer(line.number<int64_t>());
}

Operation read_operation(LineReader& line) {
    Operation operation;
    line.take("#");
    operation.id = line.number<uint64_t>();
    line.take(" c");
    operation.client = line.number<uint64_t>();
    line.take(" ");
    operation.invoked_at_ns = line.number<uint64_t>();
    line.take("..");
    if (line.at_number()) operation.completed_at_ns = line.number<uint64_t>();
    line.take(" ");
    operation.command = read_command(line);
    line.take(" -> ");
    if (line.take_word_if("unknown")) {
        operation.outcome = Outcome::kUnknown;
    } else if (line.take_word_if("failed")) {
        operation.outcome = Outcome::kNotExecuted;
    } else {
        operation.outcome = Outcome::kExecuted;
        operation.reply = read_reply(line);
    }
    if (line.ok() && !line.at_end()) line.fail("the end of the line");
    return operation;
}

// Collects operations; a later line of the same operation replaces its earlier, unknown one.
class HistoryBuilder {
 public:
    absl::Status add(Operation operation) {
        if (absl::Status status = validate(operation); !status.ok()) return status;
        const auto [known, is_new] = positions_.try_emplace(std::pair(operation.client, operation.id), history_.size());
        if (is_new) {
            history_.push_back(std::move(operation));
            return absl::OkStatus();
        }
        Operation& earlier = history_[known->second];
        const bool same = earlier.command == operation.command && earlier.invoked_at_ns == operation.invoked_at_ns;
        if (!same || earlier.outcome != Outcome::kUnknown) {
            return absl::InvalidArgumentError(
                fmt::format("client {} has used #{} already", operation.client, operation.id));
        }
        earlier = std::move(operation);
        return absl::OkStatus();
    }

    History take() { return std::move(history_); }

 private:
    History history_;
    std::map<std::pair<uint64_t, uint64_t>, size_t> positions_;
};

absl::Status at_line(size_t line_number, std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("line {}: {}", line_number, what));
}

}  // namespace

absl::StatusOr<History> parse_history(std::string_view text) {
    HistoryBuilder builder;
    size_t line_number = 0;
    while (!text.empty()) {
        ++line_number;
        const size_t end = text.find('\n');
        if (end == std::string_view::npos) return at_line(line_number, "the line is cut short: it has no newline");
        const std::string_view content = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line_number == 1) {
            if (content != kHeader) return at_line(line_number, fmt::format("expected '{}'", kHeader));
            continue;
        }
        if (content.empty() || content.starts_with("# ")) continue;
        LineReader line(content);
        Operation operation = read_operation(line);
        if (!line.ok()) return at_line(line_number, line.error());
        const absl::Status added = builder.add(std::move(operation));
        if (!added.ok()) {
            return at_line(line_number, std::string_view(added.message().data(), added.message().size()));
        }
    }
    if (line_number == 0) return at_line(1, fmt::format("expected '{}'", kHeader));
    return builder.take();
}

}  // namespace kvorum::sim
