package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Reach;

/**
 * What another gateway wants of a Topic Filter. Immutable; equal to the one that it replaces, which is of the same source.
 *
 * @param reach never {@link Reach#NONE}, but to remove one
 */
record RemoteWant(Source source, Reach reach) {
    /** A gateway, from its first announcement until it is forgotten. Written by the relay's thread; any thread reads. */
    static final class Source {
        private final Gateway gateway;
        private final RemoteWant all = new RemoteWant(this, Reach.ALL);
        private final RemoteWant atMostOnce = new RemoteWant(this, Reach.AT_MOST_ONCE);
        private volatile boolean forgotten;

        Source(Gateway gateway) {
            this.gateway = gateway;
        }

        /** One object for all filters. */
        RemoteWant want(Reach reach) {
            return reach == Reach.ALL ? all : atMostOnce;
        }

        Gateway gateway() {
            return gateway;
        }

        void forget() {
            forgotten = true;
        }

        boolean isForgotten() {
            return forgotten;
        }
    }

    Gateway gateway() {
        return source.gateway;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RemoteWant that && source == that.source;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(source);
    }
}
