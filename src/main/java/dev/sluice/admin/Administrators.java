package dev.sluice.admin;

import dev.sluice.access.Reason;
import dev.sluice.access.token.TokenRefused;
import dev.sluice.access.token.TrustedIssuers;
import dev.sluice.access.token.VerifiedToken;
import dev.sluice.config.AdminConfig;
import dev.sluice.config.AdminIssuerConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.TokenConfig;
import dev.sluice.store.admin.AdminTokenStore;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Knows administrators by their tokens: the configured one, those in PostgreSQL, and those of OpenID Connect. Any thread may use it. */
@ApplicationScoped
class Administrators {
    private static final Logger LOG = Logger.getLogger(Administrators.class);
    private static final String ISSUERS = "sluice.admin.issuers";
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int UNAVAILABLE = 503;

    private final Optional<byte[]> token;
    private final Map<String, AdminIssuerConfig> issuers;
    private final TrustedIssuers trusted;
    private final AdminTokenStore store;

    /** @throws IllegalArgumentException with a sentence that begins with the key that is wrong */
    Administrators(AdminConfig config, TokenConfig tokens, AdminTokenStore store) {
        this.token = config.token().map(it -> it.getBytes(StandardCharsets.UTF_8));
        this.issuers = config.issuers();
        this.trusted = new TrustedIssuers(ISSUERS, issuers, tokens);
        this.store = store;
        issuers.forEach((name, admin) -> tokens.issuers().forEach((other, client) -> {
            if (admin.issuer().equals(client.issuer()) && !Collections.disjoint(admin.audience(), client.audience()))
                throw new IllegalArgumentException(ISSUERS + "." + name + ".audience: is also that of"
                        + " sluice.access.token.issuers." + other + ", so that tokens of clients would be let in");
        }));
    }

    void start(@Observes @Priority(StartOrder.ROUTES_AND_SPOOL) StartupEvent event) {
        trusted.start();
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        trusted.stop();
    }

    /** Whether requests of this machine need no token. */
    boolean areUnnamed() {
        return token.isEmpty() && trusted.isEmpty();
    }

    /** Whether it is the configured token. Does not block. */
    boolean isConfigured(byte[] bearer) {
        return token.isPresent() && MessageDigest.isEqual(bearer, token.get());
    }

    /**
     * Who brings a token that is not the configured one; blocks.
     *
     * @throws Problem when nobody does
     * @throws dev.sluice.store.StoreUnavailable when PostgreSQL cannot be asked now
     */
    Administrator judge(byte[] bearer) {
        if (!trusted.isEmpty() && TrustedIssuers.looksLikeToken(bearer)) return ofIssuer(bearer);
        if (!AdminTokens.looksLikeToken(bearer)) throw unknown();
        return store.find(AdminTokens.hash(bearer))
                .map(it -> new Administrator(
                        "token " + it.name(), Role.of(it.role()).orElseThrow(Administrators::unknown)))
                .orElseThrow(Administrators::unknown);
    }

    private static Problem unknown() {
        return Problem.of(UNAUTHORIZED, "the token is unknown, withdrawn or expired");
    }

    private Administrator ofIssuer(byte[] bearer) {
        try {
            var verified = trusted.verify(bearer);
            var config = issuers.get(verified.issuer());
            var name = verified.issuer() + " " + verified.text(config.usernameClaim());
            return new Administrator(name, role(verified, config));
        } catch (TokenRefused refused) {
            LOG.infof("a token of an administrator is refused: %s", refused.getMessage());
            throw refused.reason() == Reason.UNAVAILABLE
                    ? Problem.of(UNAVAILABLE, "the token cannot be judged at the moment; the log says why")
                    : unknown();
        }
    }

    /** The highest that it has. */
    private static Role role(VerifiedToken token, AdminIssuerConfig config) throws TokenRefused {
        var prefix = config.rolePrefix().orElse("");
        return token.texts(config.roleClaim()).stream()
                .filter(it -> it.startsWith(prefix))
                .flatMap(it -> Role.of(it.substring(prefix.length())).stream())
                .max(Role::compareTo)
                .orElseThrow(() -> Problem.of(
                        FORBIDDEN, "the token's claim " + config.roleClaim() + " has none of the roles " + Role.NAMES));
    }
}
