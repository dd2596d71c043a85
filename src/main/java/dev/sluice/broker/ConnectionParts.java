package dev.sluice.broker;

import dev.sluice.access.rule.RulesInForce;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.node.Lease;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.RulesConfig.OnLostRight;
import dev.sluice.packet.Packet;
import dev.sluice.session.Delivery;
import dev.sluice.session.Holding;
import dev.sluice.session.Limits;
import dev.sluice.session.QueueMemory;
import dev.sluice.session.Screening;
import dev.sluice.session.Session;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.journal.Journal;
import dev.sluice.uplink.Uplink;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What all connections share, made once by the {@link Broker}: settings, and the ways to Kafka, to PostgreSQL, to subscribers and to other gateways.
 * Immutable; each part may be used from any thread.
 *
 * @param memory the bytes that wait in memory for all clients together
 * @param held the bytes of PUBLISHes that are held back for all clients together
 * @param heldMaximum those of one client
 * @param partials the packets of all clients together that are not whole
 * @param deadline longest time without an answer of Kafka or the journal
 * @param admission who judges credentials
 * @param departures who lets clients go
 * @param hears whether what other gateways tell comes here: else no socket is read
 */
record ConnectionParts(
        MqttConfig config,
        Limits limits,
        QueueMemory memory,
        QueueMemory held,
        long heldMaximum,
        PartialPackets partials,
        Duration deadline,
        Admission admission,
        Departures departures,
        Uplink uplink,
        Journal journal,
        Router router,
        RemoteRouting remote,
        Deliveries deliveries,
        QueueReader queues,
        RetainedTopics retainedTopics,
        SysTopics sysTopics,
        FleetSubscriptions fleetSubscriptions,
        RulesInForce rules,
        Lease lease,
        BooleanSupplier hears,
        OnLostRight onLostRight,
        BrokerMeters meters) {
    /** Whether it is known who is subscribed, and which topics have a retained message: else what clients publish is held. */
    boolean hasLoaded() {
        return fleetSubscriptions.isComplete() && retainedTopics.isLoaded();
    }

    /**
     * A session of one more connection, without its socket yet.
     *
     * @param screening looks at each message before it is sent
     */
    Session session(
            Predicate<Packet.Publish> mayPublish, BooleanSupplier room, Function<Delivery, Screening> screening) {
        var holding = new Holding(mayPublish, held, heldMaximum);
        return new Session(limits, memory, holding, room, System::currentTimeMillis, screening);
    }

    /** The ways, and who says who may go them. */
    record Ways(
            Uplink uplink,
            Stores stores,
            Router router,
            RemoteRouting remote,
            Deliveries deliveries,
            SysTopics sysTopics,
            FleetSubscriptions fleetSubscriptions,
            RulesInForce rules,
            Lease lease,
            BooleanSupplier hears) {}

    static ConnectionParts of(
            ConnectionSettings settings, Admission admission, Departures departures, Ways ways, BrokerMeters meters) {
        var config = settings.mqtt;
        var uplinkConfig = settings.uplinks;
        return new ConnectionParts(
                config,
                ConfiguredBounds.limits(config, settings.bounds),
                new QueueMemory(config.queueBytesInAll()),
                new QueueMemory(uplinkConfig.bytesHeld()),
                uplinkConfig.bytesInFlightPerConnection(),
                new PartialPackets(config.partialPacketBytesInAll(), config.maximumPacketSize()),
                uplinkConfig.deadline(),
                admission,
                departures,
                ways.uplink,
                ways.stores.journal,
                ways.router,
                ways.remote,
                ways.deliveries,
                ways.stores.queues,
                ways.stores.retainedTopics,
                ways.sysTopics,
                ways.fleetSubscriptions,
                ways.rules,
                ways.lease,
                ways.hears,
                settings.rules.onLostRight(),
                meters);
    }
}
