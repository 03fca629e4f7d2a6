// What the clients of a store saw: a list of operations with their times and outcomes, and its text form.
//
// Thread: any; plain values that own what they hold. The store is a map of string keys to string values with Redis
// semantics; every key is absent when a history begins.
//
// Times are nanoseconds of one clock that all clients share, or any other counter that grows along real time.
// `invoked_at` is taken before the first byte of a request leaves, `completed_at` after the last byte of its reply
// arrived. An operation precedes another only if its reply came strictly before the other's invocation; with equal
// times the two count as concurrent.
//
// Outcomes, as a client may conclude them:
//   executed      the reply came. A reply that depends on the state ("ERR no such key") is a reply like any other.
//   not executed  the store promised that the operation never takes effect. It must not be seen, neither before nor
//   after. unknown       anything may have happened or may yet happen: the operation takes effect at most once, at any
//   time after its
//                 invocation, however late, or never. Where a completion time is given it is when the client lost
//                 patience, and binds nobody.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvorum::sim {

enum class CommandKind : uint8_t {
    kGet,
    kSet,
    kSetnx,
    kGetset,
    kGetdel,
    kIncrby,
    kAppend,
    kDel,
    kExists,
    kMget,
    kMset,
    kRename,
};

// When a SET writes: always, if the key is absent, if it exists, if its value equals `Command::expected`.
enum class SetCondition : uint8_t { kAlways, kNx, kXx, kIfeq };

// One command. Build it with the functions below, which give each kind the keys and values that it needs.
struct Command {
    CommandKind kind = CommandKind::kGet;
    std::vector<std::string> keys;    // RENAME: the source, then the destination
    std::vector<std::string> values;  // one a key for what writes values (RENAME and DEL write none)
    int64_t increment = 0;            // INCRBY
    SetCondition condition = SetCondition::kAlways;
    std::string expected;      // SET IFEQ
    bool returns_old = false;  // SET GET

    bool operator==(const Command&) const = default;
};

[[nodiscard]] Command get(std::string key);
[[nodiscard]] Command set(std::string key, std::string value);
[[nodiscard]] Command set_if_absent(std::string key, std::string value);  // SET NX: OK or nil
[[nodiscard]] Command set_if_exists(std::string key, std::string value);  // SET XX: OK or nil
[[nodiscard]] Command set_if_equal(std::string key, std::string expected, std::string value);
[[nodiscard]] Command with_get(Command set);                      // SET ... GET: the old value or nil, written or not
[[nodiscard]] Command setnx(std::string key, std::string value);  // SETNX: 1 or 0
[[nodiscard]] Command getset(std::string key, std::string value);
[[nodiscard]] Command getdel(std::string key);
[[nodiscard]] Command incrby(std::string key, int64_t increment);
[[nodiscard]] Command append(std::string key, std::string suffix);
[[nodiscard]] Command del(std::vector<std::string> keys);
[[nodiscard]] Command exists(std::vector<std::string> keys);
[[nodiscard]] Command mget(std::vector<std::string> keys);
[[nodiscard]] Command mset(std::vector<std::string> keys, std::vector<std::string> values);
[[nodiscard]] Command rename(std::string from, std::string to);

// GET, MGET and EXISTS: what has no effect, whatever it answers.
[[nodiscard]] bool is_read_only(CommandKind kind);

// The errors that depend on the state and so are observations of it. Any other error text is a reply that no state
// explains: a client that gets one records "not executed" or "unknown", as the error says.
inline constexpr std::string_view kNotIntegerError = "ERR value is not an integer or out of range";
inline constexpr std::string_view kOverflowError = "ERR increment or decrement would overflow";
inline constexpr std::string_view kNoSuchKeyError = "ERR no such key";

struct Reply {
    enum class Kind : uint8_t { kOk, kNil, kInteger, kText, kList, kError };

    Kind kind = Kind::kNil;
    int64_t integer = 0;
    std::string text;  // kText, kError
    std::vector<std::optional<std::string>> list;

    bool operator==(const Reply&) const = default;
};

[[nodiscard]] Reply reply_ok();
[[nodiscard]] Reply reply_nil();
[[nodiscard]] Reply reply_integer(int64_t integer);
[[nodiscard]] Reply reply_text(std::string text);
[[nodiscard]] Reply reply_list(std::vector<std::optional<std::string>> list);
[[nodiscard]] Reply reply_error(std::string_view text);

enum class Outcome : uint8_t { kExecuted, kNotExecuted, kUnknown };

struct Operation {
    uint64_t client = 0;
    uint64_t id = 0;  // for people and for matching lines: unique within a client
    Command command;
    uint64_t invoked_at_ns = 0;
    std::optional<uint64_t> completed_at_ns;  // none: still open when the history ended
    Outcome outcome = Outcome::kUnknown;
    Reply reply;  // kExecuted only

    bool operator==(const Operation&) const = default;
};

// In any order: the times say what came first.
using History = std::vector<Operation>;

// Errors: InvalidArgument for a command with the wrong number of keys or values, an executed operation without a
// completion time, one that completed before it was invoked. Says nothing about the reply: a strange reply is for the
// checker to judge.
[[nodiscard]] absl::Status validate(const Operation& operation);

// --- Text form, version 1 ---
//
// The first line is `kvorum-history 1`; then one operation a line; empty lines and lines that begin with "# " are
// skipped.
//
//   #7 c2 1000..1250 SET "x" "1" NX GET -> nil          executed: the reply follows the arrow
//   #8 c2 1300..1350 SET "x" "2" -> failed              not executed
//   #9 c2 1400..9000 INCRBY "n" 1 -> unknown            the client gave up at 9000
//   #4 c3 1100.. GET "x" -> unknown                     open at the end
//
// Replies: OK, nil, an integer, "text", ["text" nil], error "text". Strings are quoted; '"', '\' and bytes outside
// printable ASCII are written
// \xHH.
//
// A recorder that must survive its own crash writes an operation as open before it sends the request, and a second line
// with the same client and id once the outcome is known. The later line replaces the earlier one; it must name the same
// command and invocation time, and the earlier one must have been unknown.

[[nodiscard]] std::string history_header();
// One line, without its newline.
[[nodiscard]] std::string format_operation(const Operation& operation);
[[nodiscard]] std::string format_command(const Command& command);
[[nodiscard]] std::string format_reply(const Reply& reply);
[[nodiscard]] std::string format_history(const History& history);
// A string as it stands in the text form, with its quotes.
[[nodiscard]] std::string quoted(std::string_view text);

// Errors: InvalidArgument, "line N: what is wrong"; a last line without its newline was cut short and is an error as
// well. Operations come in the order of their first lines.
[[nodiscard]] absl::StatusOr<History> parse_history(std::string_view text);

}  // namespace kvorum::sim
