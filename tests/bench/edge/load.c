/* load: a closed-loop HTTP/1.1 load generator for loopback; one line of JSON on standard output.
 *
 * One epoll, N keep-alive connections, one request at a time on each, reads of a megabyte. Every answer is judged
 * (answer.h); the first wrong one ends the run with status 1. Requests before --warm seconds are not counted in
 * latency and rate, but in all_requests, which is what the server's processor time is divided by. With --spin it
 * never sleeps, for the server pays for waking it. */
#define _GNU_SOURCE
#include "answer.h"
#include "histogram.h"
#include "stream.h"
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum { BUFFER_BYTES = 1 << 20, REQUEST_BYTES = 2048, N_EVENTS = 256 };

struct options {
    int port, n_connections, n_sources, core;
    double seconds, warm_s;
    uint64_t n_requests; /* 0: until the time is over */
    const char *path;    /* a `%` in it becomes a number that no other request has */
    const char *body_file;
    struct expected want;
    bool is_tls, discards, is_idle, spins;
};

struct connection {
    struct stream stream;
    uint64_t asked_ns;
    struct answer answer;
};

static struct options options = {.n_connections = 64, .n_sources = 1, .core = -1, .seconds = 1, .path = "/",
                                 .want = {.status = 200, .length = -1}};
static char extra_headers[1024], buffer[BUFFER_BYTES], request[REQUEST_BYTES];
static int n_request;
static struct histogram latencies;
static uint64_t n_asked, n_all, n_reads, all_bytes, counted_bytes, count_from_ns;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void write_request(uint64_t number) {
    const char *mark = strchr(options.path, '%');
    int n_before = mark == NULL ? (int)strlen(options.path) : (int)(mark - options.path);
    char digits[24] = "";
    if (mark != NULL) snprintf(digits, sizeof digits, "%lu", (unsigned long)number);
    n_request = snprintf(request, sizeof request, "GET %.*s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", n_before,
                         options.path, digits, mark == NULL ? "" : mark + 1, options.port, extra_headers);
    if (n_request >= (int)sizeof request) die("the request is too long");
}

static bool may_ask(void) { return options.n_requests == 0 || n_asked < options.n_requests; }

static void ask(struct connection *connection, uint64_t now) {
    if (strchr(options.path, '%') != NULL) write_request(n_asked);
    n_asked++;
    connection->asked_ns = now;
    stream_write(&connection->stream, request, (size_t)n_request);
}

static void finished(struct connection *connection) {
    uint64_t now = now_ns();
    n_all++;
    if (connection->asked_ns >= count_from_ns) {
        record(&latencies, (now - connection->asked_ns) / 1000);
        counted_bytes += (uint64_t)connection->answer.length;
    }
    if (may_ask()) ask(connection, now);
}

static void refuse(const struct answer *answer, enum verdict verdict, ssize_t n) {
    fprintf(stderr, "load: %s after %ld of %ld body bytes: %.*s\n", verdict_names[verdict], answer->place,
            answer->in_body ? answer->length : options.want.length, n > 300 ? 300 : (int)n, buffer);
    exit(1);
}

static void read_some(struct connection *connection) {
    do {
        struct answer *answer = &connection->answer;
        bool discards = options.discards && answer->in_body && options.want.body == NULL;
        ssize_t n = stream_read(&connection->stream, buffer, sizeof buffer, discards);
        if (n < 0) return;
        enum verdict verdict = n == 0 ? MORE : take(answer, &options.want, buffer, (size_t)n);
        if (n == 0 || verdict > DONE) refuse(answer, verdict, n);
        n_reads++;
        all_bytes += (uint64_t)n;
        if (verdict == DONE) finished(connection);
    } while (stream_holds_more(&connection->stream));
}

static void run(int poll, struct connection *connections) {
    uint64_t began_ns = now_ns(), end_ns = began_ns + (uint64_t)((options.warm_s + options.seconds) * 1e9);
    struct epoll_event events[N_EVENTS];
    count_from_ns = began_ns + (uint64_t)(options.warm_s * 1e9);
    if (strchr(options.path, '%') == NULL) write_request(0);
    for (int i = 0; i < options.n_connections && may_ask(); i++) ask(&connections[i], now_ns());
    while (now_ns() < end_ns && (options.n_requests == 0 || n_all < options.n_requests)) {
        int n = epoll_wait(poll, events, N_EVENTS, options.spins ? 0 : 100);
        for (int i = 0; i < n; i++) read_some(events[i].data.ptr);
    }
    if (options.n_requests != 0 && n_all < options.n_requests) die("not every request was answered in time");
}

