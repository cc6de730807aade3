/* One client connection: plain, or TLS 1.3 when built with -DWITH_TLS. Reads are as large as the buffer.
 *
 * TLS is read in the same large blocks, and OpenSSL takes its records from there: with a large buffer of its own
 * (SSL_CTX_set_read_ahead) it moves all that is left in it at each record, which was a fifth of the processor time. */
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
enum { RAW_BYTES = 1 << 20 };
static char raw[RAW_BYTES];
static const char *raw_place = raw, *raw_end = raw; /* received, and not yet taken by the connection that reads */

static int raw_read(BIO *bio, char *to, int n) {
    size_t n_here = (size_t)(raw_end - raw_place), n_read = n_here < (size_t)n ? n_here : (size_t)n;
    BIO_clear_retry_flags(bio);
    if (n_read == 0) BIO_set_retry_read(bio);
    memcpy(to, raw_place, n_read);
    raw_place += n_read;
    return n_read == 0 ? -1 : (int)n_read;
}

static long raw_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* What SSL_read takes its records from once the handshake is done. */
static BIO *raw_bio(void) {
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "raw");
        BIO_meth_set_read(method, raw_read);
        BIO_meth_set_ctrl(method, raw_control);
    }
    BIO *bio = BIO_new(method);
    if (bio == NULL) die("no memory");
    BIO_set_init(bio, 1);
    return bio;
}

static SSL_CTX *tls_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) die("no TLS");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
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
        SSL_set0_rbio(stream->tls, raw_bio());
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

#ifdef WITH_TLS
/* As stream_read. OpenSSL keeps the beginning of a record whose end has not come. */
static ssize_t tls_read(struct stream *stream, char *buffer, size_t n) {
    if (raw_place == raw_end) {
        ssize_t n_raw = recv(stream->fd, raw, sizeof raw, 0);
        if (n_raw <= 0) return n_raw < 0 && errno == EAGAIN ? -1 : 0;
        raw_place = raw, raw_end = raw + n_raw;
    }
    int n_read = SSL_read(stream->tls, buffer, (int)n);
    if (n_read > 0) return n_read;
    return SSL_get_error(stream->tls, n_read) == SSL_ERROR_WANT_READ ? -1 : 0;
}
#endif

/* Bytes read, 0 at the end, -1 when there is nothing yet. With `discards` the kernel copies nothing out. */
static ssize_t stream_read(struct stream *stream, char *buffer, size_t n, bool discards) {
#ifdef WITH_TLS
    if (stream->tls != NULL) return tls_read(stream, buffer, n);
#endif
    ssize_t n_read = recv(stream->fd, buffer, n, discards ? MSG_TRUNC : 0);
    return n_read < 0 && errno != EAGAIN ? 0 : n_read;
}

/* Whether to read again before another connection does: `raw` is shared. */
static bool stream_holds_more(const struct stream *stream) {
#ifdef WITH_TLS
    if (stream->tls != NULL) return raw_place != raw_end;
#endif
    (void)stream;
    return false;
}

#endif
