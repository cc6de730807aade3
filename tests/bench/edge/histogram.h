/* Latencies in log-linear buckets: exact to 1 us below 2048 us, then to 0.1 %. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { EXACT_BITS = 11, N_OCTAVES = 24, N_BUCKETS = (N_OCTAVES + 1) << EXACT_BITS };

struct histogram {
    uint64_t n, max_us;
    uint32_t counts[N_BUCKETS];
};

static inline unsigned bucket_of(uint64_t us) {
    if (us >> EXACT_BITS == 0) return (unsigned)us;
    unsigned shift = 64 - EXACT_BITS - (unsigned)__builtin_clzll(us);
    return shift >= N_OCTAVES ? N_BUCKETS - 1 : (shift << EXACT_BITS) + (unsigned)(us >> shift);
}

static inline uint64_t lowest_of(unsigned bucket) {
    unsigned shift = bucket >> EXACT_BITS;
    return (uint64_t)(bucket & ((1u << EXACT_BITS) - 1)) << shift;
}

static inline void record(struct histogram *histogram, uint64_t us) {
    histogram->n++;
    histogram->counts[bucket_of(us)]++;
    if (us > histogram->max_us) histogram->max_us = us;
}

/* The latency that `share` of the requests did not exceed (nearest rank). */
static inline uint64_t quantile_us(const struct histogram *histogram, double share) {
    uint64_t rank = (uint64_t)(share * (double)histogram->n), seen = 0;
    for (unsigned bucket = 0; bucket < N_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen > rank) return lowest_of(bucket);
    }
    return histogram->max_us;
}

#endif
