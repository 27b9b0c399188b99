/*
 * ctl: the control protocol between fmd and its clients: verbs, framing, client (INTERFACES §6).
 *
 * One JSON object per line. Request {"id":1,"verb":"alarm-list","args":{…}}; the reply is any
 * number of rows {"id":1,"row":{…}} and one final {"id":1,"done":true,"code":0} or
 * {"id":1,"done":true,"code":3,"error":"…"}. Codes are fm's exit codes.
 *
 * Thread: any for the tables; a client belongs to one thread.
 */
#ifndef FM_CTL_H
#define FM_CTL_H

#include "alarm/alarm.h"

#define CTL_DEFAULT_SOCKET "/run/fmd/fmd.sock"
#define CTL_MAX_RECORDS 65536           /* bytes of the records of a what-if-event */
/* Of a request: those as JSON has them, a byte for two, and the rest; reply rows have up to */
#define CTL_MAX_LINE (2 * CTL_MAX_RECORDS + 4096)
#define CTL_MAX_ROW (1u << 20)

enum ctl_code { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NOT_FOUND = 3, CTL_DENIED = 4,
	CTL_UNREACHABLE = 5 };

/*
 * verb, needs the write role, arguments "name:type[!]" (type s text, t records,
 * u number, b boolean, ! needed)
 *
 * Rows: alarm-list and alarm-show give alarms in the JSON form of alarm_json;
 * event-list/event-show/alarm-history/watch/explain give fm.transition/1 records; the others are
 * described beside their server side (fmd/verb_*.c).
 */
#define CTL_VERBS(X) \
	X(ALARM_LIST, "alarm-list", false, "query:s limit:u include_suppressed:b cleared:b") \
	X(ALARM_SHOW, "alarm-show", false, "uuid:s!") \
	X(ALARM_DELETE, "alarm-delete", true, "uuid:s!") \
	X(ALARM_CLEAR, "alarm-clear", true, "alarm_id:s! entity:s!") \
	X(ALARM_ACK, "alarm-ack", true, "uuid:s!") \
	X(ALARM_UNACK, "alarm-unack", true, "uuid:s!") \
	X(ALARM_SHELVE, "alarm-shelve", true, "uuid:s alarm_id:s entity:s for:u!") \
	X(ALARM_UNSHELVE, "alarm-unshelve", true, "uuid:s alarm_id:s entity:s") \
	X(SHELF_LIST, "shelf-list", false, "") \
	X(WINDOW_ADD, "window-add", true, \
	"name:s! alarms:s! entities:s logs:b from:s until:s start:s for:u rule:s days:s at:s zone:s") \
	X(WINDOW_DELETE, "window-delete", true, "name:s!") \
	X(WINDOW_LIST, "window-list", false, "") \
	X(ALARM_SUMMARY, "alarm-summary", false, "query:s include_suppressed:b") \
	X(ALARM_HISTORY, "alarm-history", false, "uuid:s alarm_id:s entity:s limit:u") \
	X(EVENT_LIST, "event-list", false, "query:s limit:u alarms:b logs:b include_suppressed:b") \
	X(EVENT_SHOW, "event-show", false, "uuid:s seq:u") \
	X(EVENT_SUPPRESS, "event-suppress", true, "alarm_id:s!") \
	X(EVENT_UNSUPPRESS, "event-unsuppress", true, "alarm_id:s!") \
	X(EVENT_UNSUPPRESS_ALL, "event-unsuppress-all", true, "") \
	X(EVENT_SUPPRESS_LIST, "event-suppress-list", false, "include_unsuppressed:b") \
	X(EXPLAIN, "explain", false, "uuid:s alarm_id:s entity:s") \
	X(WHY_NOT, "why-not", false, "alarm_id:s! entity:s!") \
	X(WHAT_IF_EVENT, "what-if-event", false, "records:t! for:u") \
	X(WHAT_IF_SHELF, "what-if-shelf", false, "alarm_id:s! entity:s! for:u!") \
	X(WHAT_IF_WINDOW, "what-if-window", false, \
	"name:s! alarms:s! entities:s logs:b from:s until:s start:s for:u rule:s days:s at:s zone:s") \
	X(WATCH, "watch", false, "after:u") \
	X(STATS, "stats", false, "") \
	X(QUARANTINE_LIST, "quarantine-list", false, "limit:u") \
	X(AUDIT_LIST, "audit-list", false, "limit:u") \
	X(SINK_LIST, "sink-list", false, "") \
	X(LEDGER, "ledger", false, "") \
	X(INPUT_RESUME, "input-resume", true, "topic:s! partition:u! at:s") \
	X(VERSION, "version", false, "")

