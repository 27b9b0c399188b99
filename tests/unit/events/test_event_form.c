/* Forms, envelopes, limits and malformed input: what holds for every record. */
#include "test_event.h"

#define UUID "2d3c1f6a-5b0e-4b7e-8f0c-0a6b1d2e3f44"
#define INNER(esc) "{" esc "event_type" esc ":" esc "compute.instance.pause.end" esc "," \
	esc "payload" esc ":{" esc "instance_id" esc ":" esc UUID esc "," \
	esc "display_name" esc ":" esc "%s" esc "}}"
#define BARE INNER("\"")
#define QUOTED INNER("\\\"")

static char *
with_name(const char *format, const char *name)
{
	char *text = malloc(strlen(format) + strlen(name) + 1);
	const char *hole = strstr(format, "%s");
	size_t before = (size_t)(hole - format);

	memcpy(text, format, before);
	strcpy(text + before, name);
	strcat(text, hole + 2);
	return text;
}

static void
name_is(struct rig *rig, const char *format, const char *written, const char *read)
{
	FM_CLEANUP(fm_freep) char *text = with_name(format, written);

	assert_str(decoded(rig, text)->u.nova.instance_name, read);
}

Test(event_form, an_envelope_and_its_bare_inner_object_read_alike)
{
	RIG;

	name_is(&rig, BARE, "vm-7", "vm-7");
	name_is(&rig, "{\"oslo.version\": \"2.0\", \"oslo.message\": \"" QUOTED "\"}", "vm-7",
		"vm-7");
	cr_assert_eq(rig.ev.origin, ORIGIN_NOVA);
	cr_assert(rig.ev.has_instance);
}

Test(event_form, an_envelope_is_read_whatever_its_spacing_order_and_company)
{
	RIG;

	name_is(&rig, "{\"oslo.version\":\"2.0\",\"oslo.message\":\"" QUOTED "\"}", "a", "a");
	name_is(&rig, " {\n\"oslo.version\" : \"2.0\" ,\t\"oslo.message\" :\r\"" QUOTED "\" } ",
		"a", "a");
	name_is(&rig, "{\"oslo.message\":\"" QUOTED "\",\"oslo.version\":\"2.0\"}", "a", "a");
	name_is(&rig, "{\"oslo.version\":\"2.0\",\"oslo.message\":\"" QUOTED "\",\"x\":[1]}", "a",
		"a");
	name_is(&rig, "{\"oslo\\u002eversion\":\"2.0\",\"oslo.message\":\"" QUOTED "\"}", "a",
		"a");
}

/* The short way through an envelope and the JSON library must unescape alike. */
Test(event_form, every_escape_means_the_same_on_both_ways_through_an_envelope)
{
	static const struct {
		const char *written, *read;
	} cases[] = {
		{"x\\u00e9x", "x\u00e9x"}, {"\\u20ac", "\u20ac"}, {"\\ud83d\\ude00", "\U0001f600"},
		{"\\uD83D\\uDE00", "\U0001f600"}, {"\\/", "/"}, {"\u00e9\u20ac", "\u00e9\u20ac"},
		{"\\\\n", "\n"}, {"\\\\\\\\", "\\"}, {"\\\\u00e9", "\u00e9"},
		{"\\\\ud83d\\\\ude00", "\U0001f600"}, {"\\u0041\\u0042", "AB"},
		{"0123456789012345678901234567890123456789012345678901234567890123456789",
		 "0123456789012345678901234567890123456789012345678901234567890123456789"},
		{"\\\\t0123456\\\\t01234567\\\\t012345678\\\\t0123456789abcdef0123456789",
		 "\t0123456\t01234567\t012345678\t0123456789abcdef0123456789"},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++) {
		name_is(&rig, "{\"oslo.version\":\"2.0\",\"oslo.message\":\"" QUOTED "\"}",
			cases[i].written, cases[i].read);
		name_is(&rig, "{\"oslo.message\":\"" QUOTED "\",\"oslo.version\":\"2.0\"}",
			cases[i].written, cases[i].read);
	}
}

/* Blocks are unescaped 64 bytes at a time: put an escape at every place relative to them. */
Test(event_form, an_escape_may_lie_anywhere_in_an_envelope)
{
	RIG;

	for (unsigned pad = 0; pad < 200; pad++) {
		char written[512], read[512];
		memset(written, 'a', pad);
		strcpy(written + pad, "\\ud83d\\ude00\\u20ac\\\\\\\\b");
		memset(read, 'a', pad);
		strcpy(read + pad, "\U0001f600\u20ac\\b");
		name_is(&rig, "{\"oslo.version\":\"2.0\",\"oslo.message\":\"" QUOTED "\"}",
			written, read);
	}
}