static void tell(void) {
    struct rusage used;
    double seconds = (double)(now_ns() - count_from_ns) / 1e9;
    getrusage(RUSAGE_SELF, &used);
    double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"requests\": %lu, \"seconds\": %.6f, \"bytes\": %lu, \"all_requests\": %lu, \"all_bytes\": %lu, "
           "\"reads\": %lu, \"p50_us\": %lu, \"p99_us\": %lu, \"p999_us\": %lu, \"max_us\": %lu, \"load_cpu_s\": %.6f}\n",
           latencies.n, seconds, counted_bytes, n_all, all_bytes, n_reads, quantile_us(&latencies, 0.5),
           quantile_us(&latencies, 0.99), quantile_us(&latencies, 0.999), latencies.max_us, cpu_s);
    fflush(stdout);
}

static void pin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (sched_setaffinity(0, sizeof cores, &cores) != 0) die("cannot pin to the core");
}

static void add_header(const char *line) {
    size_t used = strlen(extra_headers);
    int n = snprintf(extra_headers + used, sizeof extra_headers - used, "%s\r\n", line);
    if (n < 0 || (size_t)n >= sizeof extra_headers - used) die("too many headers");
}

static const struct option LONG[] = {
    {"port", 1, 0, 'p'},    {"path", 1, 0, 'u'},     {"connections", 1, 0, 'c'}, {"seconds", 1, 0, 's'},
    {"warm", 1, 0, 'w'},    {"requests", 1, 0, 'n'}, {"header", 1, 0, 'h'},      {"status", 1, 0, 'x'},
    {"length", 1, 0, 'l'},  {"body", 1, 0, 'b'},     {"core", 1, 0, 'k'},        {"sources", 1, 0, 'a'},
    {"tls", 0, 0, 't'},     {"discard", 0, 0, 'd'},  {"idle", 0, 0, 'i'},     {"spin", 0, 0, 'q'},    {0, 0, 0, 0},
};

static void parse(int argc, char **argv) {
    for (int letter; (letter = getopt_long(argc, argv, "", LONG, NULL)) != -1;) switch (letter) {
        case 'p': options.port = atoi(optarg); break;
        case 'u': options.path = optarg; break;
        case 'c': options.n_connections = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'w': options.warm_s = atof(optarg); break;
        case 'n': options.n_requests = strtoul(optarg, NULL, 10); break;
        case 'h': add_header(optarg); break;
        case 'x': options.want.status = atoi(optarg); break;
        case 'l': options.want.length = atol(optarg); break;
        case 'b': options.body_file = optarg; break;
        case 'k': options.core = atoi(optarg); break;
        case 'a': options.n_sources = atoi(optarg); break;
        case 't': options.is_tls = true; break;
        case 'd': options.discards = true; break;
        case 'i': options.is_idle = true; break;
        case 'q': options.spins = true; break;
        default: exit(2);
        }
}

static void read_body_file(void) {
    FILE *file = fopen(options.body_file, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) die("cannot read the body to compare with");
    long n = ftell(file);
    char *body = malloc((size_t)n + 1);
    rewind(file);
    if (body == NULL || fread(body, 1, (size_t)n, file) != (size_t)n) die("cannot read the body to compare with");
    fclose(file);
    options.want.body = body;
    options.want.length = n;
}

int main(int argc, char **argv) {
    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (options.core >= 0) pin(options.core);
    if (options.body_file != NULL) read_body_file();
    struct connection *connections = calloc((size_t)options.n_connections, sizeof *connections);
    int poll = epoll_create1(0);
    if (poll < 0 || connections == NULL) die("no memory");
    for (int i = 0; i < options.n_connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        stream_open(&connections[i].stream, options.port, i % options.n_sources, options.is_tls);
        epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].stream.fd, &event);
    }
    run(poll, connections);
    tell();
    if (options.is_idle) getchar(); /* hold the connections until standard input ends */
    return 0;
}
