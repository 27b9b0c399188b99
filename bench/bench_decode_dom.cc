/*
 * bench_decode_dom: the yardstick of bench_decode: simdjson's DOM, parser and memory reused, no
 * member read.
 */
#define SIMDJSON_EXCEPTIONS 0
#include "bench_decode.h"

#include <simdjson.h>

#include <cstring>

struct bench_dom {
	simdjson::dom::parser outer, inner;
	char *text;
};

extern "C" {

struct bench_dom *
bench_dom_new(size_t max_len)
{
	return new bench_dom{simdjson::dom::parser(max_len), simdjson::dom::parser(max_len),
			     new char[max_len + simdjson::SIMDJSON_PADDING]};
}

void
bench_dom_free(struct bench_dom *b)
{
	delete[] b->text;
	delete b;
}

bool
bench_dom_parse(struct bench_dom *b, const char *s, size_t len, bool envelope)
{
	simdjson::dom::element root;
	std::string_view message;

	memcpy(b->text, s, len);
	if (b->outer.parse(b->text, len, false).get(root) != simdjson::SUCCESS)
		return false;
	if (!envelope)
		return true;
	if (root["oslo.message"].get(message) != simdjson::SUCCESS)
		return false;
	memcpy(b->text, message.data(), message.size());
	return b->inner.parse(b->text, message.size(), false).get(root) == simdjson::SUCCESS;
}

} // extern "C"
