/*
 * event_json: the shim between simdjson's DOM and C, and the only C++ file. It knows JSON and no
 * member's meaning. Nothing here throws: simdjson is used through error codes only.
 */
#define SIMDJSON_EXCEPTIONS 0
/* A C function may have the name of a struct; C++ takes that for a hidden constructor. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "events/event_json_priv.h"
#pragma GCC diagnostic pop

#include <simdjson.h>

#include <new>
#include <type_traits>

namespace dom = simdjson::dom;

static_assert(EVJ_PADDING >= simdjson::SIMDJSON_PADDING, "padding");
static_assert(sizeof(dom::element) == sizeof(evj_value::u.ref), "an element is kept in ref");
static_assert(std::is_trivially_copyable<dom::element>::value, "an element is kept in ref");

struct evj_doc {
	dom::parser parser;
	size_t max_len;
	unsigned max_depth;
};

namespace {

int
fail(const evj_doc *doc, const char *text, size_t len, simdjson::error_code code,
     struct fm_err *err) noexcept
{
	if (code == simdjson::DEPTH_ERROR)
		return fm_fail(err, -E2BIG, "nested deeper than %u levels", doc->max_depth);
	if (code == simdjson::MEMALLOC)
		return fm_fail(err, -ENOMEM, "%s", simdjson::error_message(code));
	if (code == simdjson::EMPTY)
		return fm_fail(err, -EBADMSG, "byte 0: nothing there");
	size_t at = code == simdjson::UTF8_ERROR ? evj_utf8_fault(text, len)
		: evj_fault(text, len, doc->max_depth);
	return fm_fail(err, -EBADMSG, "byte %zu: %s", at, simdjson::error_message(code));
}

/* ---- values ------------------------------------------------------------------------------ */

inline void
put_container(evj_value *ret, evj_type type, const dom::element &e) noexcept
{
	ret->type = type;
	memcpy(ret->u.ref, &e, sizeof(e));
}

inline dom::element
container(const evj_value *v) noexcept
{
	dom::element e;
	memcpy(&e, v->u.ref, sizeof(e));
	return e;
}

inline void
put(evj_value *ret, const dom::element &e) noexcept
{
	switch (e.type()) {
	case dom::element_type::OBJECT:
		return put_container(ret, EVJ_OBJECT, e);
	case dom::element_type::ARRAY:
		return put_container(ret, EVJ_ARRAY, e);
	case dom::element_type::STRING: {
		std::string_view s = e.get_string().value_unsafe();
		ret->type = EVJ_STRING;
		ret->u.str = {s.data(), static_cast<uint32_t>(s.size())};
		return;
	}
	case dom::element_type::INT64:
		ret->type = EVJ_INT;
		ret->u.num = e.get_int64().value_unsafe();
		return;
	case dom::element_type::UINT64:
	case dom::element_type::DOUBLE:
		ret->type = EVJ_NUMBER;
		return;
	case dom::element_type::BOOL:
		ret->type = e.get_bool().value_unsafe() ? EVJ_TRUE : EVJ_FALSE;
		return;
	case dom::element_type::NULL_VALUE:
		ret->type = EVJ_NULL;
		return;
	}
}

} // namespace

extern "C" {

struct evj_doc *
evj_new(size_t max_len, unsigned max_depth)
{
	evj_doc *doc = new (std::nothrow) evj_doc{dom::parser(max_len), max_len, max_depth};
	fm_assert(doc != nullptr);
	/* simdjson counts the document itself as a level */
	fm_assert(doc->parser.allocate(max_len, max_depth + 1) == simdjson::SUCCESS);
	return doc;
}

void
evj_free(struct evj_doc *doc)
{
	delete doc;
}

int
evj_parse(struct evj_doc *doc, const char *text, size_t len, struct evj_value *ret,
	  struct fm_err *err)
{
	dom::element root;
	fm_assert(len <= doc->max_len);
	simdjson::error_code code = doc->parser.parse(text, len, false).get(root);
	if (code != simdjson::SUCCESS)
		return fail(doc, text, len, code, err);
	if (!root.is_object())
		return fm_fail(err, -EBADMSG, "byte 0: not an object");
	put(ret, root);
	return 0;
}

int
evj_scan(const struct evj_value *v, struct evj_object *ret)
{
	dom::object object = container(v).get_object().value_unsafe();

	for (dom::key_value_pair member : object) {
		int id = ev_words_find(ret->names, member.key.data(), member.key.size());
		if (id < 0)
			continue;
		uint64_t bit = uint64_t{1} << id % 64;
		if ((ret->seen[id / 64] & bit) != 0)
			return id;
		ret->seen[id / 64] |= bit;
		put(&ret->at[id], member.value);
	}
	return -1;
}

unsigned
evj_items(const struct evj_value *v, struct evj_value *ret, unsigned max)
{
	dom::array array = container(v).get_array().value_unsafe();
	unsigned n = 0;

	for (dom::element e : array) {
		if (n == max)
			break;
		put(&ret[n++], e);
	}
	return n;
}

} // extern "C"
