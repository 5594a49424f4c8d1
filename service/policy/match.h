/* match.h - how principals, actions and scopes are compared. Internal to service/policy. */
#ifndef STRONGROOM_POLICY_MATCH_H
#define STRONGROOM_POLICY_MATCH_H

#include "service/policy/principal.h"

/* Is `id` this principal, or a group it belongs to? An id that is not a GUID's text is nobody's. */
bool principal_is(const struct principal *who, const struct guid *id);
/* Does `action` match `pattern`, in which each `*` stands for any run of characters, `/` too? Case does not count.
 * Takes at most strlen(pattern) * strlen(action) steps and no stack. */
bool action_matches(const char *pattern, const char *action);
/* Does what is assigned at `scope` hold at `resource`: the same, or above it by whole segments? Case does not count.
 * Both begin with `/`, else nothing matches. */
bool scope_covers(const char *scope, const char *resource);

#endif
