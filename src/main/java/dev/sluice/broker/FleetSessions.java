package dev.sluice.broker;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.config.StoreConfig;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * What the broker knows of sessions at other gateways, and tells them of its own; made once, before the relay starts. Any thread may use it.
 *
 * @param gateways which others live
 * @param subscriptions who is subscribed
 * @param takeOvers whose session a later connection has
 * @param queues whose queue has got something
 * @param search finds what was not heard of
 */
record FleetSessions(
        Gateways gateways,
        FleetSubscriptions subscriptions,
        FleetTakeOvers takeOvers,
        FleetQueues queues,
        EndedSessionSearch search) {
    static FleetSessions join(
            Gateways gateways,
            Relay relay,
            EndedSessions<?> ended,
            SessionTurns turns,
            Stores stores,
            StoreConfig config,
            StoredFilters filters,
            BooleanSupplier isKafkaThere,
            BrokerMeters meters) {
        var router = ended.router();
        var registry = ended.registry();
        var subscriptions = new FleetSubscriptions(
                router,
                stores.subscriptions,
                gateways,
                relay,
                filters,
                meters,
                isKafkaThere,
                it -> ended.end(it, LostSession.FENCED));
        var takeOvers = new FleetTakeOvers(registry, turns, gateways, relay, subscriptions::again, meters);
        var search = new EndedSessionSearch(ended, takeOvers::takeOver, stores.subscriptions, config);
        // What it was to be told may be among what is missing, or have died with its sender.
        relay.onGap(_ -> search.searchAll());
        relay.onForgotten(gone -> {
            if (!gateways.others().contains(gone)) search.searchAll();
        });
        var sessions = new FleetSessions(
                gateways,
                subscriptions,
                takeOvers,
                new FleetQueues(router, registry::online, stores.queues, gateways, relay, isKafkaThere, meters),
                search);
        stores.journal.onQueuedElsewhere(sessions.queues::tell);
        stores.sessions.others(sessions::others);
        return sessions;
    }

    boolean isAlone() {
        return gateways.isAlone();
    }

    /** Names of the other gateways that live. */
    List<String> others() {
        return gateways.others().stream().map(Gateway::id).toList();
    }

    /** Starts to look and to read; returns at once. */
    void start() {
        subscriptions.start();
        queues.start();
        search.start();
    }

    void stop() {
        subscriptions.stop();
        queues.stop();
        search.stop();
    }
}
