#include "firmware/crypto/known_answer.h"

/* Published answers of RSA and the curves. */
/* clang-format off */

/* Wycheproof, rsa_oaep_2048_sha256_mgf1sha256_test.json; the signatures of the same key from rsa_pkcs1_2048_sig_gen and
 * rsa_pss_2048_sha256_mgf1_32, tests 3. */
#define RSA_N \
    "a2b451a07d0aa5f96e455671513550514a8a5b462ebef717094fa1fee82224e637f9746d3f7cafd31878d80325b6ef5a1700" \
    "f65903b469429e89d6eac8845097b5ab393189db92512ed8a7711a1253facd20f79c15e8247f3d3e42e46e48c98e254a2fe9" \
    "765313a03eff8f17e1a029397a1fa26a8dce26f490ed81299615d9814c22da610428e09c7d9658594266f5c021d0fceca08d" \
    "945a12be82de4d1ece6b4c03145b5d3495d4ed5411eb878daf05fd7afc3e09ada0f1126422f590975a1969816f48698bcbba" \
    "1b4d9cae79d460d8f9f85e7975005d9bc22c4e5ac0f7c1a45d12569a62807d3b9a02e5a530e773066f453d1f5b4c2e9cf782" \
    "0283f742b9d5"
static const struct known_key rsa = {
    CKK_RSA,
    .private = { { CKA_MODULUS, RSA_N },
        { CKA_PUBLIC_EXPONENT, "010001" },
        { CKA_PRIVATE_EXPONENT,
          "24cdc62317f5d72a6f6ba6cc9632899b01d1ff28867d72f61688995bc855a4e420a8405250089bdb13cf8e09543827b748b9"
          "d27fbb2b4d9e20af8c5a6a862796d1a4cc18ad16ea678bc1bd4a83bbbe9c5e57453b5ce7388e41a3ba4ce2b77b4438a229e9"
          "54f720dae0353dc088ac8a76b26dc276f8e1b7851ddd6398ad16ff2e78195123b9b036e945c38c9d12434f6df76fe22359eb"
          "3e1ac9c011678fc926fad3ae475a4fffff55feb2d147e9c894f4c0e29a599e762462482d968bf42780945fc0d2c31c573c44"
          "31b8f4fe8b8c67bec815abd44f7a86edca1c2308737358d2c2ae5e2e0e2dadf730980262377e58b13b7d9992060a0bc870cc"
          "fdb4a9319ee1" },
        { CKA_PRIME_1,
          "dc431050f782e894fb5248247d98cb7d58b8d1e24f3b55d041c56e4de086b0d5bb028bda42eeb5d234d5681e5809d415e6a2"
          "89ad4cfbf78f978f6c35814f50eebff1c5b80a69f788e81e6bab5ddaa78369d659d143ec6f17e79813a575cfad9c569156b9"
          "0113e2e9110ad9e7b48a1c9348a6e653321191290ea36cfb3a5b18f1" },
        { CKA_PRIME_2,
          "bd1a81e7977f9898122273ae3222b598ea5fb19eb4eabc38308a5e32196603b2e500ffb79f5b886816611debc472fac45544"
          "070beb057c941378a6868af3b7a03d3f9880ec47d5e089b94fbde542aba9ae8d72c57088d7abf5b131f39098f7bc160f9053"
          "6abc9492fd4e06f3ed7299d4b97bb03677207d95669f140cfbc20f25" },
        { CKA_EXPONENT_1,
          "a94b528b28f291599121d91952ffd1c7f21d7c1479d99d478885fb161870ee1218bf08472612dbe5497e8d9c650688e09c78"
          "6961ae3e2c354dc48ae34514759c4c23c4588488961dc06b414e61c0e1e7fbbd2923d31532fe289f96da220711e58c140198"
          "08e00414276933bb07e4efb9b4a9b37656917205209f33f09515d7c1" },
        { CKA_EXPONENT_2,
          "3af0e72a933aef09ff2503df78bafed531c02ff1a2bc437c540cdcbd4ad35435cf511763596543480629b114ca7f780ff7ef"
          "a32ea0cb6e000d6d9ea1f2ef71fd9cf9948422a165557e37e755edfe70d90b920502eb478bc98a63f788ce3a0f856d6ede72"
          "51a383bfa8fa480a81a925af7b3cc538c4bab8c9f7597ffb68011d8d" },
        { CKA_COEFFICIENT,
          "2640fbfbcfefb163ee7a87b6483a66ee41f956d90fa8a7939bfc042ee0924b1b7993d0445f758d51933e85179c0320b0c968"
          "b48a91c38b5be923e1097c0c562f88d42294b6a2759bafa5428a74f1270874e45f6fcc60f21602de5eccd143cf31241f5921"
          "b5ad3983fb54ef17be3b285367e50c999c67247b552fe4bfce945f7b" },
    },
    .public = { { CKA_MODULUS, RSA_N }, { CKA_PUBLIC_EXPONENT, "010001" } },
};
/* RFC 6979, A.2.5 to A.2.7 */
#define P256_POINT \
    "04410460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc" \
    "64f2f1b20c2d7e9f5177a3c294d4462299"
