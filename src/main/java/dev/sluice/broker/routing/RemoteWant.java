package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.topic.TopicFilter;

/**
 * What another gateway wants of a Topic Filter. Immutable; equal to the one that it replaces, which is of the same source and of the same
 * Shared Subscription.
 *
 * @param reach never {@link Reach#NONE}, but to remove one
 * @param share filter of the Shared Subscription, null for subscriptions of their own
 */
record RemoteWant(Source source, Reach reach, String share) {
    /** A gateway, from its first announcement until it is forgotten. Written by the relay's thread; any thread reads. */
    static final class Source {
        private final Gateway gateway;
        private final RemoteWant all = new RemoteWant(this, Reach.ALL, null);
        private final RemoteWant atMostOnce = new RemoteWant(this, Reach.AT_MOST_ONCE, null);
        private volatile boolean forgotten;

        Source(Gateway gateway) {
            this.gateway = gateway;
        }

        /** One object for all filters that are not shared. */
        RemoteWant want(TopicFilter filter, Reach reach) {
            if (filter.isShared()) return new RemoteWant(this, reach, filter.toString());
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
        return other instanceof RemoteWant that
                && source == that.source
                && (share == null ? that.share == null : share.equals(that.share));
    }

    @Override
    public int hashCode() {
        return 31 * System.identityHashCode(source) + (share == null ? 0 : share.hashCode());
    }
}
