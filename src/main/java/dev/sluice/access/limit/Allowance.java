package dev.sluice.access.limit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongBiFunction;

/**
 * What one connection may take: of all shares that it holds, each limit has to have room. Confined to the connection's event loop, except
 * {@link #leave}, which any thread may call once, and {@link #yieldsTo}.
 */
public final class Allowance {
    private static final TokenBucket[] NONE = {};

    /** @param name as {@link Shares} knows it by */
    record Held(Share share, String name) {}

    private final Shares shares;
    private final List<Held> held;
    private final LimitValues client;
    /** Authenticated user name; empty for anonymous. */
    private final String user;
    /** The one that yields its places to this one; null for none. Guarded by this, as the one below. */
    private Allowance older;
    /** Whether a connection that takes this one over has been admitted. */
    private boolean isYielding;
    /** Null if all clients of the identity together are not limited. */
    private final Held identity;

    private final Rate messagesIn;
    private final Rate bytesIn;
    private final Rate messagesOut;
    private final Rate bytesOut;

    /**
     * One limit of all that are shared.
     *
     * @param scopes whose each bucket is
     */
    private record Rate(TokenBucket[] buckets, Scope[] scopes) {
        long untilRoom(long now) {
            var longest = 0L;
            for (var bucket : buckets) longest = Math.max(longest, bucket.untilRoom(now));
            return longest;
        }

        void take(long amount, long now) {
            for (var bucket : buckets) bucket.take(amount, now);
        }

        /** Whose bucket has room last; there is one. */
        Scope narrowest(long now) {
            var found = scopes[0];
            var longest = 0L;
            for (int i = 0; i < buckets.length; i++) {
                var wait = buckets[i].untilRoom(now);
                if (wait <= longest) continue;
                longest = wait;
                found = scopes[i];
            }
            return found;
        }
    }

    /**
     * A limit that is used up.
     *
     * @param nanos until there is room
     */
    public record Excess(Limit limit, Scope scope, long nanos) {}

    /** @param older the one that {@link #yieldsTo yields} to this one; null for none */
    Allowance(Shares shares, List<Held> held, LimitValues client, String user, Allowance older) {
        this.shares = shares;
        this.user = user;
        this.older = older;
        this.held = held;
        this.client = client;
        this.identity = held.stream()
                .filter(it -> it.share.scope() == Scope.IDENTITY)
                .findFirst()
                .orElse(null);
        this.messagesIn = rate(Limit.MESSAGES_IN);
        this.bytesIn = rate(Limit.BYTES_IN);
        this.messagesOut = rate(Limit.MESSAGES_OUT);
        this.bytesOut = rate(Limit.BYTES_OUT);
    }

    boolean holds(Share share) {
        for (var each : held) if (each.share == share) return true;
        return false;
    }

    /**
     * Whether a connection that takes this one over need not be counted beside it: one of the same user, and one at a time, until it is {@link
     * #keepsItsPlaces over} or this one is.
     */
    synchronized boolean yieldsTo(String user) {
        if (isYielding || !this.user.equals(user)) return false;
        isYielding = true;
        return true;
    }

    synchronized void keepsItsPlaces() {
        isYielding = false;
    }

    private synchronized Allowance takeOlder() {
        var taken = older;
        older = null;
        return taken;
    }

    private Rate rate(Limit limit) {
        var buckets = new ArrayList<TokenBucket>();
        var scopes = new ArrayList<Scope>();
        for (var each : held) {
            var bucket = each.share.bucket(limit);
            if (bucket == null) continue;
            buckets.add(bucket);
            scopes.add(each.share.scope());
        }
        return new Rate(buckets.toArray(NONE), scopes.toArray(Scope[]::new));
    }

    /** The client's own number; the usual one where it has none, or a larger one. */
    public long least(Limit limit, long usual) {
        return Math.min(client.of(limit), usual);
    }

    /** Counts one more retained message of the identity, false if that would be one too many. */
    public boolean retains() {
        return identity == null || identity.share.retains();
    }

    /** Whether the retained messages of the identity are to be counted now: whoever is told so has to {@link #count} them. */
    public boolean beginsCount(long now) {
        return identity != null && identity.share.beginsCount(now);
    }

    /**
     * From any thread.
     *
     * @param counter is given whose retained messages, and up to how many; what it throws leaves the count as it was
     */
    public void count(ToLongBiFunction<String, Long> counter) {
        try {
            identity.share.retained(
                    counter.applyAsLong(identity.name, identity.share.values().of(Limit.RETAINED)));
        } finally {
            identity.share.endsCount();
        }
    }

    public boolean limitsIn() {
        return messagesIn.buckets.length + bytesIn.buckets.length > 0;
    }

    public boolean limitsOut() {
        return messagesOut.buckets.length + bytesOut.buckets.length > 0;
    }

    /** What keeps the client from publishing now; null if nothing does. */
    public Excess excessIn(long now) {
        return longest(Limit.MESSAGES_IN, messagesIn, Limit.BYTES_IN, bytesIn, now);
    }

    /** What keeps the client from being sent a message now; null if nothing does. */
    public Excess excessOut(long now) {
        return longest(Limit.MESSAGES_OUT, messagesOut, Limit.BYTES_OUT, bytesOut, now);
    }

    private static Excess longest(Limit messages, Rate first, Limit bytes, Rate second, long now) {
        var ofMessages = first.untilRoom(now);
        var ofBytes = second.untilRoom(now);
        if (Math.max(ofMessages, ofBytes) == 0) return null;
        return ofMessages >= ofBytes
                ? new Excess(messages, first.narrowest(now), ofMessages)
                : new Excess(bytes, second.narrowest(now), ofBytes);
    }

    public void takeIn(long bytes, long now) {
        messagesIn.take(1, now);
        bytesIn.take(bytes, now);
    }

    public void takeOut(long bytes, long now) {
        messagesOut.take(1, now);
        bytesOut.take(bytes, now);
    }

    /** The connection is over. */
    public void leave(long now) {
        var yielding = takeOlder();
        if (yielding != null) yielding.keepsItsPlaces();
        for (var each : held) {
            each.share.disconnected();
            shares.leave(each.share, each.name, now);
        }
    }
}