static const struct known_key p256 = {
    CKK_EC,
    .private = { { CKA_EC_PARAMS, "06082a8648ce3d030107" },
        { CKA_VALUE,
          "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721" },
        { CKA_EC_POINT, P256_POINT } },
    .public = { { CKA_EC_PARAMS, "06082a8648ce3d030107" }, { CKA_EC_POINT, P256_POINT } },
};
#define P384_POINT \
    "046104ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc" \
    "138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
static const struct known_key p384 = {
    CKK_EC,
    .private = { { CKA_EC_PARAMS, "06052b81040022" },
        { CKA_VALUE,
          "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5" },
        { CKA_EC_POINT, P384_POINT } },
    .public = { { CKA_EC_PARAMS, "06052b81040022" }, { CKA_EC_POINT, P384_POINT } },
};
#define P521_POINT \
    "0481850401894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20f" \
    "b633155d38ffa16d2bd761dcac474b9a2f5023a400493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f" \
    "746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5"
static const struct known_key p521 = {
    CKK_EC,
    .private = { { CKA_EC_PARAMS, "06052b81040023" },
        { CKA_VALUE,
          "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466"
          "f6d8fbec67db89ec0c08b0e996b83538" },
        { CKA_EC_POINT, P521_POINT } },
    .public = { { CKA_EC_PARAMS, "06052b81040023" }, { CKA_EC_POINT, P521_POINT } },
};
/* Wycheproof, ecdsa_secp256k1_sha256_p1363_test.json, test 1: the public half alone */
static const struct known_key k256 = {
    CKK_EC,
    .public = { { CKA_EC_PARAMS, "06052b8104000a" },
        { CKA_EC_POINT,
          "044104b838ff44e5bc177bf21189d0766082fc9d843226887fc9760371100b7ee20a6ff0c9d75bfba7b31a6bca1974496eeb"
          "56de357071955d83c4b1badaa0b21832e9" } },
};
/* RFC 8032, 7.1, test 2 */
#define ED25519_POINT "04203d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
static const struct known_key ed25519 = {
    CKK_EC_EDWARDS,
    .private = { { CKA_EC_PARAMS, "06032b6570" },
        { CKA_VALUE, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb" },
        { CKA_EC_POINT, ED25519_POINT } },
    .public = { { CKA_EC_PARAMS, "06032b6570" }, { CKA_EC_POINT, ED25519_POINT } },
};

#define PSS_SHA256  .hash = CKM_SHA256, .mgf = CKG_MGF1_SHA256, .number = 32
#define OAEP_SHA256 .hash = CKM_SHA256, .mgf = CKG_MGF1_SHA256

const struct known_answer asymmetric_answers[] = {
    { .name = "RSA PKCS#1 signature", .kind = OPERATION_SIGN, .type = CKM_SHA256_RSA_PKCS, .key = &rsa,
      .in = "54657374",
      .out = "264491e844c119f14e425c03282139a558dcdaeb82a4628173cd407fd319f9076eaebc0dd87a1c22e4d17839096886d58a9d"
      "5b7f7aeb63efec56c45ac7bead4203b6886e1faa90e028ec0ae094d46bf3f97efdd19045cfbc25a1abda2432639f9876405c"
      "0d68f8edbf047c12a454f7681d5d5a2b54bd3723d193dbad4338baad753264006e2d08931c4b8bb79aa1c9cad10eb6605f87"
      "c5831f6e2b08e002f9c6f21141f5841d92727dd3e1d99c36bc560da3c9067df99fcaf818941f72588be33032bad22caf6704"
      "223bb114d575b6d02d9d222b580005d930e8f40cce9f672eebb634a20177d84351627964b83f2053d736a84ab1a005f63bd5"
      "ba943de6205c" },
    { .name = "RSA PKCS#1 verification", .kind = OPERATION_VERIFY, .type = CKM_SHA256_RSA_PKCS, .key = &rsa,
      .in = "54657374",
      .out = "264491e844c119f14e425c03282139a558dcdaeb82a4628173cd407fd319f9076eaebc0dd87a1c22e4d17839096886d58a9d"
      "5b7f7aeb63efec56c45ac7bead4203b6886e1faa90e028ec0ae094d46bf3f97efdd19045cfbc25a1abda2432639f9876405c"
      "0d68f8edbf047c12a454f7681d5d5a2b54bd3723d193dbad4338baad753264006e2d08931c4b8bb79aa1c9cad10eb6605f87"
      "c5831f6e2b08e002f9c6f21141f5841d92727dd3e1d99c36bc560da3c9067df99fcaf818941f72588be33032bad22caf6704"
      "223bb114d575b6d02d9d222b580005d930e8f40cce9f672eebb634a20177d84351627964b83f2053d736a84ab1a005f63bd5"
      "ba943de6205c" },
    { .name = "RSA PSS verification", .kind = OPERATION_VERIFY, .type = CKM_SHA256_RSA_PKCS_PSS, .key = &rsa,
      PSS_SHA256,
      .in = "54657374",
      .out = "401eb03cdb47ca88033e3030f6bdecbac8f5c8fc1dd6a13d23d379ed9a2b309891d13d74fea9d21d159b9e6d8f37efa24899"
      "62e24555f56dd434ff1d31ce4f9f5abd3f22cbea8b691d6a11e44efb83e2bca155e6a164325e0fde2a8865afd5c9f51161a9"
      "d615f62af7ec2e31b3e5ab649c164490d31d88cfae35b84aea7925690f929a144b6d2f48e8fb894a52deecd1b9a6496990c4"
      "ecf1588699a42cacd10c53af350514e4291ea9a058e77f101e32c1c0cefa61d945f7bc931f8bd19e7ba3169358a60e5a8b01"
      "23bc3199b9fdcafe8e519c41ba675491a27b85e44ef2d77277c10fe107293c8290186913bc9a99b640d8da041b64f31eab1d"
      "35920985f4a5" },
    { .name = "RSA PSS signature", .kind = OPERATION_SIGN, .type = CKM_SHA256_RSA_PKCS_PSS, .key = &rsa,
      PSS_SHA256,
      .in = "54657374",
      .out = NULL },
    { .name = "RSA OAEP", .kind = OPERATION_DECRYPT, .type = CKM_RSA_PKCS_OAEP, .key = &rsa, OAEP_SHA256,
      .out = "54657374",
      .in = "5eab3f0741e63986ed647d53e1cd71df041986900803d0f99c68355d249a15a47dc5b4f70a191477654299e5a2731f3b4eec"
      "76dea18262fc696ac794e5f66cbfcddac4472c578e246c26707598055584540b839836b1404c5611ae558a984cee8fd036ce"
      "a924e0be2474a940f61e0acc14fcae95ebdc59942a9ce9af9a9c81999f7f6815f057ffdc2533cb15d6391d1e2d95f16f9c04"
      "209c889a4c359c7d2926d28a66e2b030a416b928d2825627998e5191fb4983a6e65024262d94fc09187a2d78162122433251"
      "d1bfcc8e507d06eba2d229c10031261da32ab8ccd15f1c5f9fbf07ed158483d736a110af4b44d6a4da60d6cb519b4454213c"
      "f9f0dc560f2b" },
    { .name = "ECDSA P-256 verification", .kind = OPERATION_VERIFY, .type = CKM_ECDSA_SHA256, .key = &p256,
      .in = "73616d706c65",
      .out = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e9"
      "00dbb9aff4064dc4ab2f843acda8" },
    { .name = "ECDSA P-256 signature", .kind = OPERATION_SIGN, .type = CKM_ECDSA_SHA256, .key = &p256,
      .in = "73616d706c65",
      .out = NULL },
    { .name = "ECDSA P-384 verification", .kind = OPERATION_VERIFY, .type = CKM_ECDSA_SHA384, .key = &p384,
      .in = "73616d706c65",
      .out = "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe4699ef"
      "4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8" },
    { .name = "ECDSA P-384 signature", .kind = OPERATION_SIGN, .type = CKM_ECDSA_SHA384, .key = &p384,
      .in = "73616d706c65",
      .out = NULL },
    { .name = "ECDSA P-521 verification", .kind = OPERATION_VERIFY, .type = CKM_ECDSA_SHA512, .key = &p521,
      .in = "73616d706c65",
      .out = "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931"
      "d7d4e8455cc91f9b15bf05ec36e377fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af2826"
      "23eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a" },
    { .name = "ECDSA P-521 signature", .kind = OPERATION_SIGN, .type = CKM_ECDSA_SHA512, .key = &p521,
      .in = "73616d706c65",
      .out = NULL },
    { .name = "ECDSA secp256k1 verification", .kind = OPERATION_VERIFY, .type = CKM_ECDSA_SHA256, .key = &k256,
      .in = "313233343030",
      .out = "813ef79ccefa9a56f7ba805f0e478584fe5f0dd5f567bc09b5123ccbc9832365900e75ad233fcc908509dbff5922647db37c"
      "21f4afd3203ae8dc4ae7794b0f87" },
    { .name = "Ed25519", .kind = OPERATION_SIGN, .type = CKM_EDDSA, .key = &ed25519,
      .in = "72",
      .out = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b"
      "2eaeb4302aeeb00d291612bb0c00" },
    { .name = NULL },
};

/* RFC 5903, 8.1; RFC 7748, 5.2; RFC 5869, A.1 */
static const struct known_key ecdh_p256 = {
    CKK_EC,
    .private = { { CKA_EC_PARAMS, "06082a8648ce3d030107" },
        { CKA_VALUE, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433" },
        { CKA_EC_POINT,
          "044104dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e5"
          "9ab1f45b33accf5f58389e0577b8990bb3" } },
};
static const struct known_key x25519 = {
    CKK_EC_MONTGOMERY,
    .private = { { CKA_EC_PARAMS, "06032b656e" },
        { CKA_VALUE, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4" },
        { CKA_EC_POINT, "04201c9fd88f45606d932a80c71824ae151d15d73e77de38e8e000852e614fae7019" } },
};
static const struct known_key ikm = { CKK_GENERIC_SECRET,
    .private = { { CKA_VALUE, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b" } } };

const struct known_derivation classic_derivations[] = {
    { .name = "ECDH P-256", .type = CKM_ECDH1_DERIVE, .key = &ecdh_p256, .number = CKD_NULL,
      .data = "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac"
      "23f046ada30f8353e74f33039872ab",
      .out = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
    { .name = "X25519", .type = CKM_ECDH1_DERIVE, .key = &x25519, .number = CKD_NULL,
      .data = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
      .out = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
    { .name = "HKDF SHA-256", .type = CKM_HKDF_DERIVE, .key = &ikm, .hash = CKM_SHA256, .number = CKF_HKDF_SALT_DATA,
      .flags = MECHANISM_HKDF_EXTRACT | MECHANISM_HKDF_EXPAND, .data = "000102030405060708090a0b0c",
      .aad = "f0f1f2f3f4f5f6f7f8f9",
      .out = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
    { .name = NULL },
};
