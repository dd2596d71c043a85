package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.clock.Repeating;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Place;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.config.RelayConfig;
import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.uplink.KafkaTopics;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.route.KafkaTopic;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import io.smallrye.reactive.messaging.kafka.KafkaProducer;
import jakarta.enterprise.event.Event;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Owns gateways of a {@link FakeFleet} that know nothing but their relays, and their Kafka topic; used by one thread. */
final class RelayRig implements AutoCloseable {
    static final int PARTITIONS = 8;
    static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Of gateways, as configured. */
    private static final Duration USUAL = Duration.ofSeconds(5);

    private static final AtomicInteger TOPICS = new AtomicInteger();

    final String topic = "relay." + TOPICS.incrementAndGet();
    final EmbeddedKafka kafka;
    final Admin admin;
    private final Repeating probing = Repeating.onVirtualThread("test-probe");
    final FakeFleet fleet = new FakeFleet();
    private final List<Node> nodes = new CopyOnWriteArrayList<>();

    RelayRig(EmbeddedKafka kafka) {
        this.kafka = kafka;
        admin = Admin.create(Map.of(
                "bootstrap.servers", kafka.bootstrap(), "default.api.timeout.ms", 3000, "request.timeout.ms", 2000));
        probing.start(this::probe);
    }

    /** Tells the producers which partitions there are, as the gateway's own probe does. */
    private Duration probe() throws InterruptedException {
        try {
            var count = KafkaTopics.partitions(admin, List.of(topic), Duration.ofSeconds(3))
                    .get(topic);
            for (var node : nodes) node.topics.tell(Map.of(topic, new KafkaTopic(count, false)), _ -> true);
        } catch (ExecutionException | TimeoutException _) {
            // it is away
        }
        return Duration.ofMillis(50);
    }

    Node start(String id) {
        return start(id, USUAL);
    }

    /** One that waits so long for the others. */
    private Node start(String id, Duration patience) {
        var node = new Node(fleet.register(id), patience);
        nodes.add(node);
        return node;
    }

    /** One that has joined, and reads. */
    Node started(String id) {
        return started(id, USUAL);
    }

    Node started(String id, Duration patience) {
        var node = start(id, patience);
        node.relay.start();
        await(id + " is ready", node.relay::isReady);
        await(id + " reads", () -> node.relay.trouble() == null);
        return node;
    }

    /** Often: what is measured meanwhile takes milliseconds. */
    static void await(String what, BooleanSupplier condition) {
        var end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** A letter with this number. */
    static Queued queued(long seq) {
        return new Queued(List.of(new Place("c", 1, seq)));
    }

    /** Where a partition of the relay topic ends; a high number while there is none. */
    long end(int partition) {
        var at = new TopicPartition(topic, partition);
        try {
            return admin.listOffsets(Map.of(at, OffsetSpec.latest()))
                    .partitionResult(at)
                    .get()
                    .offset();
        } catch (ExecutionException _) {
            return Long.MAX_VALUE;
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    private record Config(String topic, int partitions, Duration patience, long bytesInFlight) implements RelayConfig {}

    /** A gateway's relay, with a producer of its own. */
    final class Node {
        volatile Gateway gateway;
        final SimpleMeterRegistry registry = new SimpleMeterRegistry();
        private final KnownTopics topics = new KnownTopics();
        final UplinkProducer producer;
        final KafkaRelay relay;

        private Node(Gateway gateway, Duration patience) {
            this.gateway = gateway;
            producer = new UplinkProducer(clients(), null, event(), topics, registry);
            relay = new KafkaRelay(
                    new Config(topic, PARTITIONS, patience, 16 << 20),
                    fleet.seenBy(() -> this.gateway),
                    producer,
                    topics,
                    Map.of("bootstrap.servers", kafka.bootstrap()),
                    registry);
        }

        double count(String meter) {
            return registry.get(meter).counter().count();
        }

        /** It was taken for dead, and finds that out. */
        void comesBack() {
            var dead = gateway;
            fleet.bury(dead);
            gateway = fleet.register(dead.id());
        }

        /** Ends it, and has the others know that. */
        void die() {
            relay.stop();
            producer.stop();
            fleet.bury(gateway);
            nodes.remove(this);
        }
    }

    /** As application.properties has them. */
    private Map<String, Object> producerConfig() {
        return Map.of(
                "bootstrap.servers",
                kafka.bootstrap(),
                "acks",
                "all",
                "max.block.ms",
                0,
                "delivery.timeout.ms",
                Integer.MAX_VALUE,
                "linger.ms",
                2,
                "batch.size",
                65536,
                "buffer.memory",
                67108864L);
    }

    private KafkaClientService clients() {
        var serializer = new ByteArraySerializer();
        InvocationHandler channel = (_, method, _) -> switch (method.getName()) {
            case "configuration" -> producerConfig();
            case "unwrap" ->
                new org.apache.kafka.clients.producer.KafkaProducer<>(producerConfig(), serializer, serializer);
            default -> throw new UnsupportedOperationException(method.getName());
        };
        var producer = proxy(KafkaProducer.class, channel);
        return proxy(KafkaClientService.class, (_, method, _) -> {
            if (method.getName().equals("getProducer")) return producer;
            throw new UnsupportedOperationException(method.getName());
        });
    }

    @SuppressWarnings("unchecked")
    private static Event<Producer<?, ?>> event() {
        return proxy(Event.class, (_, _, _) -> null);
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    @Override
    public void close() {
        List.copyOf(nodes).forEach(Node::die);
        probing.stop();
        admin.close(Duration.ZERO);
    }
}
