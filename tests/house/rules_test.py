#!/usr/bin/env python3
"""The checks of house_test.py see what they are meant to see, and nothing else."""

import unittest

import blocking
import cpp_text
import documents
import rules


class Includes(unittest.TestCase):
    def test_upward_and_sideways_are_refused(self):
        for path, included in (("base/x.h", "raft/raft.h"), ("raft/a.cc", "kv/store.h"), ("kv/a.cc", "reactor/task.h"), ("kv/a.cc", "ops/commands.h"),
                               ("wal/a.cc", "net/frame.h"), ("net/a.cc", "config/config.h"), ("peers/a.cc", "replica/group.h"),
                               ("ops/a.cc", "raft/raft.h"), ("replica/a.cc", "gateway/lane.h"), ("gateway/a.cc", "redis/resp_writer.h"),
                               ("redis/a.cc", "node/node.h"), ("observe/a.cc", "config/config.h"), ("node/a.cc", "sim/machine.h")):
            self.assertIsNotNone(rules.include_violation(path, included), f"{path} -> {included}")

    def test_downward_is_fine(self):
        for path, included in (("raft/a.cc", "base/ids.h"), ("wal/a.cc", "reactor/task.h"), ("config/a.h", "reactor/io_backend.h"),
                               ("peers/a.cc", "net/frame.h"), ("replica/a.cc", "raft/raft.h"), ("gateway/a.cc", "replica/group.h"),
                               ("redis/a.cc", "gateway/lane.h"), ("node/a.cc", "redis/client_listener.h"), ("sim/a.cc", "node/node.h"),
                               ("tools/a.cc", "sim/machine.h"), ("tests/raft/a.cc", "raft/impl.h"), ("wal/a.cc", "wal/format.h")):
            self.assertIsNone(rules.include_violation(path, included), f"{path} -> {included}")

    def test_a_room_that_nobody_named_is_none(self):
        self.assertIsNone(rules.include_violation("wal/a.cc", "absl/status/status.h"))

    def test_below_the_driver_only_the_plain_types_of_raft_are_seen(self):
        for room in ("wal", "net", "peers"):
            self.assertIsNone(rules.include_violation(f"{room}/a.cc", "raft/entry.h"), room)
            self.assertIsNotNone(rules.include_violation(f"{room}/a.cc", "raft/raft.h"), room)

    def test_each_room_stands_on_rooms_before_it(self):
        order = rules.ROOMS
        for room, targets in rules.MAY_INCLUDE.items():
            for target in targets:
                self.assertLess(order.index(target), order.index(room), f"{room} -> {target}")

    def test_a_commented_include_is_none(self):
        self.assertEqual(cpp_text.project_includes('// #include "a/b.h"\n#include "c/d.h"\n'), [(2, "c/d.h")])


class Sizes(unittest.TestCase):
    def test_files_of_the_rooms_above_the_log_are_shorter(self):
        self.assertLess(rules.file_lines_max("replica/raft_driver.cc"), rules.file_lines_max("raft/raft.cc"))
        self.assertEqual(rules.file_lines_max("tests/replica/a_test.cc"), rules.FILE_LINES_MAX)


class BannedTokens(unittest.TestCase):
    def found(self, source):
        return list(rules.banned_tokens_in("node/a.cc", source))

    def test_each_is_found(self):
        for source in ("std::random_device device;", "auto t = std::chrono::steady_clock::now();", "int r = rand();", "::sleep(1);",
                       "std::this_thread::sleep_for(1ms);", "clock_gettime(CLOCK_MONOTONIC, &t);", "time(nullptr);", "usleep (10);",
                       "std::map<Client*, int> clients;", "absl::Now();"):
            self.assertTrue(self.found(source), source)

    def test_words_that_only_look_like_them_are_not(self):
        for source in ("// rand() is banned", '"time(nullptr)"', "timers.sleep(kSecondNs);", "node->time(0);", "int operand(int);",
                       "log_time(0);", "std::map<NodeId, Peer*> peers;", "char c = '\"'; // sleep(1)"):
            self.assertFalse(self.found(source), source)


class ReplyTexts(unittest.TestCase):
    def found(self, source):
        return list(rules.reply_texts_in("ops/a.cc", source))

    def test_each_is_found(self):
        for source in ('reply.error("ERR syntax error");', 'constexpr std::string_view kText = "WRONGTYPE Operation";', 'out = "-OOM command";',
                       'return "BUSYKEY Target";', r'out.append("+OK\r\n");', r'out = "$-1\r\n";'):
            self.assertTrue(self.found(source), source)

    def test_other_words_are_not(self):
        for source in ('// "ERR syntax error"', 'KVORUM_ASSERT(known, "ERROR {}", code);', 'equals_ignore_case(word, "ERRATIC");', 'name == "GET"',
                       'reply.failure(Failure::kSyntax);', '"+1"'):
            self.assertFalse(self.found(source), source)