Test(event_form, malformed_escapes_and_strings_of_an_envelope_are_refused)
{
	static const char *const bad[] = {
		"\\x", "\\a", "\\u12g4", "\\u12", "\\ud83d", "\\ud83dx", "\\ud83d\\u0041",
		"\\ude00",
		"\t", "\n", "\x01", "\\\\x", "\\\\ud83d", "\\u0001",
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(bad); i++) {
		FM_CLEANUP(fm_freep) char *text = with_name(
			"{\"oslo.version\":\"2.0\",\"oslo.message\":\"" QUOTED "\"}", bad[i]);
		/* enough behind it for the fault to lie in a block that is unescaped whole */
		FM_CLEANUP(fm_freep) char *padded_name = fm_asprintf("%s %0300d", bad[i], 0);
		FM_CLEANUP(fm_freep) char *padded = with_name(
			"{\"oslo.version\":\"2.0\",\"oslo.message\":\"" QUOTED "\"}", padded_name);
		refused(&rig, -EBADMSG, "byte ", text);
		refused(&rig, -EBADMSG, "byte ", padded);
	}
	refused(&rig, -EBADMSG, "byte 41", "{\"oslo.version\":\"2.0\",\"oslo.message\":    \"abc");
}

Test(event_form, an_envelope_of_another_version_or_without_text_is_refused)
{
	RIG;

	refused(&rig, -EBADMSG, "member oslo.version: not \"2.0\"",
		"{\"oslo.version\":\"3.0\",\"oslo.message\":\"{}\"}");
	refused(&rig, -EBADMSG, "member oslo.version", "{\"oslo.message\":\"{}\"}");
	refused(&rig, -EBADMSG, "member oslo.version: not a string",
		"{\"oslo.version\":2.0,\"oslo.message\":\"{}\"}");
	refused(&rig, -EBADMSG, "member oslo.message: not a string",
		"{\"oslo.version\":\"2.0\",\"oslo.message\":{}}");
	refused(&rig, -EBADMSG, "in oslo.message, byte 0",
		"{\"oslo.version\":\"2.0\",\"oslo.message\":\"\"}");
	refused(&rig, -EBADMSG, "in oslo.message, byte 0: not an object",
		"{\"oslo.version\":\"2.0\",\"oslo.message\":\"[]\"}");
}

Test(event_form, an_envelope_in_an_envelope_is_none_of_the_forms)
{
	RIG;

	refused(&rig, -EBADMSG, "none of the three forms",
		"{\"oslo.version\":\"2.0\",\"oslo.message\":"
		"\"{\\\"oslo.version\\\":\\\"2.0\\\",\\\"oslo.message\\\":\\\"{}\\\"}\"}");
}

Test(event_form, an_object_of_none_of_the_forms_is_refused)
{
	RIG;

	refused(&rig, -EBADMSG, "none of the three forms", "{}");
	refused(&rig, -EBADMSG, "none of the three forms", "{\"a\":1,\"seq\":4}");
}

Test(event_form, the_form_is_decided_by_the_first_telling_member_in_a_fixed_order)
{
	RIG;

	decoded(&rig, "{\"op\":\"set\",\"kind\":\"connect\",\"host\":\"c-0\"}");
	cr_assert_eq(rig.ev.origin, ORIGIN_LIBVIRT);
	cr_assert_eq(decode(&rig, "{\"kind\":\"connect\",\"event_type\":\"x\",\"payload\":{}}"), 1);
	cr_assert_eq(rig.ev.origin, ORIGIN_NOVA);
}

