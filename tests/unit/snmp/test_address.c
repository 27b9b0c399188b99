#include "rig.h"

static void
expect(const char *given, const char *want)
{
	struct fm_err err = {0};
	char *got = NULL;

	cr_assert_eq(fmagent_address(given, &got, &err), 0, "%s", err.msg);
	cr_assert_str_eq(got, want);
	free(got);
}

Test(address, numbers_are_taken_with_and_without_protocol_and_port)
{
	expect("192.0.2.1", "udp:192.0.2.1:162");
	expect("192.0.2.1:1162", "udp:192.0.2.1:1162");
	expect("udp:127.0.0.1:65535", "udp:127.0.0.1:65535");
	expect("udp6:[::1]:162", "udp6:[::1]:162");
	expect("[2001:db8::1]", "udp6:[2001:db8::1]:162");
}

Test(address, everything_else_is_refused_by_name)
{
	static const char *const bad[] = {"", ":162", "noc.example.com", "noc.example.com:162",
		"192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:162x", "192.0.2.1:-1",
		"tcp:192.0.2.1:162", "udp6:192.0.2.1:162", "udp:[::1]:162", "[::1", "[::1]x",
		"[::1]:", "::1", "256.1.1.1", "192.0.2.1:162:162"};
	char *got = NULL;

	for (size_t i = 0; i < FM_ARRAY_LEN(bad); i++) {
		struct fm_err err = {0};

		cr_assert_eq(fmagent_address(bad[i], &got, &err), -EINVAL, "%s", bad[i]);
		cr_assert_not_null(strstr(err.msg, bad[i]));
	}
	cr_assert_null(got);
}
