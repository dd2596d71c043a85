package dev.sluice.broker.routing;

import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import java.util.concurrent.Executor;

/** A connection of a test's that is online and ready, runs on the thread that calls, and does nothing with what it is given. */
public interface FakeRecipient extends Recipient {
    @Override
    default long sessionId() {
        return 1;
    }

    @Override
    default long epoch() {
        return 1;
    }

    @Override
    default boolean isTakenOver() {
        return false;
    }

    @Override
    default boolean isReady() {
        return true;
    }

    @Override
    default Executor loop() {
        return Runnable::run;
    }

    @Override
    default void tell(Event event) {}

    @Override
    default void deliver(Delivery delivery) {
        delivered(delivery);
    }

    @Override
    default void delivered(Delivery delivery) {}
}
