package dev.sluice.broker;

import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;

/** How connections end that do not have their session's row any more, not by their own doing. Stateless. */
final class LostSession {
    static final Event FENCED = new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "the session is open elsewhere");
    static final Event DELETED = new Event.Ended(ReasonCode.ADMINISTRATIVE_ACTION, "the session was deleted");

    private LostSession() {}
}
