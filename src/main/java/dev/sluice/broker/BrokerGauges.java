package dev.sluice.broker;

import dev.sluice.broker.routing.Router;
import dev.sluice.broker.routing.SubscriptionTotals;
import dev.sluice.session.QueueMemory;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

/** Shows how much the gateway holds: clients, subscriptions, bytes in memory. Used once, at the start. */
final class BrokerGauges {
    private BrokerGauges() {}

    static void register(MeterRegistry meters, Router router, ConnectionRegistry<?> registry, ConnectionParts parts) {
        var subscriptions = router.totals();
        Gauge.builder("sluice.subscriptions", subscriptions, SubscriptionTotals::count)
                .description("Subscriptions, those of clients that are offline included")
                .register(meters);
        Gauge.builder("sluice.subscription", subscriptions, SubscriptionTotals::bytes)
                .baseUnit("bytes")
                .description("Bytes of the Topic Filters of all subscriptions, with what is around each in memory")
                .register(meters);
        FunctionCounter.builder("sluice.subscriptions.above.bound", subscriptions, SubscriptionTotals::above)
                .description("Subscriptions that were kept above the bound in bytes, as PostgreSQL holds them")
                .register(meters);
        Gauge.builder("sluice.connections", registry, it -> it.all().size())
                .description("Open sockets, and clients that have said DISCONNECT with messages under way")
                .register(meters);
        Gauge.builder("sluice.connections.online", registry, ConnectionRegistry::onlineCount)
                .description("Clients with an open session here")
                .register(meters);
        Gauge.builder("sluice.queue.memory", parts.memory(), QueueMemory::bytes)
                .baseUnit("bytes")
                .description("Bytes of messages that wait in memory for clients")
                .register(meters);
        Gauge.builder("sluice.uplink.bytes.held", parts.held(), QueueMemory::bytes)
                .baseUnit("bytes")
                .description("Bytes of PUBLISHes that were read and are held back")
                .register(meters);
        Gauge.builder("sluice.partial.packet", parts.partials(), PartialPackets::bytes)
                .baseUnit("bytes")
                .description("Bytes held of packets that have not arrived whole, small ones left out")
                .register(meters);
    }
}
