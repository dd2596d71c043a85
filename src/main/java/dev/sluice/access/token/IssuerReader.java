package dev.sluice.access.token;

import com.nimbusds.jose.JWSAlgorithm;
import dev.sluice.config.TokenConfig;
import dev.sluice.config.TrustedIssuerConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/** Makes an issuer of its configuration. Confined to the start. */
final class IssuerReader {
    private static final Logger LOG = Logger.getLogger(IssuerReader.class);
    private static final List<String> ALGORITHMS = List.of(
            "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512");

    private final String key;
    private final String name;
    private final TrustedIssuerConfig given;
    private final TokenConfig config;
    private final LongSupplier clock;

    /**
     * @param key of the configuration, below which this issuer is
     * @param clock the JVM's nanoseconds
     */
    IssuerReader(String key, String name, TrustedIssuerConfig given, TokenConfig config, LongSupplier clock) {
        this.key = key;
        this.name = name;
        this.given = given;
        this.config = config;
        this.clock = clock;
    }

    /** @throws IllegalArgumentException with a sentence that begins with the key that is wrong */
    Issuer read() {
        if (given.audience().isEmpty()) throw wrong("audience", "is needed: tokens for others are not for here");
        var algorithms = algorithms();
        if (given.skew().isNegative()) throw wrong("skew", "is negative");
        var keys = new KeySet(name, source(), hasSecrets(algorithms), config, clock);
        return new Issuer(name, given.issuer(), Set.copyOf(given.audience()), algorithms, keys, given.skew());
    }

    private static boolean hasSecrets(Set<JWSAlgorithm> algorithms) {
        return algorithms.stream().anyMatch(JWSAlgorithm.Family.HMAC_SHA::contains);
    }

    private Set<JWSAlgorithm> algorithms() {
        var algorithms = new LinkedHashSet<JWSAlgorithm>();
        for (var each : given.algorithms()) {
            if (!ALGORITHMS.contains(each))
                throw wrong("algorithms", "has " + each + ", which is not one of " + String.join(", ", ALGORITHMS));
            algorithms.add(JWSAlgorithm.parse(each));
        }
        if (algorithms.isEmpty()) throw wrong("algorithms", "is empty");
        if (hasSecrets(algorithms) && given.jwksUrl().isPresent())
            throw wrong(
                    "algorithms", "has one with a shared secret (HS), which is no matter for a URL: name a key-file");
        return algorithms;
    }

    private KeySource source() {
        if (given.jwksUrl().isPresent() == given.keyFile().isPresent())
            throw wrong("jwks-url", "either this or key-file is needed, and not both");
        if (given.keyFile().isPresent()) return file(Path.of(given.keyFile().get()));
        var url = url(given.jwksUrl().get());
        var client = HttpClient.newBuilder()
                .connectTimeout(config.fetchTimeout())
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .build();
        return new JwksUrl(client, url, config.fetchTimeout(), config.fetchBytes());
    }

    /** A file that is wrong at the start is a mistake of who starts. */
    private KeySource file(Path path) {
        var file = new KeyFile(path, config.fetchBytes());
        try {
            KeyText.read(file.read(), hasSecrets(algorithms()));
        } catch (IOException failed) {
            throw wrong("key-file", path + " cannot be read: " + failed.getMessage());
        }
        return file;
    }

    private URI url(String text) {
        try {
            var url = URI.create(text);
            var isHttp = "http".equals(url.getScheme());
            if (url.getHost() == null || !isHttp && !"https".equals(url.getScheme()))
                throw wrong("jwks-url", text + " is no URL that begins with https://");
            if (isHttp)
                LOG.warnf(
                        "%s.jwks-url: over http, whoever can change the answer on its way can make tokens; use https",
                        key);
            return url;
        } catch (IllegalArgumentException unreadable) {
            throw unreadable.getMessage().startsWith(key)
                    ? unreadable
                    : wrong("jwks-url", text + " is no URL: " + unreadable.getMessage());
        }
    }

    private IllegalArgumentException wrong(String name, String sentence) {
        return new IllegalArgumentException(key + "." + name + ": " + sentence);
    }
}
