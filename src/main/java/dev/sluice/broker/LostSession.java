package dev.sluice.broker;

import dev.sluice.cluster.node.Lease;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;

/** How connections end that do not have their session's row any more, not by their own doing. Stateless. */
final class LostSession {
    static final Event FENCED = new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "the session is open elsewhere");
    static final Event TAKEN_OVER =
            new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "another connection uses this client identifier");
    static final Event DELETED = new Event.Ended(ReasonCode.ADMINISTRATIVE_ACTION, "the session was deleted");

    static final Event AWAY = new Event.Ended(
            ReasonCode.SERVER_SHUTTING_DOWN, "the gateway was away for too long, and others have taken over");

    private LostSession() {}

    /**
     * What a client is told: of one that was taken for dead, others have fenced the sessions, and deleted those that were to end with their
     * connections; whether the client is anywhere else, nobody knows.
     */
    static Event told(Event end, Lease lease) {
        return lease.lasts() ? end : AWAY;
    }
}
