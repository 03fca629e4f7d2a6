// Static tracepoints (USDT, provider `kvorum`) at the stages of a write, for bpftrace and perf: one nop each until
// somebody listens. docs/benchmarks.md has examples.
//
//   parsed(session, request)   a write was recognised in what a client or another node sent
//   queued(session, request)   it is in the batch that gathers
//   appended(index, commands)  the batch became a log entry, and goes to the disk and to the peers
//   synced(index)              everything up to this entry is durable on this node
//   committed(index)           ... and on a majority
//   applied(index, commands)   the entry was carried out, and its replies written
//   replied(session, request)  the reply is in the output of its connection, which leaves at the end of the turn
//
// `session` is a slot number, good while the connection lives; `request` counts within it. Any thread.
#pragma once

#include <sys/sdt.h>

#define KVORUM_PROBE1(name, a) DTRACE_PROBE1(kvorum, name, a)
#define KVORUM_PROBE2(name, a, b) DTRACE_PROBE2(kvorum, name, a, b)
