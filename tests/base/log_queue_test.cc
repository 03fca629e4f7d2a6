// Who logs never waits for whoever reads.
#include "base/log_queue.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

namespace kvorum {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A pipe whose reader may be slow. The ends stay open as long as the process: a queue's thread may use one.
struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
    std::string read_until(std::string_view last) {
        std::string text;
        std::array<char, 65536> part{};
        while (text.find(last) == std::string::npos) {
            const ssize_t size = ::read(ends[0], part.data(), part.size());
            if (size <= 0) break;
            text.append(part.data(), static_cast<size_t>(size));
        }
        return text;
    }
    std::array<int, 2> ends{};
};

constexpr auto kLong = std::chrono::seconds(60);
constexpr auto kShort = std::chrono::milliseconds(20);

TEST(LogQueue, LinesArriveInTheirOrder) {
    Pipe pipe;
    LogQueue queue(pipe.ends[1]);
    for (int i = 0; i < 100; ++i)
        queue.append("line " + std::to_string(i) + "\n");
    EXPECT_TRUE(queue.flush(kLong));
    const std::string text = pipe.read_until("line 99\n");
    EXPECT_THAT(text, StartsWith("line 0\nline 1\n"));
    EXPECT_EQ(queue.dropped_lines(), 0);
}

TEST(LogQueue, ALogThatNobodyReadsStopsNobodyAndSaysLaterHowManyLinesItDropped) {
    Pipe pipe;
    LogQueue queue(pipe.ends[1]);
    const std::string line(99, 'x');
    // More than the pipe and the queue hold: this ends although nobody reads.
    constexpr size_t kLines = 3 * LogQueue::kBytesMax / 100;
    for (size_t i = 0; i < kLines; ++i)
        queue.append(line + "\n");
    EXPECT_GT(queue.dropped_lines(), 0);
    EXPECT_FALSE(queue.flush(kShort)) << "a flush has an end";

    std::string text;
    std::thread reader([&] { text = pipe.read_until("the last line\n"); });
    EXPECT_TRUE(queue.flush(kLong));
    queue.append("the last line\n");
    reader.join();
    EXPECT_THAT(text, HasSubstr(std::to_string(queue.dropped_lines()) + " lines of the log were dropped"));
}

TEST(LogQueue, ADescriptorThatDoesNotWaitIsWaitedFor) {
    Pipe pipe;
    ASSERT_EQ(::fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK), 0);
    LogQueue queue(pipe.ends[1]);
    const std::string large(300'000, 'y');
    queue.append(large + "\n");
    queue.append("end\n");
    EXPECT_EQ(pipe.read_until("end\n"), large + "\nend\n");
}

TEST(LogQueue, AReaderThatIsGoneEndsNothing) {
    std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    ::close(pipe.ends[0]);
    LogQueue queue(pipe.ends[1]);
    queue.append("to nobody\n");
    EXPECT_TRUE(queue.flush(kLong));
}

}  // namespace
}  // namespace kvorum
