package dev.sluice.access.token;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.nimbusds.jwt.SignedJWT;
import dev.sluice.config.TokenConfig;
import dev.sluice.config.TrustedIssuerConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Judges tokens by the keys of the issuers that the configuration names. Nothing that a token says leads anywhere: keys come from where the
 * configuration says, never from a header of the token. Any virtual thread may use it, and may have to wait for keys.
 */
public final class TrustedIssuers {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();
    /** Other types of signed JSON are no proof of who somebody is (RFC 8725, 3.11). */
    private static final Set<String> TYPES = Set.of("jwt", "at+jwt", "application/at+jwt");

    private static final int LONGEST_KEY_ID = 256;
    /** The end of the year 9999. */
    private static final double LAST_SECOND = 253_402_300_799.0;

    private final Map<String, Issuer> byIssuer = new HashMap<>();
    private final int mostBytes;

    /**
     * @param prefix of the keys of the configuration, for what is wrong with them
     * @throws IllegalArgumentException with a sentence that begins with the key that is wrong
     */
    public TrustedIssuers(String prefix, Map<String, ? extends TrustedIssuerConfig> issuers, TokenConfig config) {
        this(prefix, issuers, config, System::nanoTime);
    }

    /** @param clock the JVM's nanoseconds, by which keys become old */
    TrustedIssuers(
            String prefix, Map<String, ? extends TrustedIssuerConfig> issuers, TokenConfig config, LongSupplier clock) {
        this.mostBytes = config.sizeMaximum();
        issuers.forEach((name, each) -> {
            var issuer = new IssuerReader(prefix + "." + name, name, each, config, clock).read();
            if (byIssuer.put(issuer.issuer(), issuer) != null)
                throw new IllegalArgumentException(
                        prefix + "." + name + ".issuer: another one has the same, " + issuer.issuer());
        });
    }

    public boolean isEmpty() {
        return byIssuer.isEmpty();
    }

    /** Begins to read keys. */
    public void start() {
        byIssuer.values().forEach(it -> it.keys().start());
    }

    public void stop() {
        byIssuer.values().forEach(it -> it.keys().stop());
    }

    /** Seconds since the keys of an issuer, named as in the configuration, were read; NaN before. */
    public double age(String name) {
        for (var issuer : byIssuer.values())
            if (issuer.name().equals(name)) return issuer.keys().age();
        return Double.NaN;
    }

    /** Whether a text could be a token: three parts, of which the first begins as JSON does. */
    public static boolean looksLikeToken(byte[] text) {
        if (text.length < 3 || text[0] != 'e' || text[1] != 'y') return false;
        var dots = 0;
        for (var each : text) if (each == '.') dots++;
        return dots == 2;
    }

    /**
     * Says what a token says, if it is good now.
     *
     * @throws TokenRefused with the reason
     */
    public VerifiedToken verify(byte[] text) throws TokenRefused {
        if (text.length > mostBytes)
            throw TokenRefused.bad("it has " + text.length + " bytes, more than sluice.access.token.size-maximum");
        var token = parsed(text);
        var header = token.getHeader();
        if (header.getCriticalParams() != null && !header.getCriticalParams().isEmpty())
            throw TokenRefused.bad("it has critical headers: " + header.getCriticalParams());
        if (header.getType() != null
                && !TYPES.contains(header.getType().getType().toLowerCase(Locale.ROOT)))
            throw TokenRefused.bad("its type is " + header.getType() + ", not JWT or at+jwt");
        if (header.getKeyID() != null && header.getKeyID().length() > LONGEST_KEY_ID)
            throw TokenRefused.bad("its key id has " + header.getKeyID().length() + " characters");
        var claims = claims(token);
        var issuer = byIssuer.get(claims.path("iss").asText());
        if (issuer == null) throw TokenRefused.bad("no issuer is configured for what it names");
        requireAudience(claims, issuer);
        var until = requireTime(claims, issuer);
        issuer.requireSigned(token);
        return new VerifiedToken(issuer.name(), claims, until);
    }

    private static SignedJWT parsed(byte[] text) throws TokenRefused {
        try {
            return SignedJWT.parse(new String(text, StandardCharsets.US_ASCII));
        } catch (ParseException | RuntimeException wrong) {
            throw TokenRefused.bad("it is no signed token: " + wrong.getMessage());
        }
    }

    private static JsonNode claims(SignedJWT token) throws TokenRefused {
        try {
            var claims = JSON.readTree(token.getPayload().toBytes());
            if (claims != null && claims.isObject()) return claims;
        } catch (JacksonException wrong) {
            throw TokenRefused.bad("its claims are no JSON: " + wrong.getOriginalMessage());
        } catch (IOException wrong) {
            throw TokenRefused.bad("its claims cannot be read: " + wrong.getMessage());
        }
        throw TokenRefused.bad("its claims are no JSON object");
    }

    private static void requireAudience(JsonNode claims, Issuer issuer) throws TokenRefused {
        var audience = claims.path("aud");
        if (audience.isTextual() && issuer.audience().contains(audience.textValue())) return;
        if (audience.isArray())
            for (var each : audience) if (each.isTextual() && issuer.audience().contains(each.textValue())) return;
        throw TokenRefused.bad("it is for another audience than " + issuer.audience());
    }

    private Instant requireTime(JsonNode claims, Issuer issuer) throws TokenRefused {
        var now = Instant.now();
        var expires = time(claims, "exp");
        if (expires == null) throw TokenRefused.bad("it has no claim exp, and would be good for ever");
        var until = expires.plus(issuer.skew());
        if (!now.isBefore(until)) throw TokenRefused.bad("it has expired, at " + expires);
        var notBefore = time(claims, "nbf");
        if (notBefore != null && now.plus(issuer.skew()).isBefore(notBefore))
            throw TokenRefused.bad("it is not good before " + notBefore);
        return until;
    }

    private static Instant time(JsonNode claims, String name) throws TokenRefused {
        var claim = claims.path(name);
        if (claim.isMissingNode()) return null;
        if (!claim.isNumber() || !(claim.doubleValue() >= 0))
            throw TokenRefused.bad("its claim " + name + " is no number of seconds since 1970");
        return Instant.ofEpochMilli((long) (Math.min(claim.doubleValue(), LAST_SECOND) * 1000));
    }
}
