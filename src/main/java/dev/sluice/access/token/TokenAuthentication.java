package dev.sluice.access.token;

import dev.sluice.access.Attempt;
import dev.sluice.access.Authentication;
import dev.sluice.access.Method;
import dev.sluice.access.Verdict;
import dev.sluice.config.AccessConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.TokenConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Lets in clients with a token: as Authentication Data of the method {@value Attempt#TOKEN}, as password, or as the upgrade brought it. Any
 * virtual thread may use it.
 */
@Singleton
public final class TokenAuthentication implements Authentication {
    private static final String ISSUERS = "sluice.access.token.issuers";
    private static final String BEARER = "bearer ";

    private final TrustedIssuers trusted;
    private final Map<String, ClientClaims> claims = new HashMap<>();
    private final boolean password;
    private final boolean isOn;

    /** @throws IllegalArgumentException with a sentence that begins with the key that is wrong */
    @Inject
    TokenAuthentication(TokenConfig config, AccessConfig access, MeterRegistry meters) {
        this(
                config,
                access.methods().orElse(List.of()).contains(Method.TOKEN.name().toLowerCase(Locale.ROOT)));
        if (isOn && trusted.isEmpty())
            throw new IllegalArgumentException(
                    "sluice.access.methods: has token, but " + ISSUERS + " names nobody whose tokens are good");
        config.issuers().keySet().forEach(name -> Gauge.builder("sluice.token.keys.age", trusted, it -> it.age(name))
                .description("Time since the keys of an issuer of tokens were read")
                .baseUnit("seconds")
                .tag("issuer", name)
                .register(meters));
    }

    /** @param isOn whether it is one of the configured methods, so that the keys are needed */
    TokenAuthentication(TokenConfig config, boolean isOn) {
        this.trusted = new TrustedIssuers(ISSUERS, config.issuers(), config);
        this.password = config.password();
        this.isOn = isOn;
        config.issuers().forEach((name, issuer) -> claims.put(name, new ClientClaims(ISSUERS + "." + name, issuer)));
    }

    void start(@Observes @Priority(StartOrder.ROUTES_AND_SPOOL) StartupEvent event) {
        if (isOn) trusted.start();
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        trusted.stop();
    }

    @Override
    public Method method() {
        return Method.TOKEN;
    }

    @Override
    public boolean concerns(Attempt attempt) {
        if (attempt.authenticationMethod() != null)
            return attempt.authenticationMethod().equals(Attempt.TOKEN);
        return hasPassword(attempt) && TrustedIssuers.looksLikeToken(attempt.password()) || bearer(attempt) != null;
    }

    private boolean hasPassword(Attempt attempt) {
        return password && attempt.password() != null;
    }

    /** Null without. */
    private static byte[] bearer(Attempt attempt) {
        var given = attempt.peer().authorization();
        return given != null && given.toLowerCase(Locale.ROOT).startsWith(BEARER)
                ? given.substring(BEARER.length()).strip().getBytes(StandardCharsets.UTF_8)
                : null;
    }

    /** What is nearest to CONNECT goes before what the upgrade brought; null without. */
    private byte[] token(Attempt attempt) {
        if (attempt.authenticationData() != null) return attempt.authenticationData();
        if (hasPassword(attempt) && TrustedIssuers.looksLikeToken(attempt.password())) return attempt.password();
        return bearer(attempt);
    }

    @Override
    public Verdict judge(Attempt attempt) {
        try {
            var token = token(attempt);
            if (token == null) throw TokenRefused.bad("there is none");
            var verified = trusted.verify(token);
            return new Verdict.Granted(claims.get(verified.issuer()).identity(verified, attempt.clientId()));
        } catch (TokenRefused refused) {
            return new Verdict.Denied(refused.reason(), "its token: " + refused.getMessage());
        }
    }
}
