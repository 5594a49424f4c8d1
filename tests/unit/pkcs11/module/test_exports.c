#include <elf.h>
#include <dlfcn.h>

#include "tests/unit/pkcs11/module/module_rig.h"

/* The names that an ELF file gives to others: defined, in its dynamic symbol table. */
static unsigned exported(const struct bytes *file, const char **names, unsigned max)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file->p;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(file->p + header->e_shoff);
    unsigned n = 0;

    for (unsigned i = 0; i < header->e_shnum; i++) {
        const Elf64_Sym *symbols = (const Elf64_Sym *)(file->p + sections[i].sh_offset);
        const char *strings = (const char *)file->p + sections[sections[i].sh_link].sh_offset;

        if (sections[i].sh_type != SHT_DYNSYM)
            continue;
        for (size_t k = 1; k < sections[i].sh_size / sizeof *symbols; k++)
            if (symbols[k].st_shndx != SHN_UNDEF && n < max)
                names[n++] = strings + symbols[k].st_name;
    }
    return n;
}

static void only_three_names_are_seen(void)
{
    struct bytes file = { 0 };
    const char *names[64];
    unsigned n, known = 0;

    read_file(STRONGROOM_MODULE, &file);
    n = exported(&file, names, ARRAY_LEN(names));
    for (unsigned i = 0; i < n; i++)
        known += strcmp(names[i], "C_GetFunctionList") == 0 || strcmp(names[i], "C_GetInterface") == 0 ||
                 strcmp(names[i], "C_GetInterfaceList") == 0;
    CU_ASSERT(n == 3 && known == 3);
    bytes_clear(&file);
}

static void it_stays_loaded(void)
{
    struct bytes file = { 0 };
    const Elf64_Ehdr *header;
    const Elf64_Phdr *parts;
    bool nodelete = false;

    read_file(STRONGROOM_MODULE, &file);
    header = (const Elf64_Ehdr *)file.p;
    parts = (const Elf64_Phdr *)(file.p + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (parts[i].p_type == PT_DYNAMIC)
            for (const Elf64_Dyn *d = (const Elf64_Dyn *)(file.p + parts[i].p_offset); d->d_tag != DT_NULL; d++)
                nodelete = nodelete || (d->d_tag == DT_FLAGS_1 && (d->d_un.d_val & DF_1_NODELETE) != 0);
    CU_ASSERT(nodelete);
    bytes_clear(&file);
}

static CK_RV (*get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
static CK_RV (*get_list)(CK_INTERFACE_PTR, CK_ULONG_PTR);

static int load(void)
{
    if (rig_open() != 0)
        return 1;
    *(void **)&get_interface = dlsym(rig.library, "C_GetInterface");
    *(void **)&get_list = dlsym(rig.library, "C_GetInterfaceList");
    return get_interface == NULL || get_list == NULL;
}

static void lists_are_whole_and_in_order(void)
{
    CK_RV (*get)(CK_FUNCTION_LIST_PTR_PTR);
    CK_FUNCTION_LIST *old = NULL;
    CK_INTERFACE_PTR i = NULL;
    CK_VERSION v3 = { 3, 0 };
    CK_FUNCTION_LIST_3_0 *list;

    *(void **)&get = dlsym(rig.library, "C_GetFunctionList");
    CU_ASSERT_FATAL(get != NULL && get(&old) == CKR_OK);
    CU_ASSERT(get(NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(old->version.major == 2 && old->version.minor == 40);
    CU_ASSERT_FATAL(get_interface((CK_UTF8CHAR_PTR) "PKCS 11", &v3, &i, 0) == CKR_OK);
    list = i->pFunctionList;
    CU_ASSERT(list->version.major == 3 && list->version.minor == 0);
    CU_ASSERT(rig.p11->version.major == 3 && rig.p11->version.minor == 2);
#define SAME(name)                CU_ASSERT(old->name != NULL && old->name == list->name && list->name == rig.p11->name);
#define SAME_3_0(name, arguments) CU_ASSERT(list->name != NULL && list->name == rig.p11->name);
#define THERE(name, arguments)    CU_ASSERT(rig.p11->name != NULL);
    PKCS11_2_40_FUNCTIONS(SAME)
    PKCS11_3_0_FUNCTIONS(SAME_3_0)
    PKCS11_3_2_FUNCTIONS(THERE)
    /* The numbers of the standard's own lists: 68, 24 and 12 functions behind a version. */
    CU_ASSERT(sizeof(CK_FUNCTION_LIST_3_0) == (1 + 68 + 24) * sizeof(void *));
    CU_ASSERT(sizeof(CK_FUNCTION_LIST_3_2) == (1 + 68 + 24 + 12) * sizeof(void *));
}

static void link_keys_are_told(void)
{
    const CK_STRONGROOM_TOKEN_FUNCTION_LIST *list;
    CK_INTERFACE_PTR i = NULL;
    CK_ULONG n = 0;

    CU_ASSERT_FATAL(get_interface((CK_UTF8CHAR_PTR)STRONGROOM_TOKEN_INTERFACE, NULL, &i, 0) == CKR_OK);
    list = i->pFunctionList;
    CU_ASSERT(list->C_StrongroomLinkKeys(0, &n) == CKR_CRYPTOKI_NOT_INITIALIZED);
    (void)rig_session();
    CU_ASSERT(list->C_StrongroomLinkKeys(0, &n) == CKR_OK && n == 2);
    CU_ASSERT(list->C_StrongroomLinkKeys(0, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(list->C_StrongroomLinkKeys(99, &n) == CKR_SLOT_ID_INVALID);
    rig_finalize();
}

static void interfaces_are_found(void)
{
    CK_VERSION wrong = { 3, 7 };
    CK_INTERFACE all[8];
    CK_INTERFACE_PTR i = NULL;
    CK_ULONG n = 0;

    CU_ASSERT(get_list(NULL, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(get_list(NULL, &n) == CKR_OK && n == 6);
    n = 5;
    CU_ASSERT(get_list(all, &n) == CKR_BUFFER_TOO_SMALL && n == 6);
    CU_ASSERT(get_list(all, &n) == CKR_OK && n == 6);
    CU_ASSERT(get_interface(NULL, NULL, NULL, 0) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(get_interface(NULL, NULL, &i, 0) == CKR_OK);
    CU_ASSERT(strcmp((char *)i->pInterfaceName, "PKCS 11") == 0 && ((CK_VERSION *)i->pFunctionList)->major == 3);
    CU_ASSERT(get_interface((CK_UTF8CHAR_PTR) "PKCS 11", &wrong, &i, 0) == CKR_FUNCTION_FAILED);
    CU_ASSERT(get_interface((CK_UTF8CHAR_PTR) "Vendor", NULL, &i, 0) == CKR_FUNCTION_FAILED);
    CU_ASSERT(get_interface(NULL, NULL, &i, 1) == CKR_FUNCTION_FAILED); /* not fork tolerant */
}

int main(void)
{
    static CU_TestInfo cases[] = { { "three names are seen, no other", only_three_names_are_seen },
                                   { "the library stays loaded", it_stays_loaded },
                                   { "the lists are whole and in order", lists_are_whole_and_in_order },
                                   { "interfaces are found by name and version", interfaces_are_found },
                                   { "link keys are told", link_keys_are_told },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 exports", load, rig_close, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
