/* entity: paths of segments. */
#include "alarm/alarm.h"

#include <criterion/criterion.h>

static struct entity_segment seg[FM_MAX_SEGMENTS];

static int
parse(const char *s)
{
	return entity_parse(s, strlen(s), seg);
}

static void
segment_is(int i, const char *key, const char *value)
{
	cr_assert(fm_str_is(seg[i].key, key), "segment %d key %.*s", i, (int)seg[i].key.len,
		  seg[i].key.p);
	cr_assert(fm_str_is(seg[i].value, value), "segment %d value %.*s", i,
		  (int)seg[i].value.len, seg[i].value.p);
}

Test(entity_parse, splits_keys_and_values)
{
	cr_assert_eq(parse("tenant=a-b.instance=c-d"), 2);
	segment_is(0, "tenant", "a-b");
	segment_is(1, "instance", "c-d");
}

Test(entity_parse, a_value_may_hold_dots)
{
	cr_assert_eq(parse("host=compute-1.example.org.interface=eth0.100"), 2);
	segment_is(0, "host", "compute-1.example.org");
	segment_is(1, "interface", "eth0.100");
}

Test(entity_parse, a_new_segment_needs_a_name_and_an_equals_sign)
{
	cr_assert_eq(parse("host=a.1b=c"), 1);
	segment_is(0, "host", "a.1b=c");
	cr_assert_eq(parse("host=a.b c=d"), 1);
	cr_assert_eq(parse("host=a.=d"), 1);
	cr_assert_eq(parse("host=a..b=d"), 2);
	segment_is(0, "host", "a.");
	cr_assert_eq(parse("host=a._x-9=d"), 2);
	segment_is(1, "_x-9", "d");
	cr_assert_eq(parse("host=a."), 1);
	segment_is(0, "host", "a.");
}

Test(entity_parse, a_value_may_hold_equals_signs_or_nothing)
{
	cr_assert_eq(parse("a=b=c.d="), 2);
	segment_is(0, "a", "b=c");
	segment_is(1, "d", "");
}

Test(entity_parse, words_without_equals_are_one_segment_without_key)
{
	cr_assert_eq(parse("cinder_io_monitor"), 1);
	segment_is(0, "", "cinder_io_monitor");
	cr_assert_eq(parse("server.group.host=a"), 2);
	segment_is(0, "", "server.group");
	segment_is(1, "host", "a");
	cr_assert_eq(parse("two words=x"), 1);
	segment_is(0, "", "two words=x");
	cr_assert_eq(parse(".host=a"), 2);
	segment_is(0, "", "");
}

Test(entity_parse, refuses_empty_and_control_bytes)
{
	cr_assert_eq(parse(""), -EINVAL);
	cr_assert_eq(parse("host=a\n"), -EINVAL);
	cr_assert_eq(parse("host=\x7f"), -EINVAL);
	cr_assert_eq(entity_parse("host=\0a", 7, seg), -EINVAL);
	cr_assert_eq(parse("host=gr\xc3\xbcn"), 1);
}

Test(entity_parse, has_limits_and_reaches_them)
{
	char text[FM_MAX_ENTITY + 2];
	memset(text, 'x', sizeof(text));
	cr_assert_eq(entity_parse(text, FM_MAX_ENTITY, seg), 1);
	cr_assert_eq(entity_parse(text, FM_MAX_ENTITY + 1, seg), -EINVAL);

	struct fm_buf many = {0};
	for (int i = 0; i < FM_MAX_SEGMENTS; i++)
		fm_buf_addf(&many, "%sk%d=v", i == 0 ? "" : ".", i);
	cr_assert_eq(parse(many.s), FM_MAX_SEGMENTS);
	segment_is(FM_MAX_SEGMENTS - 1, "k15", "v");
	fm_buf_adds(&many, ".more=v");
	cr_assert_eq(parse(many.s), -EINVAL);
	fm_buf_fini(&many);
}

Test(entity_covers, itself_and_what_lies_below)
{
	cr_assert(entity_covers("host=c-1", "host=c-1"));
	cr_assert(entity_covers("host=c-1", "host=c-1.interface=eth0"));
	cr_assert(entity_covers("host=c-1.interface=eth0", "host=c-1.interface=eth0.vlan=7"));
	cr_assert(entity_covers("system", "system.host=c-1"));
}

Test(entity_covers, nothing_by_part_of_a_segment)
{
	cr_assert_not(entity_covers("host=c-1", "host=c-10"));
	cr_assert_not(entity_covers("host=c-1", "host=c-1.example.org"));
	cr_assert_not(entity_covers("host=c", "host=c-1"));
	cr_assert_not(entity_covers("host", "host=c-1"));
	cr_assert_not(entity_covers("host=c-1.interface=eth0", "host=c-1"));
	cr_assert_not(entity_covers("host=c_1", "host=cx1"));
	cr_assert_not(entity_covers("host=%", "host=a"));
}

Test(entity_covers, the_empty_path_covers_nothing)
{
	cr_assert_not(entity_covers("", "host=c-1"));
	cr_assert_not(entity_covers("", ""));
}

Test(entity_get, finds_the_first_segment_with_the_key)
{
	cr_assert(fm_str_is(entity_get("host=a.port=1.host=b", "host"), "a"));
	cr_assert(fm_str_is(entity_get("host=a.b.port=1", "port"), "1"));
	cr_assert_null(entity_get("host=a", "hos").p);
	cr_assert_null(entity_get("host=a", "hostname").p);
	cr_assert_null(entity_get("plain", "").p);
	cr_assert_null(entity_get("", "host").p);
	cr_assert_not_null(entity_get("host=", "host").p);
}

Test(entity_type, is_the_keys)
{
	struct fm_buf b = {0};

	entity_type("tenant=a.instance=b.c", &b);
	cr_assert_str_eq(b.s, "tenant.instance");
	fm_buf_reset(&b);
	entity_type("cinder_io_monitor", &b);
	cr_assert_str_eq(b.s, "cinder_io_monitor");
	fm_buf_fini(&b);
}
