/*
 * One row of the tables: an alarm or an event in the words and numbers of WRS-ALARM-MIB. Texts are
 * whole here; a notification, which must fit a datagram, may have them shortened. Pure.
 */
#include <jansson.h>

#include "snmp/fmagent_table_priv.h"

/* WrsAlarmState */
enum { STATE_CLEAR = 0, STATE_SET = 1, STATE_LOG = 3 };

bool
fmagent_is_event(const struct stored_transition *tr)
{
	return tr->notify && fmagent_is_announcement(tr->kind);
}

uint64_t
fmagent_alarm_number(const struct stored_transition *tr)
{
	json_t *al = json_loadb(tr->json + tr->len - 1 - tr->alarm_len, tr->alarm_len, 0, NULL);
	json_int_t id = json_integer_value(json_object_get(al, "id"));

	json_decref(al);
	return (uint64_t)id;
}

static int32_t
state_of(enum transition_kind kind)
{
	return kind == TR_CLEAR ? STATE_CLEAR : kind == TR_LOG ? STATE_LOG : STATE_SET;
}

/* Copies text behind what is there already and points the field at it. */
static void
put_text(struct fmagent_row *row, char **mem, enum fmagent_field f, const void *text, size_t len)
{
	memcpy(*mem, text, len);
	row->v[f] = (struct fmagent_value){.text = *mem, .len = (uint32_t)len};
	*mem += len;
}

static struct fmagent_row *
row_new(uint32_t index, const struct fmagent_values *v, int32_t state,
	const struct fmagent_filter *f)
{
	struct fm_buf entity = {0};
	char uuid[FM_UUID_STR];
	uint8_t date[FMAGENT_DATE_LEN];
	size_t id_len = fm_utf8_cut(v->alarm_id, strlen(v->alarm_id), FMAGENT_MAX_ID);

	fmagent_entity(&entity, v->entity, f);
	fm_uuid_format(&v->uuid, uuid);
	fmagent_date(v->at, date);
	struct fmagent_row *row = fm_calloc(1, sizeof(*row) + sizeof(uuid) - 1 + id_len +
		entity.len + sizeof(date) + strlen(v->reason) + strlen(v->repair));
	char *mem = row->mem;

	row->index = index;
	put_text(row, &mem, FMAGENT_UUID, uuid, sizeof(uuid) - 1);
	put_text(row, &mem, FMAGENT_ID, v->alarm_id, id_len);
	put_text(row, &mem, FMAGENT_ENTITY, entity.s, entity.len);
	put_text(row, &mem, FMAGENT_DATE, date, sizeof(date));
	put_text(row, &mem, FMAGENT_REASON, v->reason, strlen(v->reason));
	put_text(row, &mem, FMAGENT_REPAIR, v->repair, strlen(v->repair));
	row->v[FMAGENT_STATE].num = state;
	row->v[FMAGENT_SEVERITY].num = v->severity;
	row->v[FMAGENT_TYPE].num = v->type;
	row->v[FMAGENT_CAUSE].num = v->cause;
	row->v[FMAGENT_SERVICE_AFFECTING].num = v->service_affecting;
	row->v[FMAGENT_SUPPRESSION].num = v->suppressible;
	fm_buf_fini(&entity);
	return row;
}

struct fmagent_row *
fmagent_row_of_alarm(const struct alarm *al, const struct fmagent_filter *f)
{
	const struct fmagent_values v = {
		.uuid = al->uuid, .alarm_id = al->alarm_id, .entity = al->entity,
		.reason = al->reason_text != NULL ? al->reason_text : "",
		.repair = al->repair != NULL ? al->repair : "", .at = al->raised_at,
		.severity = (int32_t)al->severity, .type = fmagent_type_wrs(al->type),
		.cause = probable_cause_wrs(al->cause),
		.service_affecting = al->service_affecting, .suppressible = al->suppressible,
	};

	return row_new(fmagent_row_index(al->id), &v, STATE_SET, f);
}

struct fmagent_row *
fmagent_row_of_event(const struct stored_transition *tr, const struct fmagent_filter *f)
{
	struct fmagent_row *row = NULL;
	struct fmagent_values v;
	json_t *body = json_loadb(tr->json, tr->len, 0, NULL);

	if (fmagent_values_json(tr, json_object_get(body, "alarm"), &v))
		row = row_new(fmagent_row_index(tr->seq), &v, state_of(tr->kind), f);
	json_decref(body);
	return row;
}