Test(event_form, malformed_json_is_refused_with_its_place)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "byte 0"}, {"   ", "byte 0"}, {"[]", "byte 0: not an object"},
		{"\"op\"", "byte 0: not an object"}, {"null", "byte 0: not an object"},
		{"{\"op\":\"set\"", "byte "}, {"{\"op\":\"set\"}}", "byte "},
		{"{\"op\":\"set\"} x", "byte "}, {"{\"op\":\"set\",}", "byte 12"},
		{"{\"op\" \"set\"}", "byte "}, {"{op:1}", "byte 1"},
		{"{\"op\":tru}", "byte 6"}, {"{\"op\":01}", "byte 6"},
		{"{\"op\":1e999}", "byte 6"}, {"{\"op\":18446744073709551616}", "byte 6"},
		{"{\"op\":NaN}", "byte 6"}, {"{\"a\":[1,2,{\"b\":nul}]}", "byte 15"},
		{"{\"op\":\"a\\q\"}", "byte 8"}, {"{\"op\":\"a\x01\"}", "byte 8"},
		{"{\"op\":\"abc}", "byte 6"}, {"{\"op\":\"\xff\"}", "byte 7"},
		{"{\"op\":\"\xc0\xaf\"}", "byte 7"}, {"{\"op\":\"\xed\xa0\x80\"}", "byte 7"},
		{"{\"op\":\"caf\xc3\"}", "byte 10"}, {"\xef\xbb\xbf{}", "byte 0"},
		{"{\"unread\":{\"deep\":[1,}}", "byte 21"}, {"{\"a\\x\":1}", "byte 3"},
		{"[[", "byte 2"},
		{"{\"op\":\"\\udc00\"}", "byte 7"}, {"{\"op\":\"\\ud83d\\u0041\"}", "byte 7"},
		{"{\"a\":-9223372036854775809}", "byte 5"}, {"{\"a\":1.}", "byte 5"},
		{"{\"a\":1e}", "byte 5"}, {"{\"a\":-}", "byte 5"}, {"{\"a\":truefalse}", "byte 5"},
	};
	RIG;

	for (unsigned i = 0; i < FM_ARRAY_LEN(cases); i++)
		refused(&rig, -EBADMSG, cases[i].words, cases[i].text);
	cr_assert_eq(event_decode(rig.d, "{}\0", 3, &rig.ev, &rig.err), -EBADMSG);
}

Test(event_form, nothing_is_written_to_the_event_of_a_refused_record)
{
	struct event before;
	RIG;

	decoded(&rig, "{\"kind\":\"connect\",\"host\":\"c-0\",\"seq\":5}");
	before = rig.ev;
	refused(&rig, -EBADMSG, "member host: missing", "{\"kind\":\"close\",\"seq\":6}");
	cr_assert_eq(memcmp(&before, &rig.ev, sizeof(before)), 0);
}

Test(event_form, position_and_logical_time_are_left_to_the_caller)
{
	RIG;

	rig.ev.pos.offset = 17;
	rig.ev.at.ns = 4;
	decoded(&rig, "{\"kind\":\"connect\",\"host\":\"c-0\",\"seq\":5}");
	cr_assert_eq(rig.ev.pos.offset, 17);
	cr_assert_eq(rig.ev.at.ns, 4);
}

Test(event_form, the_place_of_a_fault_may_go_unasked)
{
	RIG;

	cr_assert_eq(event_decode(rig.d, "{", 1, &rig.ev, NULL), -EBADMSG);
	cr_assert_eq(event_decode(rig.d, "{}", 2, &rig.ev, NULL), -EBADMSG);
}

/* ---- limits ------------------------------------------------------------------------------- */

static char *
record_of(size_t size)
{
	static const char head[] = "{\"kind\":\"connect\",\"host\":\"c-0\"";
	char *text = malloc(size + 1);

	memset(text, ' ', size);
	memcpy(text, head, sizeof(head) - 1);
	text[size - 1] = '}';
	text[size] = '\0';
	return text;
}

Test(event_limit, a_record_of_the_greatest_size_is_read_and_one_byte_more_is_not)
{
	FM_CLEANUP(fm_freep) char *most = record_of(FM_MAX_RECORD);
	FM_CLEANUP(fm_freep) char *more = record_of(FM_MAX_RECORD + 1);
	RIG;

	decoded(&rig, most);
	refused(&rig, -E2BIG, "65537 bytes, at most 65536", more);
}

Test(event_limit, the_size_limit_is_the_one_configured)
{
	const struct decoder_options opt = {.max_record = 100};
	FM_CLEANUP(fm_freep) char *most = record_of(100), *more = NULL;
	struct rig rig = {.d = decoder_new(&opt)};

	more = record_of(101);
	decoded(&rig, most);
	refused(&rig, -E2BIG, "101 bytes, at most 100", more);
	rig_fini(&rig);
}

