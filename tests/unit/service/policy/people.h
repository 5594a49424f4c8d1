/* people.h - the principals, tenants and ids that the tests of service/policy speak of. */
#ifndef STRONGROOM_TESTS_POLICY_PEOPLE_H
#define STRONGROOM_TESTS_POLICY_PEOPLE_H

#include "service/policy/policy.h"
#include "tests/unit/harness.h"

#define TENANT       "aaaaaaaa-0000-4000-8000-000000000001"
#define OTHER_TENANT "aaaaaaaa-0000-4000-8000-000000000002"
#define ALICE        "bbbbbbbb-0000-4000-8000-000000000001"
#define BOB          "bbbbbbbb-0000-4000-8000-000000000002"
#define SIGNERS      "cccccccc-0000-4000-8000-000000000001" /* groups */
#define READERS      "cccccccc-0000-4000-8000-000000000002"
#define PORTAL       "dddddddd-0000-4000-8000-000000000001" /* applications */
#define BACKEND      "dddddddd-0000-4000-8000-000000000002"

static inline struct guid id_of(const char *text)
{
    struct guid g;

    CU_ASSERT_EQUAL_FATAL(guid_parse(&g, span_text(text)), ST_OK);
    return g;
}

static inline struct principal person(enum principal_kind kind, const char *object_id, const char *application_id)
{
    return (struct principal){
        .kind = kind, .tenant_id = id_of(TENANT), .object_id = id_of(object_id), .application_id = id_of(application_id)
    };
}

static inline struct principal member_of(struct principal who, const char *group)
{
    who.groups[who.group_count++] = id_of(group);
    return who;
}

#endif
