// Client.java - Java's SunPKCS11 on a token: lists it, makes RSA and EC keys in it, signs, decrypts, agrees; every result is
// checked by Java's software providers. Run as a single file: java Client.java CONFIGURATION PIN-FILE ECDH-CONFIGURATION
// The second configuration is for key agreement: Java reads what ECDH gives, and may of keys that are not sensitive.
// keytool has put the entries "rsa" and "ec" there. The last line is "N passed, M failed".

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

public class Client {
    private static final byte[] MESSAGE = "a message to be signed".getBytes(StandardCharsets.UTF_8);
    private static Provider token;
    private static Provider agreement;
    private static KeyStore store;
    private static char[] pin;
    private static int passed;
    private static int failed;

    private interface Case {
        boolean holds() throws Exception;
    }

    private static void check(String sentence, Case c) {
        String why = "";

        try {
            if (c.holds()) {
                passed++;
                System.out.println("ok      " + sentence);
                return;
            }
        } catch (Exception e) {
            for (Throwable t = e; t != null; t = t.getCause()) {
                why += " <- " + t;
            }
        }
        failed++;
        System.out.println("FAILED  " + sentence + why);
    }

    // The same public key for the software provider: through its encoding, so nothing of the token is left in it.
    private static PublicKey outside(PublicKey key) throws Exception {
        String provider = key.getAlgorithm().equals("RSA") ? "SunRsaSign" : "SunEC";

        return KeyFactory.getInstance(key.getAlgorithm(), provider).generatePublic(new X509EncodedKeySpec(key.getEncoded()));
    }

    private static boolean signs(PrivateKey key, PublicKey pub, String algorithm) throws Exception {
        Signature inside = Signature.getInstance(algorithm, token);
        PublicKey plain = outside(pub);
        Signature judge = Signature.getInstance(algorithm, plain.getAlgorithm().equals("RSA") ? "SunRsaSign" : "SunEC");

        inside.initSign(key);
        inside.update(MESSAGE);
        byte[] signature = inside.sign();
        judge.initVerify(plain);
        judge.update(MESSAGE);
        if (!judge.verify(signature)) {
            return false;
        }
        inside.initVerify(pub);
        inside.update(MESSAGE);
        if (!shortened(signature, pub) && !inside.verify(signature)) {
            return false;
        }
        inside.initVerify(pub); // and not for another message
        inside.update(new byte[1]);
        return !inside.verify(signature);
    }

    // SunPKCS11 hands r and s to the token without their leading zeroes, each as long as the longer of them. PKCS#11 (2.3.1)
    // says that a token may be given that; Wycheproof (SignatureSize), ours and SoftHSM say no. Does it happen here?
    private static boolean shortened(byte[] der, PublicKey pub) {
        if (!(pub instanceof ECPublicKey)) {
            return false;
        }
        int full = (((ECPublicKey) pub).getParams().getOrder().bitLength() + 7) / 8;
        int r = (der[1] & 0xff) < 0x80 ? 2 : 3; // where the two numbers begin
        int s = r + 2 + der[r + 1];

        return significant(der, r) < full && significant(der, s) < full;
    }

    private static int significant(byte[] der, int at) {
        return der[at + 2] == 0 ? der[at + 1] - 1 : der[at + 1];
    }

    private static boolean signsPss(PrivateKey key, PublicKey pub) throws Exception {
        PSSParameterSpec pss = new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1);
        Signature inside = Signature.getInstance("RSASSA-PSS", token);
        Signature judge = Signature.getInstance("RSASSA-PSS", "SunRsaSign");

