package dev.sluice.broker.routing;

import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;

/** A connection that takes what it is given at once; used by one thread at a time. */
class LivingMember implements Recipient {
    final List<String> taken = Collections.synchronizedList(new ArrayList<>());
    final List<Delivery> deliveries = Collections.synchronizedList(new ArrayList<>());
    private final String clientId;

    private final long sessionId;
    private final long epoch;
    private volatile boolean ready = true;

    LivingMember(String clientId) {
        this(clientId, 1, 1);
    }

    LivingMember(String clientId, long sessionId, long epoch) {
        this.clientId = clientId;
        this.sessionId = sessionId;
        this.epoch = epoch;
    }

    /** It says that it can take nothing now, and takes it all the same. */
    LivingMember notReady() {
        ready = false;
        return this;
    }

    /** It can take messages again. */
    void readyAgain() {
        ready = true;
    }

    @Override
    public String clientId() {
        return clientId;
    }

    @Override
    public long sessionId() {
        return sessionId;
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public boolean isTakenOver() {
        return false;
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public Executor loop() {
        return Runnable::run;
    }

    @Override
    public void tell(Event event) {}

    @Override
    public void deliver(Delivery delivery) {
        delivered(delivery);
    }

    @Override
    public void delivered(Delivery delivery) {
        deliveries.add(delivery);
        taken.add(new String(delivery.message().payload()));
    }
}
