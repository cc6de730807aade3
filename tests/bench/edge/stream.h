/* One client connection: plain, or TLS 1.3 when built with -DWITH_TLS. Reads are as large as the buffer. */
#ifndef STREAM_H
#define STREAM_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

struct stream {
    int fd;
#ifdef WITH_TLS
    SSL *tls;
#endif
};

static void die(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static int connected(int port, int n_source) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(0x7f000001u + ((uint32_t)n_source << 8));
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0) die("cannot bind a socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

#ifdef WITH_TLS
static SSL_CTX *tls_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) die("no TLS");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 256 * 1024);
    return context;
}
#endif

/* Connect, shake hands, then never block. `n_source` chooses the address: 127.0.<n>.1. */
static void stream_open(struct stream *stream, int port, int n_source, bool is_tls) {
    stream->fd = connected(port, n_source);
#ifdef WITH_TLS
    static SSL_CTX *context;
    stream->tls = NULL;
    if (is_tls) {
        if (context == NULL) context = tls_context();
        stream->tls = SSL_new(context);
        SSL_set_fd(stream->tls, stream->fd);
        if (SSL_connect(stream->tls) != 1) die("TLS handshake failed");
    }
#else
    if (is_tls) die("built without TLS");
#endif
    fcntl(stream->fd, F_SETFL, O_NONBLOCK);
}

static void stream_write(struct stream *stream, const char *data, size_t n) {
#ifdef WITH_TLS
    if (stream->tls != NULL) {
        if (SSL_write(stream->tls, data, (int)n) != (int)n) die("a request was not sent whole");
        return;
    }
#endif
    if (send(stream->fd, data, n, MSG_NOSIGNAL) != (ssize_t)n) die("a request was not sent whole");
}

/* Bytes read, 0 at the end, -1 when there is nothing yet. With `discards` the kernel copies nothing out. */
static ssize_t stream_read(struct stream *stream, char *buffer, size_t n, bool discards) {
#ifdef WITH_TLS
    if (stream->tls != NULL) {
        int n_read = SSL_read(stream->tls, buffer, (int)n);
        if (n_read > 0) return n_read;
        return SSL_get_error(stream->tls, n_read) == SSL_ERROR_WANT_READ ? -1 : 0;
    }
#endif
    ssize_t n_read = recv(stream->fd, buffer, n, discards ? MSG_TRUNC : 0);
    return n_read < 0 && errno != EAGAIN ? 0 : n_read;
}

static bool stream_may_hold_more(const struct stream *stream) {
#ifdef WITH_TLS
    return stream->tls != NULL;
#else
    (void)stream;
    return false;
#endif
}

#endif
