#include "tests/unit/service/store/conformance.h"

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "the memory engine", .pTests = conformance_cases }, CU_SUITE_INFO_NULL };

    conformance_use(store_open_memory);
    return run_suites(suites);
}
