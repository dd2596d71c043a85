package dev.sluice.broker;

import dev.sluice.broker.routing.FakeRecipient;
import dev.sluice.session.Event;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A connection that holds a session, and notes what it is told; any thread. */
record Line(String clientId, long sessionId, long epoch, List<Event> told) implements FakeRecipient {
    Line(String clientId, long sessionId, long epoch) {
        this(clientId, sessionId, epoch, new CopyOnWriteArrayList<>());
    }

    @Override
    public void tell(Event event) {
        told.add(event);
    }

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
