/* alarm_uuid: the identity of one occurrence. */
#include "alarm/alarm.h"

#include <criterion/criterion.h>

static struct fm_uuid
base(void)
{
	return alarm_uuid("700.008", "tenant=a.instance=b", (struct fm_time){1000}, 1);
}

/* A replay must give what was stored years ago, so the value itself is the contract. */
Test(alarm_uuid, is_the_same_for_ever)
{
	struct fm_uuid u = base();
	char buf[FM_UUID_STR];

	cr_assert_str_eq(fm_uuid_format(&u, buf), "c940c228-3ca3-58ce-82b6-fba752849df7");
}

Test(alarm_uuid, is_of_version_5_and_the_rfc_variant)
{
	struct fm_uuid u = base();

	cr_assert_eq(u.b[6] >> 4, 5);
	cr_assert_eq(u.b[8] >> 6, 2);
}

Test(alarm_uuid, depends_on_every_part)
{
	struct fm_time t = {1000};
	struct fm_uuid u = base(), other[] = {
		alarm_uuid("700.009", "tenant=a.instance=b", t, 1),
		alarm_uuid("700.008", "tenant=a.instance=c", t, 1),
		alarm_uuid("700.008", "tenant=a.instance=b", (struct fm_time){1001}, 1),
		alarm_uuid("700.008", "tenant=a.instance=b", t, 2),
	};

	for (size_t i = 0; i < FM_ARRAY_LEN(other); i++)
		cr_assert_not(fm_uuid_eq(&u, &other[i]), "part %zu", i);
}
