/* bare PORT_FILE SNDBUF_BYTES FILE…: the ceiling. An HTTP/1.1 server that does nothing but answer GET from memory.
 *
 * One edge-triggered epoll, keep-alive, no timers, no log. The last segment of the path names the file; all before
 * it is ignored, so that /1/NAME, /2/NAME … are distinct URLs for the cache in front. Up to 32 KiB one writev of head
 * and body, above it the head with MSG_MORE and sendfile from a memfd: the better of the two at each size.
 * TCP_NOTSENT_LOWAT as the edge has it, which helps it as much.
 * The head is rendered each second for Date. Anything but a well-formed GET of a known name ends the connection. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES = 8192, N_EVENTS = 256, N_FILES = 16, WRITEV_BYTES = 32 * 1024, UNSENT_BYTES = 64 * 1024 };

struct file {
    const char *name;
    int memfd;
    char *body;
    size_t n_body, n_head;
    char head[512];
};

struct connection {
    int fd;
    size_t n_in;             /* bytes of requests not yet answered */
    const struct file *file; /* being sent; NULL: none */
    size_t n_sent;           /* of head and body together */
    size_t n_head;
    char head[512]; /* as it was when the answer began */
    char in[REQUEST_BYTES];
};

static struct file files[N_FILES];
static int n_files;
static time_t rendered_s;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void load_file(struct file *file, char *path) {
    FILE *source = fopen(path, "rb");
    if (source == NULL || fseek(source, 0, SEEK_END) != 0) die(path);
    file->n_body = (size_t)ftell(source);
    rewind(source);
    file->name = basename(path);
    file->memfd = memfd_create("body", 0);
    if (file->memfd < 0 || ftruncate(file->memfd, (off_t)file->n_body) != 0) die("memfd");
    file->body = mmap(NULL, file->n_body, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file->memfd, 0);
    if (file->body == MAP_FAILED || fread(file->body, 1, file->n_body, source) != file->n_body) die("body");
    fclose(source);
}

static void render_heads(void) {
    time_t now = time(NULL);
    if (now == rendered_s) return;
    rendered_s = now;
    char date[64];
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    for (int i = 0; i < n_files; i++)
        files[i].n_head = (size_t)snprintf(
            files[i].head, sizeof files[i].head,
            "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: video/mp4\r\nContent-Length: %zu\r\n"
            "Cache-Control: public, max-age=36000\r\nETag: \"bench-%s\"\r\n"
            "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n",
            date, files[i].n_body, files[i].name);
}

/* Send what is left; false when the socket takes no more for now or is gone. */
static bool send_more(struct connection *connection) {
    const struct file *file = connection->file;
    size_t total = connection->n_head + file->n_body;
    while (connection->n_sent < total) {
        ssize_t n;
        size_t sent = connection->n_sent;
        if (sent < connection->n_head && file->n_body <= WRITEV_BYTES) {
            struct iovec parts[] = {{connection->head + sent, connection->n_head - sent}, {file->body, file->n_body}};
            n = writev(connection->fd, parts, 2);
        } else if (sent < connection->n_head) {
            n = send(connection->fd, connection->head + sent, connection->n_head - sent, MSG_MORE | MSG_NOSIGNAL);
        } else {
            off_t place = (off_t)(sent - connection->n_head);
            n = sendfile(connection->fd, file->memfd, &place, total - sent);
        }
        if (n <= 0) return false;
        connection->n_sent += (size_t)n;
    }
    connection->file = NULL;
    return true;
}

static const struct file *named(const char *line, size_t n) {
    const char *end = memmem(line, n, " HTTP/1.1\r\n", 11), *name;
    if (n < 16 || memcmp(line, "GET /", 5) != 0 || end == NULL) return NULL;
    name = memrchr(line, '/', (size_t)(end - line));
    for (int i = 0; i < n_files; i++)
        if (strlen(files[i].name) == (size_t)(end - name - 1) && memcmp(files[i].name, name + 1, strlen(files[i].name)) == 0)
            return &files[i];
    return NULL;
}

/* Answer every whole request that is there, in order; false when the connection must end. */
static bool answer(struct connection *connection) {
    for (;;) {
        if (connection->file != NULL && !send_more(connection)) return errno == EAGAIN;
        char *end = memmem(connection->in, connection->n_in, "\r\n\r\n", 4);
        if (end == NULL) return connection->n_in < sizeof connection->in;
        size_t used = (size_t)(end - connection->in) + 4;
        connection->file = named(connection->in, used);
        if (connection->file == NULL) return false;
        connection->n_head = connection->file->n_head;
        memcpy(connection->head, connection->file->head, connection->n_head);
        connection->n_sent = 0;
        connection->n_in -= used;
        memmove(connection->in, connection->in + used, connection->n_in);
    }
}

/* Read until there is no more and answer; false at the end of the connection. */
static bool serve(struct connection *connection) {
    for (bool is_drained = false;;) {
        size_t room = sizeof connection->in - connection->n_in;
        if (room > 0) {
            ssize_t n = recv(connection->fd, connection->in + connection->n_in, room, 0);
            if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
            if (n > 0) connection->n_in += (size_t)n;
            is_drained = n < (ssize_t)room; /* a later byte is a new edge */
        }
        if (!answer(connection)) return false;
        if (is_drained || connection->n_in == sizeof connection->in) return true;
    }
}

static int listening(const char *port_file, int sndbuf) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n_address = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, unsent = UNSENT_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    if (sndbuf > 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) die("listen");
    getsockname(fd, (struct sockaddr *)&address, &n_address);
    FILE *told = fopen(port_file, "w");
    if (told == NULL) die(port_file);
    fprintf(told, "%d", ntohs(address.sin_port));
    fclose(told);
    return fd;
}

static void accept_all(int listener, int poll) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        struct connection *connection = malloc(sizeof *connection);
        if (connection == NULL) die("malloc");
        connection->fd = fd;
        connection->n_in = 0;
        connection->file = NULL;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv) {
    if (argc < 4 || argc - 3 > N_FILES) return 2;
    signal(SIGPIPE, SIG_IGN);
    for (n_files = 0; n_files < argc - 3; n_files++) load_file(&files[n_files], argv[3 + n_files]);
    render_heads();
    int listener = listening(argv[1], atoi(argv[2])), poll = epoll_create1(0);
    struct epoll_event events[N_EVENTS], first = {.events = EPOLLIN, .data.ptr = NULL};
    if (fcntl(listener, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &first) != 0) die("epoll");
    for (;;) {
        int n = epoll_wait(poll, events, N_EVENTS, 1000);
        render_heads();
        for (int i = 0; i < n; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) accept_all(listener, poll);
            else if (!serve(connection)) {
                close(connection->fd);
                free(connection);
            }
        }
    }
}
