/*
 * alarm_json: the one JSON form of alarms and transitions (INTERFACES §4), used by the
 * Kafka topics, the journal, the control protocol and "fm --json".
 *
 * Thread: any. Ownership: the returned text is the caller's to free.
 */
#ifndef FM_ALARM_JSON_H
#define FM_ALARM_JSON_H

#include "alarm/alarm.h"

#define FM_SCHEMA_TRANSITION "fm.transition/1"

/*
 * One compact line, no newline, members in a fixed order. "alarm" is the last member, so the
 * alarm's own JSON is the *ret_alarm_len bytes before the final brace: the store keeps the
 * text once and both topics are served from it.
 */
char *transition_to_json(const struct transition *tr, const char *stream, size_t *ret_len,
			 size_t *ret_alarm_len);
/* The same, after what b has; for who writes many. */
void transition_add_json(struct fm_buf *b, const struct transition *tr, const char *stream,
			 size_t *ret_alarm_len);
char *alarm_to_json(const struct alarm *al, size_t *ret_len);

#endif
