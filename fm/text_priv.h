/*
 * text: what may stand on a terminal, in a CSV field and in JSON, and how times are written.
 * Whatever comes from fmd has been influenced by tenants and operators: none of it is written
 * but through here.
 */
#ifndef FM_TEXT_PRIV_H
#define FM_TEXT_PRIV_H

#include "base/base.h"

/* fm_escape, and what cannot be seen or measured: it too appears as \u{…}. */
void text_safe(struct fm_buf *b, const char *s, size_t len);
/* Columns that text of text_safe takes on a terminal; escape sequences of colours take none. */
unsigned text_width(const char *s, size_t len);
/*
 * Breaks text of text_safe into lines of at most width columns: at blanks, else after one of
 * ./,;:=-_ and else anywhere. Returns the number of lines.
 */
unsigned text_wrap(struct fm_buf *b, const char *s, unsigned width);

/* A field of RFC 4180; guard puts ' before what a spreadsheet would take for a formula. */
enum csv_guard { CSV_PLAIN, CSV_GUARDED };
void text_csv(struct fm_buf *b, const char *s, enum csv_guard guard);
/* Valid JSON text in, the same JSON out: what text_safe would escape becomes \uXXXX. */
void text_json(struct fm_buf *b, const char *json, size_t len);

/*
 * "2026-11-23 11:15:42+01:00" in the local zone, from RFC 3339; with TIME_MS milliseconds too.
 * What is no time is put in as text_safe does.
 */
enum time_digits { TIME_S, TIME_MS };
void text_time(struct fm_buf *b, const char *rfc3339, enum time_digits digits);

/* "fm: …" on stderr, escaped, with a newline. */
void complain(const char *fmt, ...) FM_PRINTF(1, 2);

#endif
