// Prints a segment file for a person: its groups, the records in them, and where and why its log ends. Reads by plain
// system calls, changes nothing, needs no reactor: for tools, on a stopped node or a copy.
//
// Thread: any. The whole file is held in memory. Errors: NotFound or Unavailable when the file cannot be read; damage
// is printed, not an error.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace kvorum::wal {

// One line, without its end.
using DumpSink = std::function<void(std::string_view line)>;

[[nodiscard]] absl::Status dump_segment(const std::string& path, const DumpSink& sink);
// The same for bytes at hand. Groups are checked one by one against the first one's cluster, node and segment; the
// whole log is not judged.
void dump_segment_bytes(Bytes image, const DumpSink& sink);

}  // namespace kvorum::wal
