package dev.sluice.access.token;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** An issuer of tokens whose keys are at a URL of this machine; it can lie, be slow and be away. Any thread. */
public final class TestIssuer implements AutoCloseable {
    public static final String NAME = "https://issuer.example";
    public static final String AUDIENCE = "sluice";

    /** How it answers whoever asks for its keys. */
    @FunctionalInterface
    public interface Answer {
        /** The bytes of the body. */
        byte[] body() throws IOException, InterruptedException;
    }

    private final HttpServer server;
    public final AtomicInteger asked = new AtomicInteger();
    public volatile ECKey key = key("first");
    public volatile int status = 200;
    public volatile Answer answer = () -> keys(key);
    /** Where it redirects to; null for nowhere. */
    public volatile String location;
    /** Whether a body comes byte by byte. */
    public volatile boolean drips;

    public TestIssuer() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/keys", exchange -> {
            asked.incrementAndGet();
            try (exchange) {
                var body = answer.body();
                if (location != null) exchange.getResponseHeaders().set("Location", location);
                exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
                if (drips) drip(exchange.getResponseBody(), body);
                else exchange.getResponseBody().write(body);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
    }

    private static void drip(OutputStream out, byte[] body) throws IOException, InterruptedException {
        for (var each : body) {
            out.write(each);
            out.flush();
            new CountDownLatch(1).await(100, TimeUnit.MILLISECONDS);
        }
    }

    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/keys";
    }

    public static byte[] keys(JWK... keys) {
        return new JWKSet(Arrays.asList(keys)).toString().getBytes(StandardCharsets.UTF_8);
    }

    /** With its private parts, and secrets. */
    public static byte[] keysWithSecrets(JWK... keys) {
        return new JWKSet(Arrays.asList(keys)).toString(false).getBytes(StandardCharsets.UTF_8);
    }

    public static ECKey key(String id) {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID(id).generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Claims of a good token, for an hour. */
    public static JWTClaimsSet.Builder claims(String subject) {
        return new JWTClaimsSet.Builder()
                .issuer(NAME)
                .audience(AUDIENCE)
                .subject(subject)
                .expirationTime(Date.from(Instant.now().plusSeconds(3600)));
    }

    /** A good token. */
    public String token(String subject) {
        return sign(claims(subject).build());
    }

    public String sign(JWTClaimsSet claims) {
        return sign(key, key.getKeyID(), claims);
    }

    public static String sign(ECKey key, String keyId, JWTClaimsSet claims) {
        try {
            return sign(new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(keyId).build(), new ECDSASigner(key), claims);
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String sign(JWSHeader header, JWSSigner signer, JWTClaimsSet claims) {
        try {
            var token = new SignedJWT(header, claims);
            token.sign(signer);
            return token.serialize();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
