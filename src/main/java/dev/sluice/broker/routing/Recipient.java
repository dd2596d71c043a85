package dev.sluice.broker.routing;

import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import java.util.concurrent.Executor;

/** What routing asks of a connection that holds a client's session. Any thread may use it, except where a method says otherwise. */
public interface Recipient {
    String clientId();

    /** The session's identity in PostgreSQL. */
    long sessionId();

    /** The fencing number of the session; the connection with the higher one holds it. */
    long epoch();

    /** Whether a later connection has the session, even if this one has not heard of it yet. */
    boolean isTakenOver();

    /** Whether a message for the client could be sent at once. */
    boolean isReady();

    /** The event loop that the connection is confined to; connections on one loop answer with the same object. */
    Executor loop();

    /** Tells the session an event, from any thread but not from within another event. */
    void tell(Event event);

    /** Gives the client a message, from any thread. */
    void deliver(Delivery delivery);

    /** Gives the client a message; called on its {@link #loop}. */
    void delivered(Delivery delivery);
}
