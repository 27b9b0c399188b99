/* bench_decode: simdjson by itself, behind C (bench_decode_dom.cc). */
#ifndef FM_BENCH_DECODE_H
#define FM_BENCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_dom;
struct bench_dom *bench_dom_new(size_t max_len);
void bench_dom_free(struct bench_dom *b);
/* Copy to padded memory and parse; with envelope, also the document in member oslo.message. */
bool bench_dom_parse(struct bench_dom *b, const char *s, size_t len, bool envelope);

#ifdef __cplusplus
}
#endif
#endif
