/*
 * text: placeholders and alternatives.
 */
#include "cat_test.h"

/* The parts of a description, "[attribute]" or the literal, joined by "|". */
static void
splits(const char *description, const char *want)
{
	struct fm_buf text = {0}, got = {0};
	fm_buf_addf(&text, "\"100.001\":\n  Type: Alarm\n  Description: |-\n%s\n", description);
	struct loaded l = load_good(text.s);
	const struct cat_text *t = cat_text_for(cat_at(l.cat, 0), SEV_NONE);
	fm_buf_adds(&got, "");
	for (unsigned i = 0; i < t->n; i++) {
		int attr = t->part[i].attr;
		fm_buf_addf(&got, attr >= 0 ? "%s[%s]" : "%s%s", i != 0 ? "|" : "",
			    attr >= 0 ? fact_attr_name((enum fact_attr)attr) : t->part[i].text);
	}
	cr_expect_str_eq(got.s, want, "\"%s\" gives \"%s\", not \"%s\"", description, got.s, want);
	fm_buf_fini(&text);
	fm_buf_fini(&got);
	unload(&l);
}

Test(text, placeholders_become_attributes)
{
	splits("    a <host_name> b", "a |[host_name]| b");
	splits("    <host_name><reason>", "[host_name]|[reason]");
	splits("    <Host-Name>", "[host_name]");
	splits("    <hostname> to <destination>", "[host_name]| to |[destination_host]");
}

Test(text, a_placeholder_keeps_how_it_was_written)
{
	struct loaded l = load_good("\"100.001\":\n  Type: Alarm\n  Description: <Tenant-UUID>\n");
	cr_assert_str_eq(cat_text_for(cat_at(l.cat, 0), SEV_NONE)->part[0].text, "<Tenant-UUID>");
	unload(&l);
}

Test(text, unknown_placeholders_stay_as_written)
{
	splits("    a <colour> b", "a |<colour>| b");
	splits("    <IP address>", "<IP address>");
}

Test(text, angle_brackets_that_enclose_no_name_are_text)
{
	splits("    a < b and c > d", "a < b and c > d");
	splits("    x <= 5 >", "x <= 5 >");
	splits("    <>", "<>");
	splits("    <a|b>", "<a|b>");
	splits("    <host_name", "<host_name");
	splits("    a <", "a <");
}

Test(text, the_innermost_of_nested_brackets_is_the_placeholder)
{
	splits("    <by <tenant_name>|by the system>", "<by |[tenant_name]||by the system>");
}

Test(text, of_alternatives_the_first_is_used)
{
	splits("    one\n    OR\n    two", "one");
	splits("    one\n    or\n    two", "one");
	splits("    one <reason>\n      OR\n    two\n    OR\n    three", "one |[reason]");
	splits("    one\n    more\n\n    OR\n    two", "one\nmore");
}

Test(text, the_word_or_inside_a_line_separates_nothing)
{
	splits("    this OR that", "this OR that");
	splits("    OR\n    that", "OR\nthat");
	splits("    ORacle\n    NOR\n    x", "ORacle\nNOR\nx");
}

Test(text, the_source_keeps_all_alternatives)
{
	struct loaded l = load_good("\"100.001\":\n  Type: Alarm\n  Description: |-\n"
				    "    a\n    OR\n    b\n");
	cr_assert_str_eq(cat_text_for(cat_at(l.cat, 0), SEV_NONE)->source, "a\nOR\nb");
	unload(&l);
}
