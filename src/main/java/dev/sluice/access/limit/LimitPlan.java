package dev.sluice.access.limit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Which limits apply to whom. What its credential or token says of a client counts; else the least that its groups say; else the
 * default. Of all who share something, each has to have room. Immutable, except for the shares, which any thread may use.
 */
public final class LimitPlan {
    /** Before the name of a limit that all clients of an identity share. */
    private static final String OF_IDENTITY = "identity.";

    /** What a credential may name. */
    private static final List<String> NAMES = Stream.concat(
                    names(Scope.CLIENT), names(Scope.IDENTITY).map(it -> OF_IDENTITY + it))
            .toList();

    private static final String ALL = "";

    private final Map<Scope, LimitValues> defaults;
    private final Map<String, LimitValues> groups;
    private final Shares shares;

    /**
     * @param defaults what each holder of a scope has
     * @param groups what each client of a group has
     */
    public LimitPlan(Map<Scope, LimitValues> defaults, Map<String, LimitValues> groups, Shares shares) {
        this.defaults = new EnumMap<>(Scope.class);
        for (var scope : Scope.values()) this.defaults.put(scope, defaults.getOrDefault(scope, LimitValues.NONE));
        this.groups = Map.copyOf(groups);
        this.shares = shares;
    }

    /** What one client has for itself. */
    LimitValues ofClient(Applicant who) {
        var ofGroups = LimitValues.NONE;
        for (var group : who.groups()) ofGroups = ofGroups.tighter(groups.getOrDefault(group, LimitValues.NONE));
        return named(who.limits(), "").orElse(ofGroups).orElse(defaults.get(Scope.CLIENT));
    }

    private static Stream<String> names(Scope scope) {
        return Arrays.stream(Limit.values()).filter(it -> it.isOf(scope)).map(Limit::toString);
    }

    private LimitValues ofIdentity(Applicant who) {
        return named(who.limits(), OF_IDENTITY).orElse(defaults.get(Scope.IDENTITY));
    }

    /** How much there is of a limit for one client by itself; {@link LimitValues#UNLIMITED} for any number. */
    public long ofClient(Applicant who, Limit limit) {
        return ofClient(who).of(limit);
    }

    /** How many sessions the identity may have; {@link LimitValues#UNLIMITED} for any number. */
    public long sessions(Applicant who) {
        return ofIdentity(who).of(Limit.SESSIONS);
    }

    /** How many messages of the identity may be retained; {@link LimitValues#UNLIMITED} for any number. */
    public long retained(Applicant who) {
        return ofIdentity(who).of(Limit.RETAINED);
    }

    /** What is wrong with a limit that a credential is to say, in a sentence without its subject; null if nothing is. */
    public static String mistake(String name, long value) {
        var scope = name.startsWith(OF_IDENTITY) ? Scope.IDENTITY : Scope.CLIENT;
        var limit = Limit.of(scope == Scope.IDENTITY ? name.substring(OF_IDENTITY.length()) : name);
        if (limit == null || !limit.isOf(scope)) return "is not one of " + String.join(", ", NAMES);
        return value < limit.least() ? "is " + value + ", and has to be at least " + limit.least() : null;
    }

    private static LimitValues named(Map<String, Long> limits, String prefix) {
        if (limits.isEmpty()) return LimitValues.NONE;
        var values = new EnumMap<Limit, Long>(Limit.class);
        limits.forEach((name, value) -> {
            var limit = name.startsWith(prefix) ? Limit.of(name.substring(prefix.length())) : null;
            if (limit != null) values.put(limit, Math.max(value, limit.least()));
        });
        return values.isEmpty() ? LimitValues.NONE : new LimitValues(values);
    }

    /** Whether a client is admitted. */
    public sealed interface Answer {
        /** @param allowance null if nothing is limited */
        record Admitted(Allowance allowance) implements Answer {}

        record Refused(Limit limit, Scope scope) implements Answer {}
    }

    /**
     * Counts a CONNECT for its address and for the gateway, before it is known whose it is.
     *
     * @param address null for none
     * @return null if it may go on
     */
    public Answer.Refused connecting(String address, long now) {
        var refused = address == null ? null : connecting(Scope.ADDRESS, Applicant.network(address), now);
        return refused == null ? connecting(Scope.GATEWAY, ALL, now) : refused;
    }

    private Answer.Refused connecting(Scope scope, String name, long now) {
        var values = defaults.get(scope);
        if (values.of(Limit.CONNECTS) == LimitValues.UNLIMITED) return null;
        var share = shares.hold(scope, name, values, now);
        try {
            return share.bucket(Limit.CONNECTS).tryTake(now) ? null : new Answer.Refused(Limit.CONNECTS, scope);
        } finally {
            shares.leave(share, name, now);
        }
    }

    /**
     * Admits a connection, and counts it, if none of its limits {@link Limit#CONNECTIONS} and {@link Limit#CONNECTS} is used up; what {@link #connecting}
     * has counted is not counted again.
     *
     * @param before what the connection holds already, and has to leave if it is admitted; of one that connects, what the connection holds that
     *     it will take over, and is not counted beside if it is the same user's; null for neither
     * @param connects whether it counts as a CONNECT
     */
    public Answer admit(Applicant who, Allowance before, boolean connects, long now) {
        var client = ofClient(who);
        var held = new ArrayList<Allowance.Held>();
        hold(held, Scope.CLIENT, who.identity() + '\n' + who.clientId(), client, now);
        if (!who.identity().isEmpty()) hold(held, Scope.IDENTITY, who.identity(), ofIdentity(who), now);
        for (var group : who.groups()) hold(held, Scope.GROUP, group, defaults.get(Scope.GROUP), now);
        if (who.address() != null)
            hold(held, Scope.ADDRESS, Applicant.network(who.address()), defaults.get(Scope.ADDRESS), now);
        hold(held, Scope.GATEWAY, ALL, defaults.get(Scope.GATEWAY), now);
        if (held.isEmpty()) return new Answer.Admitted(null);
        var counted = connects && before != null && !before.yieldsTo(who.identity()) ? null : before;
        for (int i = 0; i < held.size(); i++) {
            var share = held.get(i).share();
            var isKnownNow = connects && share.scope().compareTo(Scope.ADDRESS) < 0;
            var bucket = isKnownNow ? share.bucket(Limit.CONNECTS) : null;
            Limit exceeded = null;
            if (bucket != null && !bucket.tryTake(now)) exceeded = Limit.CONNECTS;
            else if (!share.connected(counted != null && counted.holds(share))) exceeded = Limit.CONNECTIONS;
            if (exceeded == null) continue;
            if (connects && counted != null) counted.keepsItsPlaces();
            for (var each : held.subList(0, i)) each.share().disconnected();
            for (var each : held) shares.leave(each.share(), each.name(), now);
            return new Answer.Refused(exceeded, share.scope());
        }
        return new Answer.Admitted(new Allowance(shares, held, client, who.identity(), connects ? counted : null));
    }

    private void hold(ArrayList<Allowance.Held> held, Scope scope, String name, LimitValues values, long now) {
        var share = shares.hold(scope, name, values, now);
        if (share != null) held.add(new Allowance.Held(share, name));
    }
}
