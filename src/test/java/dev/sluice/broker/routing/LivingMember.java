package dev.sluice.broker.routing;

import dev.sluice.session.Delivery;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** A connection that takes what it is given at once; confined to the test's thread. */
final class LivingMember implements Recipient {
    final List<String> taken = new ArrayList<>();
    private final String clientId;

    LivingMember(String clientId) {
        this.clientId = clientId;
    }

    @Override
    public String clientId() {
        return clientId;
    }

    @Override
    public long sessionId() {
        return 1;
    }

    @Override
    public long epoch() {
        return 1;
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
    public void deliver(Delivery delivery) {
        delivered(delivery);
    }

    @Override
    public void delivered(Delivery delivery) {
        taken.add(new String(delivery.message().payload()));
    }
}