/* kind "connect" with a member nested so that the whole has so many levels */
static char *
nested(unsigned levels, bool in_arrays)
{
	struct fm_buf b = {0};

	fm_buf_adds(&b, "{\"kind\":\"connect\",\"host\":\"c-0\",\"x\":");
	for (unsigned i = 1; i < levels; i++)
		fm_buf_adds(&b, in_arrays ? "[" : "{\"y\":");
	fm_buf_adds(&b, "1");
	for (unsigned i = 1; i < levels; i++)
		fm_buf_adds(&b, in_arrays ? "]" : "}");
	fm_buf_adds(&b, "}");
	return b.s;
}

Test(event_limit, the_deepest_nesting_is_read_and_one_level_more_is_not)
{
	RIG;

	for (int arrays = 0; arrays < 2; arrays++) {
		FM_CLEANUP(fm_freep) char *most = nested(FM_MAX_DEPTH, arrays != 0);
		FM_CLEANUP(fm_freep) char *more = nested(FM_MAX_DEPTH + 1, arrays != 0);
		decoded(&rig, most);
		refused(&rig, -E2BIG, "nested deeper than 32 levels", more);
	}
}

Test(event_limit, the_depth_limit_is_the_one_configured)
{
	const struct decoder_options opt = {.max_depth = 5};
	FM_CLEANUP(fm_freep) char *most = nested(5, true);
	FM_CLEANUP(fm_freep) char *more = nested(6, true);
	struct rig rig = {.d = decoder_new(&opt)};

	decoded(&rig, most);
	refused(&rig, -E2BIG, "nested deeper than 5 levels", more);
	rig_fini(&rig);
}

Test(event_limit, a_flood_of_brackets_is_refused)
{
	FM_CLEANUP(fm_freep) char *text = malloc(FM_MAX_RECORD + 1);
	RIG;

	memset(text, '[', FM_MAX_RECORD);
	text[FM_MAX_RECORD] = '\0';
	cr_assert_lt(decode(&rig, text), 0);
	memset(text, '{', FM_MAX_RECORD);
	cr_assert_lt(decode(&rig, text), 0);
	memset(text, '"', FM_MAX_RECORD);
	cr_assert_lt(decode(&rig, text), 0);
	memset(text, '\\', FM_MAX_RECORD);
	cr_assert_lt(decode(&rig, text), 0);
}

static const struct event *
with_domain(struct rig *rig, size_t len, const char *tail)
{
	struct fm_buf b = {0};

	fm_buf_adds(&b, "{\"kind\":\"event\",\"event_id\":1,\"host\":\"c\",\"uuid\":\"" UUID
		    "\",\"domain\":\"");
	for (size_t i = 0; i < len; i++)
		fm_buf_adds(&b, "d");
	fm_buf_adds(&b, tail);
	fm_buf_adds(&b, "\"}");
	decoded(rig, b.s);
	fm_buf_fini(&b);
	return &rig->ev;
}

Test(event_limit, a_longer_string_is_cut_at_a_code_point)
{
	RIG;

	cr_assert_eq(with_domain(&rig, FM_MAX_STRING, "")->u.lv.domain.len, FM_MAX_STRING);
	cr_assert_eq(with_domain(&rig, FM_MAX_STRING + 1, "")->u.lv.domain.len, FM_MAX_STRING);
	cr_assert_eq(with_domain(&rig, FM_MAX_STRING - 3, "\u20ac")->u.lv.domain.len,
		     FM_MAX_STRING);
	cr_assert_eq(with_domain(&rig, FM_MAX_STRING - 2, "\u20ac")->u.lv.domain.len,
		     FM_MAX_STRING - 2);
}

Test(event_limit, a_string_with_a_NUL_is_refused_where_it_is_read_and_ignored_elsewhere)
{
	RIG;

	refused(&rig, -EBADMSG, "member host: holds a NUL",
		"{\"kind\":\"connect\",\"host\":\"c-0\\u0000x\"}");
	decoded(&rig, "{\"kind\":\"connect\",\"host\":\"c-0\",\"uri\":\"\\u0000\"}");
}

Test(event_limit, a_member_given_twice_is_refused_where_it_is_read_and_ignored_elsewhere)
{
	RIG;

	refused(&rig, -EBADMSG, "member host: given twice",
		"{\"kind\":\"connect\",\"host\":\"c-0\",\"host\":\"c-0\"}");
	refused(&rig, -EBADMSG, "member host: given twice",
		"{\"kind\":\"connect\",\"host\":\"c-0\",\"ho\\u0073t\":\"c-1\"}");
	decoded(&rig, "{\"kind\":\"connect\",\"host\":\"c-0\",\"uri\":\"a\",\"uri\":\"b\"}");
}
