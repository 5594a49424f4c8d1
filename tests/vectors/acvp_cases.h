/* acvp_cases.h - the families of ACVP. The file's argument is the algorithm's name where it matters. */
#ifndef STRONGROOM_TESTS_VECTORS_ACVP_CASES_H
#define STRONGROOM_TESTS_VECTORS_ACVP_CASES_H

#include "tests/vectors/cases.h"

extern const struct family acvp_aes_family, acvp_wrap_family, acvp_gmac_family, acvp_cmac_family, acvp_hmac_family,
    acvp_digest_family;
extern const struct family acvp_ec_key_family, acvp_ecdsa_family, acvp_ed_key_family, acvp_eddsa_family,
    acvp_hkdf_family, acvp_ecdh_family, acvp_rsa_verify_family, acvp_rsa_sign_family;
extern const struct family acvp_ml_dsa_key_family, acvp_ml_kem_key_family, acvp_ml_kem_family;

#endif
