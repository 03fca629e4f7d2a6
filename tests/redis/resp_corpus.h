// Request streams that every way of cutting them must treat alike: the shapes that clients send, and the attacks of
// public advisories.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvorum::redis::test {

inline std::vector<std::string> resp_corpus() {
    using namespace std::string_literals;
    return {
        "*1\r\n$4\r\nPING\r\n",
        "*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$5\r\nhello\r\n*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n",
        "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
        "*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n",
        "*2\r\n$4\r\nECHO\r\n$5\r\na\0b\0c\r\n"s,
        "PING\r\nPING\n\r\n\n   \r\nset k \"a\\x41\\n\\q\" 'it\\'s'\r\n",
        "*0\r\n*-1\r\n*-7\r\nPING\r\n",
        "*11\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n$1\r\ng\r\n$1\r\nh\r\n$1\r\ni\r\n$"
        "1\r\nj\r\n$1\r\nk\r\n",
        // Lengths that are no lengths.
        "*x\r\n",
        "*\r\n",
        "*+1\r\n",
        "*01\r\n",
        "*-0\r\n",
        "*1 \r\n",
        "*2147483648\r\n",
        "*99999999999\r\n",
        "*99999999999999999999999999\r\n",
        "*1048577\r\n",
        "*1\r\n$-1\r\n",
        "*1\r\n$+4\r\nPING\r\n",
        "*1\r\n$04\r\nPING\r\n",
        "*1\r\n$\r\n",
        "*1\r\n$4 \r\nPING\r\n",
        "*1\r\n$16777217\r\n",
        "*1\r\n$9223372036854775808\r\n",
        // Framing that is none.
        "*1\r\nPING\r\n",
        "*1\r\n*1\r\n$4\r\nPING\r\n",
        "*1\r\n\r\n",
        "*1\n$4\nPING\n",
        "*1\r\n$4\r\nPINGxx",
        "*1\r\n$4\r\nPING\rx",
        "*1\r\r\n$4\r\nPING\r\n",
        "\"abc\r\n",
        "\"a\"b\r\n",
        "'a'b\r\n",
        "\"a\\",
        "PI\0NG\r\nPING\r\n"s,
        // A browser made to talk to this port (CVE-2016-10517).
        "POST / HTTP/1.1\r\nHost: localhost:6379\r\n\r\nSET k v\r\n",
        "GET / HTTP/1.1\r\nHost: localhost:6379\r\n\r\nSET k v\r\n",
        "PING\r\npost / HTTP/1.1\r\n",
        // A good command, then an error: the command counts.
        "*1\r\n$4\r\nPING\r\n*1\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
    };
}

}  // namespace kvorum::redis::test
