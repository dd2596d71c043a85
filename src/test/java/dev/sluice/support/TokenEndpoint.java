package dev.sluice.support;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.RsaJsonWebKey;
import org.jose4j.jwk.RsaJwkGenerator;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.lang.JoseException;

/** An OAuth 2 server that knows one client and gives it tokens by the grant of client credentials [RFC 6749, 4.4]. Any thread. */
public final class TokenEndpoint implements AutoCloseable {
    private static final String KEY_ID = "test";
    private static final float LIFETIME_MINUTES = 60;

    private final HttpServer server;
    private final RsaJsonWebKey key;
    private final String subject;
    private volatile String secret;

    private TokenEndpoint(HttpServer server, RsaJsonWebKey key, String subject, String secret) {
        this.server = server;
        this.key = key;
        this.subject = subject;
        this.secret = secret;
    }

    /** @param client the id of the client, and the subject of its tokens */
    public static TokenEndpoint start(String client, String secret) {
        try {
            var key = RsaJwkGenerator.generateJwk(2048);
            key.setKeyId(KEY_ID);
            key.setAlgorithm(AlgorithmIdentifiers.RSA_USING_SHA256);
            var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            var endpoint = new TokenEndpoint(server, key, client, secret);
            server.createContext("/token", endpoint::token);
            server.createContext("/keys", endpoint::keys);
            server.start();
            return endpoint;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    public String tokenUrl() {
        return url("/token");
    }

    /** Where a broker finds the keys that tokens are signed with. */
    public String keysUrl() {
        return url("/keys");
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    /** What the client has to know from now on. */
    public void secret(String secret) {
        this.secret = secret;
    }

    private void token(HttpExchange exchange) throws IOException {
        var asked = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        var credentials = (subject + ":" + secret).getBytes(StandardCharsets.UTF_8);
        var basic = "Basic " + Base64.getEncoder().encodeToString(credentials);
        if (!asked.contains("grant_type=client_credentials"))
            answer(exchange, 400, "{\"error\":\"unsupported_grant_type\"}");
        else if (!basic.equals(exchange.getRequestHeaders().getFirst("Authorization")))
            answer(exchange, 401, "{\"error\":\"invalid_client\"}");
        else answer(exchange, 200, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}".formatted(signed()));
    }

    private String signed() {
        var claims = new JwtClaims();
        claims.setSubject(subject);
        claims.setIssuedAtToNow();
        claims.setExpirationTimeMinutesInTheFuture(LIFETIME_MINUTES);
        claims.setClaim("scope", "kafka");
        var signature = new JsonWebSignature();
        signature.setPayload(claims.toJson());
        signature.setKey(key.getPrivateKey());
        signature.setKeyIdHeaderValue(KEY_ID);
        signature.setAlgorithmHeaderValue(AlgorithmIdentifiers.RSA_USING_SHA256);
        try {
            return signature.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    private void keys(HttpExchange exchange) throws IOException {
        answer(exchange, 200, new JsonWebKeySet(key).toJson(JsonWebKey.OutputControlLevel.PUBLIC_ONLY));
    }

    private static void answer(HttpExchange exchange, int status, String json) throws IOException {
        var body = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