enum ctl_verb {
#define FM_X(id, name, write, args) CTL_VERB_##id,
	CTL_VERBS(FM_X)
#undef FM_X
	CTL_N_VERBS
};
const char *ctl_verb_name(enum ctl_verb v);
bool ctl_verb_writes(enum ctl_verb v);
bool ctl_verb_takes(enum ctl_verb v, const char *arg);
bool ctl_verb_parse(const char *s, size_t len, enum ctl_verb *ret);

/* A parsed and checked request. Strings live in the request until ctl_request_fini. */
struct ctl_arg {
	const char *name;
	const char *text;               /* types s and t */
	uint64_t num;                   /* type u; type b: 0 or 1 */
};
#define CTL_MAX_ARGS 16
#define CTL_MAX_DEPTH 2                 /* the request and its args; no argument is nested */
#define CTL_MAX_TEXT 4096               /* bytes of a text argument */
struct ctl_request {
	uint64_t id;
	enum ctl_verb verb;
	struct ctl_arg arg[CTL_MAX_ARGS];
	unsigned n_args;
	void *doc;                      /* owned */
};
/* Errors name the member: unknown verb, unknown or missing argument, wrong type. -EINVAL. */
int ctl_request_parse(const char *line, size_t len, struct ctl_request *ret, struct fm_err *err)
	FM_MUST_USE;
void ctl_request_fini(struct ctl_request *rq);
/* The id to answer a line with that ctl_request_parse has refused; 0 when it shows none. */
uint64_t ctl_request_id(const char *line, size_t len);
const char *ctl_arg_text(const struct ctl_request *rq, const char *name);      /* NULL: absent */
uint64_t ctl_arg_num(const struct ctl_request *rq, const char *name, uint64_t otherwise);

/* The arguments as an object on one line, texts cut at max_text bytes with an ellipsis behind. */
void ctl_request_args(const struct ctl_request *rq, size_t max_text, struct fm_buf *ret);

/*
 * Appends one line. row_json is an object's text on one line, put in verbatim as the value of
 * "row". The line has exactly the form {"id":N,"row":{…}}: clients find the row by its place.
 */
void ctl_reply_row(struct fm_buf *out, uint64_t id, const char *row_json, size_t len);
/* error (NULL: none) is escaped with fm_escape: it may quote what the client sent. */
void ctl_reply_done(struct fm_buf *out, uint64_t id, enum ctl_code code, const char *error);

/*
 * The query language of "-q": key[op]value;… with op one of = != < <= > >=, typed by key:
 * alarm_id, entity_instance_id, entity_type_id, severity (ordered), alarm_type, probable_cause,
 * reason_text, uuid, state, timestamp (RFC 3339, ordered), service_affecting, count (ordered).
 * The incumbent's "key[op]type::value" is taken too. "=" is exact; "~" means contains. Every
 * operator works for its type or is refused by name.
 */
struct ctl_query;
int ctl_query_parse(const char *text, struct ctl_query **ret, struct fm_err *err) FM_MUST_USE;
void ctl_query_free(struct ctl_query *q);
#define CTL_MAX_TERMS 16
bool ctl_query_matches(const struct ctl_query *q, const struct alarm *al);     /* NULL q: true */
/*
 * The same for the JSON form of an alarm, or of a fm.transition/1 record: then the alarm in it is
 * meant, timestamp is the record's time, and the state of a log is "log". What is neither matches
 * nothing.
 */
bool ctl_query_matches_json(const struct ctl_query *q, const char *json, size_t len);

/* ---- client ---------------------------------------------------------------------------- */

struct ctl_client;
/*
 * -ENOENT/-ECONNREFUSED: no fmd there; -EACCES; -ETIMEDOUT: it accepts nobody for that long (a span
 * of 0 waits without limit; it is that of ctl_send, too). err names the socket.
 */
int ctl_connect(const char *path, struct fm_span timeout, struct ctl_client **ret,
		struct fm_err *err) FM_MUST_USE;
void ctl_close(struct ctl_client *c);
/* args_json: an object's text. */
int ctl_send(struct ctl_client *c, enum ctl_verb verb, const char *args_json, struct fm_err *err)
	FM_MUST_USE;
/*
 * Waits until ctl_next would not block (1), other_fd (-1: none) is readable (0), or timeout has
 * passed (-ETIMEDOUT; a span of 0 waits without limit).
 */
int ctl_wait(struct ctl_client *c, int other_fd, struct fm_span timeout, struct fm_err *err)
	FM_MUST_USE;
/*
 * Blocks for the next line. Returns 1 and a row (*ret_row borrowed until the next call), 0 at the
 * end with *ret_code and err->msg filled (empty when the server gave no reason), or a negative
 * errno: -ECONNRESET (connection lost), -EPROTO (not the protocol). The row is an object by its
 * braces only; whoever reads it parses it.
 */
int ctl_next(struct ctl_client *c, const char **ret_row, size_t *ret_len, enum ctl_code *ret_code,
	     struct fm_err *err) FM_MUST_USE;

#endif