        inside.setParameter(pss);
        inside.initSign(key);
        inside.update(MESSAGE);
        byte[] signature = inside.sign();
        judge.setParameter(pss);
        judge.initVerify(outside(pub));
        judge.update(MESSAGE);
        return judge.verify(signature);
    }

    private static boolean decrypts(PrivateKey key, PublicKey pub) throws Exception {
        byte[] secret = new byte[32];
        Cipher outer = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        Cipher inside = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);

        new SecureRandom().nextBytes(secret);
        outer.init(Cipher.ENCRYPT_MODE, outside(pub));
        inside.init(Cipher.DECRYPT_MODE, key);
        return Arrays.equals(secret, inside.doFinal(outer.doFinal(secret)));
    }

    private static KeyPair pair(String algorithm, Object size) throws Exception {
        return pair(token, algorithm, size);
    }

    private static KeyPair pair(Provider where, String algorithm, Object size) throws Exception {
        KeyPairGenerator g = KeyPairGenerator.getInstance(algorithm, where);

        if (size instanceof String) {
            g.initialize(new ECGenParameterSpec((String) size));
        } else {
            g.initialize((Integer) size);
        }
        return g.generateKeyPair();
    }

    private static boolean agrees(String curve) throws Exception {
        KeyPair inside = pair(agreement, "EC", curve);
        KeyPairGenerator g = KeyPairGenerator.getInstance("EC", "SunEC");
        g.initialize(new ECGenParameterSpec(curve));
        KeyPair plain = g.generateKeyPair();
        KeyAgreement a = KeyAgreement.getInstance("ECDH", agreement);
        KeyAgreement b = KeyAgreement.getInstance("ECDH", "SunEC");

        a.init(inside.getPrivate());
        a.doPhase(plain.getPublic(), true);
        b.init(plain.getPrivate());
        b.doPhase(outside(inside.getPublic()), true);
        return Arrays.equals(a.generateSecret(), b.generateSecret());
    }

    private static SecretKey aes() throws Exception {
        KeyGenerator g = KeyGenerator.getInstance("AES", token);

        g.init(256);
        return g.generateKey();
    }

    private static boolean aesRound(String transformation) throws Exception {
        SecretKey key = aes();
        Cipher c = Cipher.getInstance(transformation, token);
        byte[] plain = new byte[64];

        new SecureRandom().nextBytes(plain);
        if (transformation.contains("GCM")) {
            byte[] iv = new byte[12];
            new SecureRandom().nextBytes(iv);
            c.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(128, iv));
        } else {
            c.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(new byte[16]));
        }
        AlgorithmParameters used = c.getParameters();
        byte[] sealed = c.doFinal(plain);
        c.init(Cipher.DECRYPT_MODE, key, used);
        return Arrays.equals(plain, c.doFinal(sealed));
    }

    // A key that both know: the token's result is the software's.
    private static boolean aesAlike() throws Exception {
        byte[] value = new byte[16];
        byte[] plain = new byte[48];

        new SecureRandom().nextBytes(value);
        SecretKeySpec key = new SecretKeySpec(value, "AES");
        IvParameterSpec iv = new IvParameterSpec(new byte[16]);
        Cipher a = Cipher.getInstance("AES/CBC/NoPadding", token);
        Cipher b = Cipher.getInstance("AES/CBC/NoPadding", "SunJCE");
        a.init(Cipher.ENCRYPT_MODE, key, iv);
        b.init(Cipher.ENCRYPT_MODE, key, iv);
        return Arrays.equals(a.doFinal(plain), b.doFinal(plain));
    }

    private static boolean macAlike() throws Exception {
        byte[] value = new byte[32];

        new SecureRandom().nextBytes(value);
        Mac a = Mac.getInstance("HmacSHA256", token);
        Mac b = Mac.getInstance("HmacSHA256", "SunJCE");
        a.init(new SecretKeySpec(value, "HmacSHA256"));
        b.init(new SecretKeySpec(value, "HmacSHA256"));
        return Arrays.equals(a.doFinal(MESSAGE), b.doFinal(MESSAGE));
    }

    private static boolean digestAlike(String algorithm) throws Exception {
        return Arrays.equals(MessageDigest.getInstance(algorithm, token).digest(MESSAGE),
            MessageDigest.getInstance(algorithm, "SUN").digest(MESSAGE));
    }

    private static boolean threads() throws Exception {
        PrivateKey key = (PrivateKey) store.getKey("ec", pin);
        PublicKey pub = store.getCertificate("ec").getPublicKey();
        ExecutorService pool = Executors.newFixedThreadPool(8);
        Callable<Boolean> hundred = () -> {
            for (int i = 0; i < 100; i++) {
                if (!signs(key, pub, "SHA256withECDSA")) {
                    return false;
                }
            }
            return true;
        };
        boolean right = true;

        for (Future<Boolean> f : pool.invokeAll(Collections.nCopies(8, hundred))) {
            right &= f.get();
        }
        pool.shutdown();
        return right;
    }

    private static boolean notExtractable(PrivateKey key) {
        return key.getEncoded() == null;
    }

    private static boolean wrongPin() {
        try {
            KeyStore other = KeyStore.getInstance("PKCS11", token);
            ((java.security.AuthProvider) token).logout();
            other.load(null, "000000000000".toCharArray());
            return false;
        } catch (Exception e) {
            return true;
        }
    }

    private static void stored(String alias, String... signatures) throws Exception {
        PrivateKey key = (PrivateKey) store.getKey(alias, pin);
        PublicKey pub = store.getCertificate(alias).getPublicKey();

        check("the private key of \"" + alias + "\" gives out no value", () -> notExtractable(key));
        check("the certificate of \"" + alias + "\" verifies by software", () -> {
            ((X509Certificate) store.getCertificate(alias)).verify(outside(pub));
            return true;
        });
        for (String s : signatures) {
            check("\"" + alias + "\" signs by " + s, () -> signs(key, pub, s));
        }
    }

    private static void generated() {
        for (int bits : List.of(2048, 3072)) {
            check("an RSA pair of " + bits + " bits is made and signs", () -> {
                KeyPair p = pair("RSA", bits);
                return ((RSAPublicKey) p.getPublic()).getModulus().bitLength() == bits && notExtractable(p.getPrivate())
                    && signs(p.getPrivate(), p.getPublic(), "SHA256withRSA");
            });
        }
        for (String curve : List.of("secp256r1", "secp384r1", "secp521r1")) {
            check("a pair on " + curve + " is made and signs", () -> {
                KeyPair p = pair("EC", curve);
                return ((ECPublicKey) p.getPublic()).getW().getAffineX().signum() > 0 && notExtractable(p.getPrivate())
                    && signs(p.getPrivate(), p.getPublic(), "SHA384withECDSA");
            });
        }
    }

    public static void main(String[] args) throws Exception {
        pin = Files.readString(Path.of(args[1])).trim().toCharArray();
        token = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(token);
        agreement = Security.getProvider("SunPKCS11").configure(args[2]);
        store = KeyStore.getInstance("PKCS11", token);
        store.load(null, pin);

        check("the token lists what keytool has made", () -> {
            List<String> aliases = Collections.list(store.aliases());
            return aliases.contains("rsa") && aliases.contains("ec") && store.isKeyEntry("rsa") && store.isKeyEntry("ec");
        });
        stored("rsa", "SHA256withRSA", "SHA384withRSA", "SHA512withRSA");
        stored("ec", "SHA256withECDSA", "SHA384withECDSA");
        PrivateKey rsa = (PrivateKey) store.getKey("rsa", pin);
        PublicKey rsaPublic = store.getCertificate("rsa").getPublicKey();
        check("\"rsa\" signs by RSASSA-PSS", () -> signsPss(rsa, rsaPublic));
        check("\"rsa\" decrypts by PKCS#1 v1.5", () -> decrypts(rsa, rsaPublic));
        generated();
        check("ECDH on P-256 agrees with software", () -> agrees("secp256r1"));
        check("ECDH on P-384 agrees with software", () -> agrees("secp384r1"));
        check("an AES key is made; CBC there and back", () -> aesRound("AES/CBC/PKCS5Padding"));
        check("an AES key is made; CTR there and back", () -> aesRound("AES/CTR/NoPadding"));
        check("an AES key is made; GCM there and back", () -> aesRound("AES/GCM/NoPadding"));
        check("AES of a key that both know is the same", Client::aesAlike);
        check("HMAC of a key that both know is the same", Client::macAlike);
        check("SHA-256 is the same", () -> digestAlike("SHA-256"));
        check("SHA-512 is the same", () -> digestAlike("SHA-512"));
        check("8 threads, 100 signatures each", Client::threads);
        check("an entry is deleted and gone", () -> {
            store.deleteEntry("rsa");
            return !store.containsAlias("rsa");
        });
        check("a wrong PIN is refused", Client::wrongPin);
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
