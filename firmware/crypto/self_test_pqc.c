#include "firmware/crypto/known_answer.h"

/* Published answers of ML-DSA, ML-KEM and SLH-DSA. Signatures by their SHA-256, since they are long; each is then also
 * verified with the public half. */
/* clang-format off */

/* Wycheproof, mldsa_65_sign_seed_test.json, test 1 */
static const struct known_key ml_dsa_65 = {
    CKK_ML_DSA, CKP_ML_DSA_65,
    .private = { { CKA_SEED,
        "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a" } },
};
/* ACVP, SLH-DSA-sigGen-FIPS205: the first key of SLH-DSA-SHA2-128f, message 3F */
static const struct known_key slh_dsa_128f = {
    CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F,
    .private = { { CKA_VALUE,
        "d5213ba4bb6470f1b9eda88cbc94e6277a58a951ef7f2b81461dbac41b5a6b83"
        "fa495fb834defea7cc96a81309479135a67029e90668c5a58b96e60111491f3d" } },
    .public = { { CKA_VALUE, "fa495fb834defea7cc96a81309479135a67029e90668c5a58b96e60111491f3d" } },
};

const struct known_answer pqc_answers[] = {
    { .name = "ML-DSA-65", .kind = OPERATION_SIGN, .type = CKM_ML_DSA, .key = &ml_dsa_65,
      .number = CKH_DETERMINISTIC_REQUIRED, .in = "48656c6c6f20776f726c64", .hashed = true,
      .out = "39fbbb0d97a52c79844213b325af823a7f16a174e00a5b3daeb3e6e6d1c89681" },
    { .name = "SLH-DSA-SHA2-128f", .kind = OPERATION_SIGN, .type = CKM_SLH_DSA, .key = &slh_dsa_128f,
      .number = CKH_DETERMINISTIC_REQUIRED, .in = "3f", .hashed = true,
      .out = "d3537e05ae63876bf78015ff86cc9e284f91cabfac191298fbaa375596351d55" },
    { .name = NULL },
};

/* Wycheproof, mlkem_768_test.json, test 1 */
static const struct known_key ml_kem_768 = {
    CKK_ML_KEM, CKP_ML_KEM_768,
    .private = { { CKA_SEED,
        "cbfc4405d1b2a3a386c94c25e0f2d5f5ee92cb0388ff4d6aa04223086d51c3fd24752da14c9fc3b8ae0d9e4a8b1016b8d8fc"
        "69e229c03ea2ef08a4ae0cffc37f" } },
};

const struct known_derivation pqc_derivations[] = {
    { .name = "ML-KEM-768", .type = CKM_ML_KEM, .key = &ml_kem_768,
      .data = "00e96c44eb5f5380d80b4cb05d608971a28fbe838b912b558bf9676c6c67c9692ed6ea063fc47b70d5d6004825c269b9cb8e"
      "68b5728d67f44844d97686a11154e3cbd4a6f9e47524d93d851bdce480d7762ded09be53d17cce3ee28dc5a06911c062b99b"
      "218355dd5822108c55e2c67f7ea0b74b6189b33b4589d8ff9d0c867d13edaaf1c5f724675320beda3e6acc673c048fa04a1b"
      "30f899227d5a555e08a412a47b7db75eb118a8844a71b186880426f6bb6e77186d18e753cbcce93c9fb76c729875b4d473ee"
      "ca8dab9941969faef04df9ce3178e7341eab416d28bb7aee12bfb8f4c3df814eff45a0187329079acfc41a8e8dba7b08d111"
      "f02e37a1d2b69e57eef808fcc6ae23385534a420a93dfb6a95c73e2f1016177c4fe9d3ced769e277293aaceded6d07efc789"
      "0eaa885bd1e73f9e5da2b9cfda0d44cbc9090705ac2ce3e7bcd7775b593c706e45ddc97d3a65d9b7e73673f9473df5bfec68"
      "9671f73e7f6ee77c730a8ebda1f0b2c112a71904d6f28a51d8d479f8323fb485e722f5c4d5857e95989a9cbaf273efd04fc3"
      "cbde98baa9969e095e88accecfbd12ef2155497a5b15fe91a70d1106b91a568363bfc2d6736cc8138cbc41ddf1e54fd40511"
      "e27d89e2c26c027b63c156e2bbb998faaed3d72186f0cc626dad39a782dcda2087fd13a9498e10b41b685646a227ea1166a5"
      "632c195983f4aba2b718b4074030d57126d34c38349892007acbea9e393b967dc3146b270f080a1f0bee90d65a095a6352a7"
      "718ed1717a8025a2bd38c66d120baf4247676a1fe044a57ce268c078f8ff46cc26fe4f9c7a03d6467adacb8418d26273662b"
      "ce1f7bc00b906e0088e95dc0fb419e2232e85aac77b9e7cd563e604de5e1d3e9693dcd3b19865cf4250773691e7e0af9c275"
      "5cd31f49d1f96708f3ba2f0b98184525abb869e12d5cea0ac1740181a875035300b05a54b8d42ee3b4ae92b06e43cd807e2b"
      "096c977f23c61ef8c989c52ed83754076dea1323f639250bef61bdf903bf7961cec89ba6942d9d0647ac9c8195d93ed8abce"
      "df25754644035719a5a0a1c8c0798912726a9a8258e4c10ae7485322ed9ba331f6f090c4b492a4fcf53d753cd34f28ec0443"
      "fce0724f43c89a3942169d5099a8f7430f38691ebce2e3fe4f600d82c7ccedf60673f8e5d4c1a9f84b8b5b23f5ed63defb6a"
      "7205e0a8b105bdc6ff4568fc78cb4456b02fedb7f4c48f6fd6b69216a3319821039db40e19a31a0b0c9d471d5a7a73865d26"
      "f8be3595525b1ec4a8579efd07ea98e2602e2bffdfd8febc5c7b4c736d326b5030ccc6faf9420a9c156a8f4516b9fff67545"
      "9dfdcd4ef85d7adbdffd60f4a39628e399cc752c2e99ab2f431dc765e7c9d206bfe32649fbef4ef48b1d7936fc74766d7243"
      "50ee2245a8d5f23fbc6c7ed8b57168ce1e864e49d7f8c475dcda140bd42473825b3c72eb8c54780188813011e1962a503f9b"
      "516e13226de6375b204733b0192183c8f55e870e61cf8947c3191790bc0b657bc43aebc9d86c",
      .out = "76c10bb1d86d96d7eb18e298363e51f7728e113f455df7d15017940ed3541451" },
    { .name = NULL },
};