class BlockingCalls(unittest.TestCase):
    def test_each_is_found_in_a_room_of_the_node(self):
        for source in ("int fd = ::open(path, 0);", "std::ifstream file(path);", "getaddrinfo(host, port, &hints, &found);", "::fsync(fd);",
                       "std::thread worker(run);", "reactor_.backend().list_directory(path);", "std::filesystem::remove(path);",
                       "std::fprintf(stderr, text);", "fmt::print(text);", "::poll(&waiting, 1, -1);"):
            self.assertTrue(blocking.wrong_in("node/a.cc", source), source)

    def test_what_the_reactor_offers_is_not(self):
        for source in ("co_await reactor_.open(path, flags, 0);", "backend_.poll(0);", "int32_t Disk::rename(const std::string& from);",
                       "waiter->unlink();", "// ::open(path)", "reactor_.connect(endpoint);"):
            self.assertFalse(blocking.wrong_in("node/a.cc", source), source)

    def test_a_place_that_is_no_longer_needed_is_found(self):
        self.assertFalse(blocking.wrong_in("wal/dump.cc", "::open(path, 0);"))
        self.assertTrue(blocking.wrong_in("wal/dump.cc", "int x;"))


class Functions(unittest.TestCase):
    def lengths(self, source):
        return {f.name: f.body_lines for f in cpp_text.functions(source)}

    def test_bodies_are_measured_in_namespaces_and_classes(self):
        source = "namespace a {\nclass B final : public C {\n   public:\n    int d() const {\n        return 1;\n    }\n};\n}\n"
        self.assertEqual(self.lengths(source), {"d": 2})

    def test_member_initialisers_are_no_bodies(self):
        self.assertEqual(self.lengths("A::A(int b) : b_{b}, c_{1}, d_(2) {\n    e();\n}\n"), {"A": 2})

    def test_lambdas_and_tables_are_no_functions(self):
        source = "constexpr auto kTable = make({\n  {1},\n});\nint f() {\n  auto g = [](int x) {\n    return x;\n  };\n  return g(1);\n}\n"
        self.assertEqual(self.lengths(source), {"f": 5})

    def test_braces_in_strings_and_comments_do_not_count(self):
        self.assertEqual(self.lengths('void f() {\n  g("{");  // {\n  h(R"x({)x", \'{\');\n}\nvoid i() {}\n'), {"f": 3, "i": 0})

    def test_trailing_return_types_and_qualifiers(self):
        source = "auto f(int a) -> std::vector<int> {\n}\nbool g() const noexcept override {\n\n}\nTEST(Suite, Name) {\n}\n"
        self.assertEqual(self.lengths(source), {"f": 1, "g": 2, "TEST": 1})


class CoroutineParameters(unittest.TestCase):
    def found(self, source):
        return [violation.place for violation in rules.borrowed_parameters_in("a/a.cc", source)]

    def test_what_may_be_gone_when_the_task_goes_on_is_refused(self):
        for parameter in ("const std::string& name", "std::string&& name", "std::string_view name", "std::span<const int> a", "Bytes a",
                          "std::vector<int>& out", "std::map<int, std::string>& m", "Reactor&& reactor"):
            self.assertEqual(self.found(f"Task<int> f(int a, {parameter});"), ["a/a.cc:f"], parameter)

    def test_values_and_what_outlives_the_task_are_fine(self):
        self.assertEqual(self.found("reactor::Task<absl::StatusOr<std::unique_ptr<A>>> A::open(reactor::Reactor& reactor, std::string a,\n std::map<int, B> b) {"), [])
        self.assertEqual(self.found("Task<void> f(const NodeConfig& config, MutableBytes image);"), [])

    def test_only_functions_that_return_a_task_count(self):
        self.assertEqual(self.found("void f(const A& a, Task<int> task);\nTask<int> kept_;\nstd::vector<Task<int>> g(const A& a);"), [])


class Documents(unittest.TestCase):
    def test_commands_are_found_in_blocks_and_inline(self):
        text = "```sh\n$ ./dev up 7001   # starts\nls\nA=1 build/release/bin/kvorumd --id 1 \\\n  --x\n```\nthen `kvorum status A`.\n"
        self.assertEqual(list(documents.command_lines(text)), [["./dev", "up", "7001"], ["build/release/bin/kvorumd", "--id", "1", "--x"],
                                                               ["kvorum", "status", "A"]])


if __name__ == "__main__":
    unittest.main()
