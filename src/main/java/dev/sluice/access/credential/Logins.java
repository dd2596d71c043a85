package dev.sluice.access.credential;

import dev.sluice.access.Attempt;
import dev.sluice.access.ClientIdPattern;
import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.store.credential.StoredCredential;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Says how an attempt with a credential ends, counts it, and tells the throttle. Any virtual thread may use it. */
@ApplicationScoped
public class Logins {
    private final Throttle throttle;
    private final MeterRegistry meters;

    public Logins(Throttle throttle, MeterRegistry meters) {
        this.throttle = throttle;
        this.meters = meters;
    }

    /**
     * Waits as long as the attempt has to.
     *
     * @return nanoseconds that it has waited; {@link Throttle#REFUSED} if it is refused
     */
    long admit(Attempt attempt, String username) throws InterruptedException {
        return throttle.admit(attempt.peer().address(), username);
    }

    /** Whether it would have to wait for longer now, as others from its address have failed since. */
    boolean isHeldBack(Attempt attempt, String username, long waited) {
        return throttle.isHeldBack(attempt.peer().address(), username, waited);
    }

    /** The client has proved that it knows the secret. */
    Verdict proved(Attempt attempt, Method method, StoredCredential credential, byte[] data) {
        var name = credential.username();
        var why = credential.why(Instant.now());
        if (why != null) return failed(attempt, method, name, why);
        var settings = credential.settings();
        if (!mayUse(settings.clientIdPattern(), name, attempt.clientId())) {
            count(method, "client-id");
            return new Verdict.Denied(
                    Reason.NOT_AUTHORIZED,
                    "user " + name + " may not use this client id, as its pattern is " + settings.clientIdPattern());
        }
        count(method, "granted");
        throttle.succeeded(attempt.peer().address(), name);
        var identity = new Identity(
                name, settings.groups(), Map.of(), method, settings.validUntil(), List.of(), settings.limits());
        return new Verdict.Granted(identity, data);
    }

    /** @param pattern null for all client ids */
    private static boolean mayUse(String pattern, String username, String clientId) {
        return pattern == null
                || new ClientIdPattern(pattern)
                        .matches(clientId, it -> it.equals(ClientIdPattern.USERNAME) ? username : null);
    }

    /** @param why a word for the log and the metrics: the client is not told, whatever it is */
    Verdict failed(Attempt attempt, Method method, String username, String why) {
        throttle.failed(attempt.peer().address(), username);
        return denied(method, Reason.BAD_CREDENTIALS, why, "user " + username + ": " + why);
    }

    /** What the client says is not of the method's form. */
    Verdict malformed(Attempt attempt, Method method, String username, String sentence) {
        throttle.failed(attempt.peer().address(), username);
        return denied(method, Reason.PROTOCOL_ERROR, "malformed", sentence);
    }

    Verdict denied(Method method, Reason reason, String why, String sentence) {
        count(method, why);
        return new Verdict.Denied(reason, sentence);
    }

    Verdict throttled(Method method, String username) {
        return denied(
                method,
                Reason.THROTTLED,
                "throttled",
                "user " + username + ": its address has failed too often lately");
    }

    private void count(Method method, String outcome) {
        Counter.builder("sluice.access.logins")
                .description("Attempts to log in with a credential, by their outcome")
                .tag("method", method.name().toLowerCase(Locale.ROOT))
                .tag("outcome", outcome)
                .register(meters)
                .increment();
    }
}
