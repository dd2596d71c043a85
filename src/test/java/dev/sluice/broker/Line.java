package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;

/** A connection that holds a session, and notes what it is told; any thread. */
record Line(String clientId, long sessionId, long epoch, List<Event> told) implements Recipient {
    Line(String clientId, long sessionId, long epoch) {
        this(clientId, sessionId, epoch, new CopyOnWriteArrayList<>());
    }

    @Override
    public boolean isTakenOver() {
        return false;
    }

    @Override
    public boolean isReady() {
        return true;
    }

    @Override
    public Executor loop() {
        return Runnable::run;
    }

    @Override
    public void tell(Event event) {
        told.add(event);
    }

    @Override
    public void deliver(Delivery delivery) {}

    @Override
    public void delivered(Delivery delivery) {}

    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
