#include "service/policy/match.h"

static bool same_letter(char a, char b)
{
    if (a >= 'A' && a <= 'Z')
        a = (char)(a | 0x20);
    if (b >= 'A' && b <= 'Z')
        b = (char)(b | 0x20);
    return a == b;
}

bool principal_is(const struct principal *who, const struct guid *id)
{
    if (id->text[0] == '\0') /* a record that was never filled is not the principal that was never filled */
        return false;
    if (guid_equal(&who->object_id, id))
        return true;
    for (size_t i = 0; i < who->group_count && i < PRINCIPAL_GROUPS_MAX; i++)
        if (guid_equal(&who->groups[i], id))
            return true;
    return false;
}

bool action_matches(const char *pattern, const char *action)
{
    const char *after_star = NULL, *resume = NULL;

    while (*action != '\0') {
        if (*pattern == '*') {
            after_star = ++pattern; /* only the last star ever needs to give back: earlier ones cannot gain by it */
            resume = action;
        } else if (*pattern != '\0' && same_letter(*pattern, *action)) {
            pattern++;
            action++;
        } else if (after_star != NULL) {
            pattern = after_star;
            action = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool scope_covers(const char *scope, const char *resource)
{
    size_t i = 0, len;

    if (scope == NULL || resource == NULL || scope[0] != '/' || resource[0] != '/')
        return false;
    len = strlen(scope);
    if (scope[len - 1] == '/') /* "/" is the root; "/subscriptions/x/" is "/subscriptions/x" */
        len--;
    while (i < len && resource[i] != '\0' && same_letter(scope[i], resource[i]))
        i++;
    return i == len && (resource[i] == '\0' || resource[i] == '/');
}
