package dev.sluice.store;

import java.util.function.Consumer;

/**
 * One durable change to one session, valid only under the epoch of its open; immutable. {@link CloseSession} is the last write of its
 * epoch. A write may be applied twice when the connection to PostgreSQL breaks during a commit, and each kind bears that.
 */
public sealed interface JournalWrite {
    String clientId();

    long epoch();

    /** Told the outcome on the lane's thread; must not block, since the whole lane waits for it. */
    Consumer<Outcome> done();

    /** A QoS 2 PUBLISH was taken: its packet identifier is held until PUBREL [MQTT-4.3.3-10]. */
    record RememberReceived(String clientId, long epoch, int packetId, String messageId, Consumer<Outcome> done)
            implements JournalWrite {}

    /** PUBREL: the packet identifier may be used anew. Committed, too, when it was not held. */
    record ForgetReceived(String clientId, long epoch, int packetId, Consumer<Outcome> done) implements JournalWrite {}

    /** The connection ended: with an expiry of 0 the session ends with it, else it expires that many seconds from now. */
    record CloseSession(String clientId, long epoch, long expirySeconds, int disconnectReason, Consumer<Outcome> done)
            implements JournalWrite {}

    enum Outcome {
        COMMITTED,
        /** The session has a later epoch, or none any more: whoever wrote this has lost it. */
        FENCED,
        /** PostgreSQL refuses this write itself (a constraint, a value out of range); it was not applied and never will be. */
        REFUSED
    }
}
