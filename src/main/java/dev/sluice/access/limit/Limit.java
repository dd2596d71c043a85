package dev.sluice.access.limit;

import java.util.Locale;

/** Something that clients take a share of. In the configuration, and among the limits of an identity, it has its name in small letters. */
public enum Limit {
    /** Open connections whose client is known. */
    CONNECTIONS,
    /** CONNECTs a second. */
    CONNECTS,
    /** PUBLISHes a second that clients send. */
    MESSAGES_IN,
    /** Bytes of their topics, properties and payloads a second. */
    BYTES_IN,
    /** PUBLISHes a second that clients are sent. */
    MESSAGES_OUT,
    /** Bytes of their topics, properties and payloads a second. */
    BYTES_OUT,
    /** QoS 1 and 2 PUBLISHes of a client that may wait for their answers. */
    IN_FLIGHT,
    /** Subscriptions of a client. */
    SUBSCRIPTIONS,
    /** Sessions of an identity in PostgreSQL. */
    SESSIONS,
    /** Retained messages of an identity in PostgreSQL. */
    RETAINED,
    /** Messages that wait for a client: in memory, and in its session's queue in PostgreSQL. */
    QUEUE_COUNT,
    /** The same in bytes. */
    QUEUE_BYTES;

    /** Whether a holder of that scope may have such a limit. */
    public boolean isOf(Scope scope) {
        return switch (this) {
            case CONNECTIONS -> scope != Scope.CLIENT; // it has one
            case IN_FLIGHT, SUBSCRIPTIONS, QUEUE_COUNT, QUEUE_BYTES -> scope == Scope.CLIENT;
            case SESSIONS, RETAINED -> scope == Scope.IDENTITY;
            default -> true;
        };
    }

    /** The smallest number that makes sense: a rate of 0 would hold back for ever. */
    long least() {
        return isRate() ? 1 : 0;
    }

    /** Whether it is so many a second. */
    public boolean isRate() {
        return this.compareTo(CONNECTS) >= 0 && this.compareTo(BYTES_OUT) <= 0;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The limit of this name; null for none. */
    public static Limit of(String name) {
        for (var limit : values()) if (limit.toString().equals(name)) return limit;
        return null;
    }
}
