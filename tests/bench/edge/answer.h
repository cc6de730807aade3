/* One HTTP/1.1 answer, read piece by piece and judged: status, Content-Length, and the bytes when asked.
 *
 * Pure: bytes in, a verdict out. Closed loop with one request at a time, so a byte after the body is an error.
 * Chunked answers are refused, for every server here knows the length of what it sends. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_BYTES = 8192 };

enum verdict { MORE, DONE, WRONG_STATUS, NO_LENGTH, WRONG_LENGTH, WRONG_BYTES, LONG_HEAD, EXCESS };

static const char *const verdict_names[] = {"cut short",    "done",        "wrong status",   "no length",
                                            "wrong length", "wrong bytes", "head too large", "excess bytes"};

struct expected {
    int status;
    long length;      /* of the body; -1: as announced */
    const char *body; /* compared when not NULL; `length` bytes */
};

struct answer {
    bool in_body;
    long place, length; /* of the body */
    size_t n_head;
    char head[HEAD_BYTES];
};

static inline long announced_length(const char *head, size_t n) {
    const char *line = memchr(head, '\n', n), *end = head + n;
    while (line != NULL && line + 16 < end) {
        if (strncasecmp(line + 1, "content-length:", 15) == 0) return strtol(line + 16, NULL, 10);
        line = memchr(line + 1, '\n', (size_t)(end - line - 1));
    }
    return -1;
}

static inline enum verdict judge_head(struct answer *answer, const struct expected *want, const char *head, size_t n) {
    if (n < 16 || memcmp(head, "HTTP/1.1 ", 9) != 0 || atoi(head + 9) != want->status) return WRONG_STATUS;
    answer->length = want->status == 304 ? 0 : announced_length(head, n);
    if (answer->length < 0) return NO_LENGTH;
    if (want->length >= 0 && answer->length != want->length) return WRONG_LENGTH;
    answer->in_body = true;
    answer->place = 0;
    return MORE;
}

static inline enum verdict take_body(struct answer *answer, const struct expected *want, const char *data, size_t n) {
    if (answer->place + (long)n > answer->length) return EXCESS;
    if (want->body != NULL && memcmp(want->body + answer->place, data, n) != 0) return WRONG_BYTES;
    answer->place += (long)n;
    if (answer->place < answer->length) return MORE;
    answer->in_body = false;
    answer->n_head = 0;
    return DONE;
}

/* The verdict after n more bytes. A head that arrives whole is read where it lies. */
static inline enum verdict take(struct answer *answer, const struct expected *want, const char *data, size_t n) {
    if (answer->in_body) return take_body(answer, want, data, n);
    const char *head = data, *end;
    size_t n_head = n, n_before = answer->n_head;
    if (n_before > 0) {
        size_t room = sizeof answer->head - n_before, copied = n < room ? n : room;
        memcpy(answer->head + n_before, data, copied);
        head = answer->head;
        n_head = n_before + copied;
    }
    end = memmem(head, n_head, "\r\n\r\n", 4);
    if (end == NULL) {
        if (n_head >= sizeof answer->head) return LONG_HEAD;
        if (n_before == 0) memcpy(answer->head, data, n);
        answer->n_head = n_head;
        return MORE;
    }
    size_t head_bytes = (size_t)(end - head) + 4, used = head_bytes - n_before;
    enum verdict verdict = judge_head(answer, want, head, head_bytes);
    return verdict == MORE ? take_body(answer, want, data + used, n - used) : verdict;
}

#endif
