package dev.sluice.access;

import dev.sluice.config.AccessConfig;
import dev.sluice.config.StartOrder;
import io.quarkus.arc.All;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/** Asks the configured methods of authentication, the first one that an attempt concerns. Any number of virtual threads use it at once. */
@ApplicationScoped
public class Authenticator {
    private static final Logger LOG = Logger.getLogger(Authenticator.class);
    private static final String KEY = "sluice.access.methods";

    private final List<Authentication> methods;
    private final Predicate<List<X509Certificate>> areRevoked;

    @Inject
    Authenticator(AccessConfig config, @All List<Authentication> available, Revocations revocations) {
        this(config.methods().orElse(List.of()), available, revocations::contain);
    }

    /** @throws IllegalArgumentException for a name that is no method, one that is named twice, or methods behind anonymous */
    public Authenticator(List<String> names, List<Authentication> available) {
        this(names, available, _ -> false);
    }

    Authenticator(List<String> names, List<Authentication> available, Predicate<List<X509Certificate>> areRevoked) {
        this.areRevoked = areRevoked;
        var byMethod = new EnumMap<Method, Authentication>(Method.class);
        for (var each : available) byMethod.put(each.method(), each);
        var seen = EnumSet.noneOf(Method.class);
        this.methods = names.stream()
                .map(name -> {
                    var method = byMethod.get(method(name));
                    if (method == null) throw new IllegalArgumentException(KEY + ": " + name + " is not available");
                    if (!seen.add(method.method()))
                        throw new IllegalArgumentException(KEY + ": " + name + " is named twice");
                    return method;
                })
                .toList();
        if (seen.contains(Method.ANONYMOUS) && methods.getLast().method() != Method.ANONYMOUS)
            throw new IllegalArgumentException(
                    KEY + ": anonymous has to be the last one, since it lets in whoever comes");
    }

    private static Method method(String name) {
        for (var method : Method.values()) if (name(method).equals(name)) return method;
        throw new IllegalArgumentException(KEY + ": \"" + name + "\" is not one of " + allNames());
    }

    private static String allNames() {
        return Arrays.stream(Method.values()).map(Authenticator::name).collect(Collectors.joining(", "));
    }

    private static String name(Method method) {
        return method.name().toLowerCase(Locale.ROOT);
    }

    /** Says who may connect where that may surprise. */
    void start(@Observes @Priority(StartOrder.SUBSCRIPTIONS) StartupEvent event) {
        if (isClosed())
            LOG.warnf(
                    "no client can connect: %s is not set; it names the ways in which clients prove who they are (%s)",
                    KEY, allNames());
        else if (letsInAnonymous())
            LOG.infof("clients may connect without proving who they are: %s has %s", KEY, name(Method.ANONYMOUS));
    }

    /** Whether nobody can connect. */
    public boolean isClosed() {
        return methods.isEmpty();
    }

    /** Whether clients are let in that prove nothing. */
    public boolean letsInAnonymous() {
        return !methods.isEmpty() && methods.getLast().method() == Method.ANONYMOUS;
    }

    /** Blocks as long as the method needs. A certificate that is revoked lets nobody in, whatever else the client has. */
    public Verdict judge(Attempt attempt) {
        if (areRevoked.test(attempt.peer().certificates()))
            return new Verdict.Denied(Reason.NOT_AUTHORIZED, "its certificate is revoked");
        for (var method : methods) if (method.concerns(attempt)) return method.judge(attempt);
        if (attempt.authenticationMethod() != null)
            return new Verdict.Denied(Reason.BAD_METHOD, "nobody offers this authentication method");
        return new Verdict.Denied(
                Reason.NOT_AUTHORIZED,
                isClosed()
                        ? KEY + " is not set, so nobody may connect"
                        : "it offers nothing that a method of " + KEY + " asks for");
    }
}
