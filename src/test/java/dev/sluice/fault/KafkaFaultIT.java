package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * Kafka frozen, and stopped and started again, under load: clients wait, nothing grows, nothing is lost. With {@code -Dkafka.outage=30} it is away
 * for longer.
 */
class KafkaFaultIT {
    private static final Duration OUTAGE = Duration.ofSeconds(Integer.getInteger("kafka.outage", 11));
    /** From the outage's begin until every buffer on the way from the publisher to the producer is full. */
    private static final Duration FILLING = Duration.ofSeconds(6);

    private static final long MEGABYTE = 1 << 20;
    private static final long HEAP_BOUND = 112 * MEGABYTE;
    private static final long HEAP_GROWTH = 16 * MEGABYTE;
    private static final int FLOOD_PAYLOAD = 16_384;
    /** 1,280 messages a second of all of them, as far as the gateway takes them. */
    private static final int FLOODERS = 4;

    private static final Duration FLOOD_PACE = Duration.ofMillis(50);

    @Test
    void clientsWaitForKafka() {
        try (var servers = Servers.start("kafka", "-Xmx192m");
                var fleet = new Fleet(servers.port())) {
            fleet.add(8, QoS.AT_LEAST_ONCE, Duration.ofMillis(20));
            for (int i = 0; i < FLOODERS; i++) fleet.add(flooder(i));
            fleet.awaitProgress(Duration.ofSeconds(60), 50, fleet.of(QoS.AT_LEAST_ONCE));
            awaitFlood(fleet);
            outage(
                    "frozen",
                    servers,
                    fleet,
                    servers.kafka().process()::freeze,
                    servers.kafka().process()::thaw);
            Fleet.runOn(Duration.ofSeconds(1));
            outage("stopped", servers, fleet, servers.kafka()::close, servers::startKafka);
            Fleet.runOn(Duration.ofSeconds(1));
            fleet.quiet(Duration.ofSeconds(60));
            awaitTaken(servers, fleet);
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.println("kafka: " + account.report());
            account.assertKept();
            account.assertNoRepeats();
            account.assertComplete();
        }
    }

    private static Publisher.Profile flooder(int number) {
        return new Publisher.Profile(
                "flood-" + number,
                number % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1,
                QoS.AT_MOST_ONCE,
                false,
                1,
                16,
                FLOOD_PACE,
                FLOOD_PAYLOAD);
    }

    private static long written(Fleet fleet) {
        return fleet.of(QoS.AT_MOST_ONCE).stream().mapToLong(Publisher::written).sum();
    }

    /** Waits until the flood is such that its messages would not fit into what may be live of the heap for the time of an outage. */
    private static void awaitFlood(Fleet fleet) {
        await("a flood of MiB in an outage")
                .atMost(Duration.ofSeconds(90))
                .until(() -> flood(fleet), brought -> brought > HEAP_BOUND / MEGABYTE);
    }

    /** MiB that the flood would bring in an outage, as it is now. */
    private static long flood(Fleet fleet) {
        var before = written(fleet);
        Fleet.runOn(Duration.ofSeconds(3));
        var perSecond = (written(fleet) - before) / 3;
        var outage = perSecond * FLOOD_PAYLOAD * OUTAGE.toSeconds() / MEGABYTE;
        System.out.printf(Locale.ROOT, "kafka: QoS 0 flood of %,d a second, %,d MiB in an outage%n", perSecond, outage);
        return outage;
    }

    private static void outage(String name, Servers servers, Fleet fleet, Runnable begin, Runnable end) {
        var start = System.nanoTime();
        var writtenBefore = written(fleet);
        begin.run();
        Fleet.runOn(FILLING);
        var written = written(fleet);
        var heap = servers.liveHeap();
        assertThat(servers.readiness()).as("readiness without Kafka").isEqualTo(503);
        Fleet.runOn(OUTAGE.minusNanos(System.nanoTime() - start));
        var writtenAtEnd = written(fleet);
        var heapAtEnd = servers.liveHeap();
        end.run();
        var ended = System.nanoTime();
        fleet.awaitProgress(Duration.ofSeconds(60), 1, fleet.of(QoS.AT_LEAST_ONCE));
        var recovered = System.nanoTime() - ended;
        await("readiness").until(() -> servers.readiness() == 200);
        System.out.printf(
                Locale.ROOT,
                "kafka %s: heap after GC %d MiB, at the end %d MiB; QoS 0 messages written meanwhile %,d, then %,d;"
                        + " acknowledgements again after %d ms; heap then %d MiB%n",
                name,
                heap / MEGABYTE,
                heapAtEnd / MEGABYTE,
                written - writtenBefore,
                writtenAtEnd - written,
                recovered / 1_000_000,
                servers.liveHeap() / MEGABYTE);
        assertThat(writtenAtEnd - written)
                .as("QoS 0 messages written to full sockets")
                .isZero();
        assertThat(heapAtEnd).as("live heap in bytes").isLessThan(HEAP_BOUND).isLessThan(heap + HEAP_GROWTH);
        assertUndisturbed(fleet);
    }

    /** No publisher was told anything, nor did any connection break. */
    private static void assertUndisturbed(Fleet fleet) {
        assertThat(fleet).allSatisfy(publisher -> {
            assertThat(publisher.negatives()).isEmpty();
            assertThat(publisher.disconnects()).isEmpty();
            assertThat(publisher.connects()).isEqualTo(1);
        });
    }

    /** Waits until Kafka has acknowledged what the gateway read, and the gateway has read everything. */
    private static void awaitTaken(Servers servers, Fleet fleet) {
        var published = fleet.all().stream().mapToLong(Publisher::published).sum();
        await("everything taken")
                .until(() ->
                        servers.metric("sluice_packets_total{direction=\"received\",type=\"publish\"}") == published
                                && servers.metric("sluice_uplink_bytes_in_flight_bytes") == 0);
    }
}
