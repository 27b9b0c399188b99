/*
 * conf_priv: from struct kafka_conf to a librdkafka configuration. Private to this folder.
 */
#ifndef FM_KAFKA_CONF_PRIV_H
#define FM_KAFKA_CONF_PRIV_H

#include "kafka/kafka.h"

#include <librdkafka/rdkafka.h>

enum conf_role { CONF_CONSUMER, CONF_PRODUCER };

/*
 * Ours first, then the operator's; a key that carries a promise is refused by name. Returns 0
 * (*ret is the caller's, consumed by client_new) or -EINVAL, -EACCES, … with err naming the key.
 */
int conf_build(const struct kafka_conf *conf, enum conf_role role, rd_kafka_conf_t **ret,
	       struct fm_err *err) FM_MUST_USE;

/* A pattern that ends in a dot or an underscore matches by prefix. */
bool conf_key_matches(const char *pattern, const char *key);

/* secure.c */
#define CONF_FILE_SUFFIX ".file"
bool conf_is_secret(const char *key);
/* -EINVAL, or the error of a file that has to be kept from others. */
int conf_check_safe(const char *key, const char *value, struct fm_err *err) FM_MUST_USE;
int conf_set_secret(rd_kafka_conf_t *conf, const char *key, const char *path, struct fm_err *err)
	FM_MUST_USE;
/* Whether the settings together are a login. */
int conf_check_login(const struct kafka_conf *conf, struct fm_err *err) FM_MUST_USE;

/* Of an error of a client: KAFKA_REFUSED or KAFKA_WARNING. */
enum kafka_notice conf_error_kind(rd_kafka_resp_err_t error, const char *text);

/* Whether librdkafka can be told how soon to look at a full queue again: since 2.2.0. */
bool conf_has_queue_backoff(void);

/* Takes conf over in every case. Logs and errors of the client arrive as events of its queue. */
int client_new(rd_kafka_conf_t *conf, enum conf_role role, rd_kafka_t **ret, struct fm_err *err)
	FM_MUST_USE;

#endif
