// Standard output that has arrived, or an exit code that says otherwise.
//
// What a program prints lies in a buffer; that the disk is full, or that nobody reads the pipe, shows only when the
// buffer is flushed. Thread: the one that prints.
#pragma once

#include <functional>

namespace kvorum {

// Runs `body` and flushes standard output behind it. Returns body's exit code, or 1, with a line on stderr in the name
// of `program`, when something that was printed could not be written, or when `body` threw. Ignores SIGPIPE from here
// on, so that a closed pipe is an error like any other.
[[nodiscard]] int run_and_flush(const char* program, const std::function<int()>& body);

}  // namespace kvorum
