// A private redis-server for comparison: started with nothing on disk and one database, reached over a unix socket,
// gone with the object.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kvorum::redis {

// A RESP2 reply taken apart. Only what COMMAND needs: text and arrays.
struct RespValue {
    std::string text;  // integers too; empty for null and arrays
    std::vector<RespValue> items;
};

class RedisProcess {
 public:
    // `failure` says what went wrong when nothing is returned: most likely that redis-server is not installed.
    static std::unique_ptr<RedisProcess> start(std::string& failure);
    RedisProcess(const RedisProcess&) = delete;
    RedisProcess& operator=(const RedisProcess&) = delete;
    ~RedisProcess();

    // The reply as it came, byte for byte; empty when the connection broke.
    std::string run(const std::vector<std::string>& words);
    RespValue run_parsed(const std::vector<std::string>& words);

 private:
    RedisProcess(std::string directory, pid_t pid) : directory_(std::move(directory)), pid_(pid) {}
    bool connect_within(int timeout_ms);
    bool read_reply(RespValue& value, std::string& raw);
    bool read_bytes(size_t size, std::string& out);
    bool read_line(std::string& out);

    std::string directory_;
    pid_t pid_ = -1;
    int socket_ = -1;
    std::string unread_;
};

}  // namespace kvorum::redis
