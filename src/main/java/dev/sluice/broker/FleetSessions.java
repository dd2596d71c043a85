package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * What the broker knows of sessions at other gateways, and tells them of its own; made once, before the relay starts. Any thread may use it.
 *
 * @param gateways which others live
 * @param subscriptions who is subscribed
 * @param takeOvers whose session a later connection has
 * @param queues whose queue has got something
 */
record FleetSessions(
        Gateways gateways, FleetSubscriptions subscriptions, FleetTakeOvers takeOvers, FleetQueues queues) {
    static <C extends Recipient> FleetSessions join(
            Gateways gateways,
            Relay relay,
            Router router,
            ConnectionRegistry<C> registry,
            SessionTurns turns,
            Stores stores,
            StoredFilters filters,
            EndedSessionSearch<C> ended,
            BooleanSupplier isKafkaThere,
            BrokerMeters meters) {
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
        ended.onTakenOver(takeOvers::takeOver);
        // What it was to be told may be among what is missing, or have died with its sender.
        relay.onGap(_ -> ended.searchAll());
        relay.onForgotten(gone -> {
            if (!gateways.others().contains(gone)) ended.searchAll();
        });
        var sessions = new FleetSessions(
                gateways,
                subscriptions,
                takeOvers,
                new FleetQueues(router, registry::online, stores.queues, gateways, relay, isKafkaThere, meters));
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

    /** Starts to look and to read; the subscriptions are loaded by then. */
    void start() {
        subscriptions.start();
        queues.start();
    }

    void stop() {
        subscriptions.stop();
        queues.stop();
    }
}
