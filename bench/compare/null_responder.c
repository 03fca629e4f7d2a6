// The ceiling of every server that is measured beside it: it answers each RESP command with +OK, having parsed and
// stored nothing.
//
//   null_responder PORT
//
// One io_uring, multishot accept and receive into a ring of provided buffers, one send in flight per connection. A
// command is known by its '*', so keys and values must not hold one; redis-benchmark's do not. Prints "ready" when it
// listens; ends by a signal.
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    kConnectionsMax = 4096,
    kBuffers = 1024,
    kBufferBytes = 16384,
    kBufferGroup = 0,
    kRepliesPerSend = 32768,
    kRingEntries = 2048
};
enum Kind { kAccept, kReceive, kSend };

static const char kReply[] = "+OK\r\n";
enum { kReplyBytes = sizeof(kReply) - 1 };

struct Connection {
    uint64_t owed;  // replies that no send carries yet
    int sending;    // a send is in flight
    int touched;    // stands in `touched_connections`
};

static struct io_uring ring;
static struct io_uring_buf_ring* buffer_ring;
static char* buffers;
static char replies[kRepliesPerSend * kReplyBytes];
static struct Connection connections[kConnectionsMax];
// Those that have got commands in this turn: a turn sends once to each, however many receives it reaped.
static int touched_connections[kConnectionsMax];
static int touched_count;

static void fail(const char* action, int error) {
    fprintf(stderr, "null_responder: %s: %s\n", action, strerror(error));
    exit(1);
}

// The preparing functions leave user_data alone.
static struct io_uring_sqe* next_sqe(enum Kind kind, int fd) {
    struct io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    sqe->user_data = (uint64_t)kind << 32 | (uint32_t)fd;
    return sqe;
}

static void start_accepting(int listener) {
    io_uring_prep_multishot_accept(next_sqe(kAccept, listener), listener, NULL, NULL, 0);
}

static void start_receiving(int fd) {
    struct io_uring_sqe* sqe = next_sqe(kReceive, fd);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = kBufferGroup;
}

static void send_owed(int fd) {
    struct Connection* connection = &connections[fd];
    if (connection->sending || connection->owed == 0) return;
    const uint64_t count = connection->owed < kRepliesPerSend ? connection->owed : kRepliesPerSend;
    connection->owed -= count;
    connection->sending = 1;
    io_uring_prep_send(next_sqe(kSend, fd), fd, replies, count * kReplyBytes, MSG_WAITALL | MSG_NOSIGNAL);
}

static uint64_t count_commands(const char* data, int size) {
    uint64_t count = 0;
    for (int i = 0; i < size; ++i)
        count += data[i] == '*';
    return count;
}

static void give_back(int buffer) {
    io_uring_buf_ring_add(buffer_ring, buffers + (size_t)buffer * kBufferBytes, kBufferBytes, (unsigned short)buffer,
                          io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(buffer_ring, 1);
}

static void accepted(const struct io_uring_cqe* cqe, int listener) {
    const int fd = cqe->res;
    if (fd >= kConnectionsMax) {
        close(fd);
    } else if (fd >= 0) {
        const int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        connections[fd] = (struct Connection){0};
        start_receiving(fd);
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) start_accepting(listener);
}

static void received(const struct io_uring_cqe* cqe, int fd) {
    if (cqe->res > 0) {
        const int buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        struct Connection* connection = &connections[fd];
        connection->owed += count_commands(buffers + (size_t)buffer * kBufferBytes, cqe->res);
        give_back(buffer);
        if (!connection->touched) {
            connection->touched = 1;
            touched_connections[touched_count++] = fd;
        }
        if (!(cqe->flags & IORING_CQE_F_MORE)) start_receiving(fd);
    } else if (cqe->res == -ENOBUFS) {
        start_receiving(fd);
    } else {
        close(fd);
    }
}

static void turn(void) {
    const int waited = io_uring_submit_and_wait(&ring, 1);
    if (waited < 0 && waited != -EINTR) fail("io_uring_submit_and_wait", -waited);
    struct io_uring_cqe* cqe;
    unsigned head;
    unsigned reaped = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
        ++reaped;
        const int fd = (int)(uint32_t)cqe->user_data;
        switch ((enum Kind)(cqe->user_data >> 32)) {
            case kAccept: accepted(cqe, fd); break;
            case kReceive: received(cqe, fd); break;
            case kSend:
                connections[fd].sending = 0;
                send_owed(fd);
                break;
        }
    }
    io_uring_cq_advance(&ring, reaped);
    for (int i = 0; i < touched_count; ++i) {
        connections[touched_connections[i]].touched = 0;
        send_owed(touched_connections[i]);
    }
    touched_count = 0;
}

static void set_up_ring(void) {
    struct io_uring_params params = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = 4 * kRingEntries};
    int error = io_uring_queue_init_params(kRingEntries, &ring, &params);
    if (error < 0) fail("io_uring_queue_init_params", -error);
    io_uring_register_ring_fd(&ring);
    buffers = malloc((size_t)kBuffers * kBufferBytes);
    if (buffers == NULL || posix_memalign((void**)&buffer_ring, 4096, kBuffers * sizeof(struct io_uring_buf)) != 0)
        fail("memory", ENOMEM);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)buffer_ring, .ring_entries = kBuffers, .bgid = kBufferGroup};
    error = io_uring_register_buf_ring(&ring, &registration, 0);
    if (error < 0) fail("io_uring_register_buf_ring", -error);
    io_uring_buf_ring_init(buffer_ring);
    for (int i = 0; i < kBuffers; ++i)
        give_back(i);
    for (int i = 0; i < kRepliesPerSend; ++i)
        memcpy(replies + i * kReplyBytes, kReply, kReplyBytes);
}

static int listen_on(uint16_t port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 1024) != 0)
        fail("listen", errno);
    return listener;
}

int main(int argument_count, char** arguments) {
    if (argument_count != 2) {
        fprintf(stderr, "usage: null_responder PORT\n");
        return 2;
    }
    set_up_ring();
    start_accepting(listen_on((uint16_t)strtoul(arguments[1], NULL, 10)));
    puts("ready");
    fflush(stdout);
    for (;;)
        turn();
}
