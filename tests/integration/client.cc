#include "tests/integration/client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

namespace kvorum::integration {
namespace {

timeval to_timeval(Milliseconds time) {
    return {.tv_sec = time.count() / 1000, .tv_usec = static_cast<suseconds_t>(time.count() % 1000) * 1000};
}

Outcome outcome_of_error(std::string_view error) {
    if (error.starts_with("UNCERTAIN")) return Outcome::kUnknown;
    for (const std::string_view promise : {"CLUSTERDOWN", "TRYAGAIN", "MOVED", "MISCONF", "OOM"}) {
        if (error.starts_with(promise)) return Outcome::kNotExecuted;
    }
    return Outcome::kOtherError;
}

Answer to_answer(const redisReply& reply) {
    Answer answer;
    answer.lost = false;
    answer.outcome = Outcome::kDone;
    if (reply.str != nullptr) answer.text.assign(reply.str, static_cast<size_t>(reply.len));
    if (reply.type == REDIS_REPLY_ERROR) answer.outcome = outcome_of_error(answer.text);
    answer.is_null = reply.type == REDIS_REPLY_NIL;
    answer.is_status = reply.type == REDIS_REPLY_STATUS;
    answer.is_integer = reply.type == REDIS_REPLY_INTEGER;
    answer.integer = reply.integer;
    if (reply.type == REDIS_REPLY_INTEGER) answer.text = std::to_string(reply.integer);
    for (size_t i = 0; i < reply.elements; ++i)
        answer.elements.push_back(to_answer(*reply.element[i]));
    return answer;
}

}  // namespace

std::string Answer::to_string() const {
    if (lost) return "lost";
    if (is_null) return "(nil)";
    if (elements.empty()) return text;
    std::string all;
    for (const Answer& element : elements)
        all += (all.empty() ? "[" : " ") + element.to_string();
    return all + "]";
}

Client::Client(const reactor::Endpoint& node, Milliseconds timeout)
    : context_(redisConnectWithTimeout(node.host.c_str(), node.port, to_timeval(timeout)), &redisFree) {
    if (is_connected()) redisSetTimeout(context_.get(), to_timeval(timeout));
}

void Client::append(const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data());
}

Answer Client::receive() {
    void* received = nullptr;
    if (!is_connected() || redisGetReply(context_.get(), &received) != REDIS_OK || received == nullptr) return {};
    const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(static_cast<redisReply*>(received),
                                                                        &freeReplyObject);
    return to_answer(*reply);
}

Answer Client::command(const std::vector<std::string>& words) {
    if (!is_connected()) return {};
    append(words);
    return receive();
}

std::vector<Answer> Client::pipeline(const std::vector<std::vector<std::string>>& commands) {
    if (!is_connected()) return std::vector<Answer>(commands.size());
    for (const auto& words : commands)
        append(words);
    return receive(commands.size());
}

std::vector<Answer> Client::exchange(const std::vector<std::string>& encoded) {
    if (!is_connected()) return std::vector<Answer>(encoded.size());
    for (const std::string& command : encoded)
        redisAppendFormattedCommand(context_.get(), command.data(), command.size());
    return receive(encoded.size());
}

std::vector<Answer> Client::receive(size_t count) {
    std::vector<Answer> answers;
    for (size_t i = 0; i < count; ++i)
        answers.push_back(receive());
    return answers;
}

RawConnection::RawConnection(const reactor::Endpoint& node, Milliseconds timeout) {
    handle_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval bound = to_timeval(timeout);
    setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(node.port);
    inet_pton(AF_INET, node.host.c_str(), &address.sin_addr);
    if (connect(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        close(handle_);
        handle_ = -1;
    }
}

RawConnection::~RawConnection() {
    if (handle_ >= 0) close(handle_);
}

bool RawConnection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(handle_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

void RawConnection::end_sending() { ::shutdown(handle_, SHUT_WR); }

std::string RawConnection::receive_until(std::string_view ending) {
    std::string all;
    std::array<char, 16 * 1024> part{};
    while (!all.ends_with(ending)) {
        const ssize_t size = recv(handle_, part.data(), part.size(), 0);
        if (size <= 0) break;
        all.append(part.data(), static_cast<size_t>(size));
    }
    return all;
}

std::string RawConnection::receive_until_closed(bool& closed) {
    std::string all;
    std::array<char, 16 * 1024> part{};
    for (;;) {
        const ssize_t size = recv(handle_, part.data(), part.size(), 0);
        // A reset counts as closed: the other side went away with bytes of ours unread.
        closed = size == 0 || (size < 0 && (errno == ECONNRESET || errno == EPIPE));
        if (size <= 0) return all;
        all.append(part.data(), static_cast<size_t>(size));
    }
}

std::string encode(const std::vector<std::string>& words) {
    std::string bytes = fmt::format("*{}\r\n", words.size());
    for (const std::string& word : words)
        bytes += fmt::format("${}\r\n{}\r\n", word.size(), word);
    return bytes;
}

}  // namespace kvorum::integration
