package dev.sluice.broker.routing;

import java.util.function.Consumer;

/** Finds whether anybody who is connected may get messages of one topic. Used by one thread. */
final class Listeners implements Consumer<Subscribed> {
    private boolean found;

    @Override
    public void accept(Subscribed subscribed) {
        found |= switch (subscribed) {
            case ShareGroup _ -> true;
            case LiveSubscription own -> own.subscriber().recipient() != null;
        };
    }

    boolean found() {
        return found;
    }
}
