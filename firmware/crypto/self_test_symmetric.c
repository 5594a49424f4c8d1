#include "firmware/crypto/known_answer.h"

/* Published answers of the mechanisms with secret keys, and of the hashes. */
/* clang-format off */

#define ABC        "616263"
#define HI_THERE   "4869205468657265"
#define SP_800_38A \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

static const struct known_key hmac_key = { CKK_GENERIC_SECRET,
    .private = { { CKA_VALUE, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b" } } };
static const struct known_key aes_128 = { CKK_AES,
    .private = { { CKA_VALUE, "2b7e151628aed2a6abf7158809cf4f3c" } } };
static const struct known_key aes_192 = { CKK_AES,
    .private = { { CKA_VALUE, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b" } } };
static const struct known_key aes_256 = { CKK_AES,
    .private = { { CKA_VALUE, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4" } } };
static const struct known_key gcm_key = { CKK_AES,
    .private = { { CKA_VALUE, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308" } } };
static const struct known_key kw_key = { CKK_AES,
    .private = { { CKA_VALUE, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" } } };
static const struct known_key kwp_key = { CKK_AES,
    .private = { { CKA_VALUE, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8" } } };

const struct known_answer symmetric_answers[] = {
    /* FIPS 180-4, FIPS 202: "abc" */
    { .name = "SHA-1", .kind = OPERATION_DIGEST, .type = CKM_SHA_1, .in = ABC,
      .out = "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { .name = "SHA-224", .kind = OPERATION_DIGEST, .type = CKM_SHA224, .in = ABC,
      .out = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
    { .name = "SHA-256", .kind = OPERATION_DIGEST, .type = CKM_SHA256, .in = ABC,
      .out = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { .name = "SHA-384", .kind = OPERATION_DIGEST, .type = CKM_SHA384, .in = ABC,
      .out = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7" },
    { .name = "SHA-512", .kind = OPERATION_DIGEST, .type = CKM_SHA512, .in = ABC,
      .out = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d"
      "4423643ce80e2a9ac94fa54ca49f" },
    { .name = "SHA-512/224", .kind = OPERATION_DIGEST, .type = CKM_SHA512_224, .in = ABC,
      .out = "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa" },
    { .name = "SHA-512/256", .kind = OPERATION_DIGEST, .type = CKM_SHA512_256, .in = ABC,
      .out = "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23" },
    { .name = "SHA3-224", .kind = OPERATION_DIGEST, .type = CKM_SHA3_224, .in = ABC,
      .out = "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf" },
    { .name = "SHA3-256", .kind = OPERATION_DIGEST, .type = CKM_SHA3_256, .in = ABC,
      .out = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
    { .name = "SHA3-384", .kind = OPERATION_DIGEST, .type = CKM_SHA3_384, .in = ABC,
      .out = "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25" },
    { .name = "SHA3-512", .kind = OPERATION_DIGEST, .type = CKM_SHA3_512, .in = ABC,
      .out = "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e393405734"
      "0b4cf408d5a56592f8274eec53f0" },
    /* RFC 2202 and 4231, case 1; the others by the same key and message */
    { .name = "HMAC SHA-1", .kind = OPERATION_SIGN, .type = CKM_SHA_1_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "b617318655057264e28bc0b6fb378c8ef146be00" },
    { .name = "HMAC SHA-224", .kind = OPERATION_SIGN, .type = CKM_SHA224_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22" },
    { .name = "HMAC SHA-256", .kind = OPERATION_SIGN, .type = CKM_SHA256_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { .name = "HMAC SHA-384", .kind = OPERATION_SIGN, .type = CKM_SHA384_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6" },
    { .name = "HMAC SHA-512", .kind = OPERATION_SIGN, .type = CKM_SHA512_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d"
      "914eeb61f1702e696c203a126854" },
    { .name = "HMAC SHA-512/224", .kind = OPERATION_SIGN, .type = CKM_SHA512_224_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "b244ba01307c0e7a8ccaad13b1067a4cf6b961fe0c6a20bda3d92039" },
    { .name = "HMAC SHA-512/256", .kind = OPERATION_SIGN, .type = CKM_SHA512_256_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "9f9126c3d9c3c330d760425ca8a217e31feae31bfe70196ff81642b868402eab" },
    { .name = "HMAC SHA3-224", .kind = OPERATION_SIGN, .type = CKM_SHA3_224_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "3b16546bbc7be2706a031dcafd56373d9884367641d8c59af3c860f7" },
    { .name = "HMAC SHA3-256", .kind = OPERATION_SIGN, .type = CKM_SHA3_256_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "ba85192310dffa96e2a3a40e69774351140bb7185e1202cdcc917589f95e16bb" },
    { .name = "HMAC SHA3-384", .kind = OPERATION_SIGN, .type = CKM_SHA3_384_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "68d2dcf7fd4ddd0a2240c8a437305f61fb7334cfb5d0226e1bc27dc10a2e723a20d370b47743130e26ac7e3d532886bd" },
    { .name = "HMAC SHA3-512", .kind = OPERATION_SIGN, .type = CKM_SHA3_512_HMAC, .key = &hmac_key, .in = HI_THERE,
      .out = "eb3fbd4b2eaab8f5c504bd3a41465aacec15770a7cabac531e482f860b5ec7ba47ccb2c6f2afce8f88d22b6dc61380f23a66"
      "8fd3888bb80537c0a0b86407689e" },
    /* SP 800-38A, F.1.1, F.2.5, F.5.3; the padded one is the F.2.5 text with a block of padding behind it */
    { .name = "AES ECB", .kind = OPERATION_ENCRYPT, .type = CKM_AES_ECB, .key = &aes_128, .in = SP_800_38A,
      .out = "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf43b1cd7f598ece23881b00e3ed0306887b0c"
      "785e27e8ad3f8223207104725dd4" },
    { .name = "AES CBC", .kind = OPERATION_ENCRYPT, .type = CKM_AES_CBC, .key = &aes_256,
      .iv = "000102030405060708090a0b0c0d0e0f", .in = SP_800_38A,
      .out = "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb"
      "05e2c39be9fcda6c19078c6a9d1b" },
    { .name = "AES CBC with padding", .kind = OPERATION_ENCRYPT, .type = CKM_AES_CBC_PAD, .key = &aes_256,
      .iv = "000102030405060708090a0b0c0d0e0f", .in = SP_800_38A,
      .out = "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb"
      "05e2c39be9fcda6c19078c6a9d1b3f461796d6b0d6b2e0c2a72b4d80e644" },
    { .name = "AES CTR", .kind = OPERATION_ENCRYPT, .type = CKM_AES_CTR, .key = &aes_192,
      .iv = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", .number = 128, .in = SP_800_38A,
      .out = "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e941e36b26bd1ebc670d1bd1d665620abf74f78"
      "a7f6d29809585a97daec58c6b050" },
    /* McGrew and Viega, "The Galois/Counter Mode of Operation", case 16; GMAC: the same additional data alone */
    { .name = "AES GCM", .kind = OPERATION_ENCRYPT, .type = CKM_AES_GCM, .key = &gcm_key, .number = 128,
      .iv = "cafebabefacedbaddecaf888", .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      .in = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16a"
      "edf5aa0de657ba637b39",
      .out = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f6"
      "1e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
    { .name = "AES GMAC", .kind = OPERATION_SIGN, .type = CKM_AES_GMAC, .key = &gcm_key,
      .iv = "cafebabefacedbaddecaf888", .number = 128,
      .in = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      .out = "9f6be07603c0b0bd1272854063e9c9ba" },
    /* RFC 4493, example 3; RFC 3394, 4.6; RFC 5649, 6 */
    { .name = "AES CMAC", .kind = OPERATION_SIGN, .type = CKM_AES_CMAC, .key = &aes_128,
      .in = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
      .out = "dfa66747de9ae63030ca32611497c827" },
    { .name = "AES KW", .kind = OPERATION_ENCRYPT, .type = CKM_AES_KEY_WRAP, .key = &kw_key,
      .in = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
      .out = "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21" },
    { .name = "AES KWP", .kind = OPERATION_ENCRYPT, .type = CKM_AES_KEY_WRAP_KWP, .key = &kwp_key,
      .in = "c37b7e6492584340bed12207808941155068f738",
      .out = "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a" },
    { .name = NULL },
};
