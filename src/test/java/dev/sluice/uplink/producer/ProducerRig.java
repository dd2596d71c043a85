package dev.sluice.uplink.producer;

import dev.sluice.uplink.route.KafkaTopic;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import io.smallrye.reactive.messaging.kafka.KafkaProducer;
import jakarta.enterprise.event.Event;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Owns an {@link UplinkProducer} over producers that answer what the test says, and nothing by themselves; used by one thread. */
public final class ProducerRig {
    public static final String TOPIC = "fleet";
    /** With one partition. */
    public static final String OTHER = "other";

    static final int PARTITIONS = 4;

    /** In the order in which they were opened. */
    public final List<MockProducer<byte[], byte[]>> producers = new CopyOnWriteArrayList<>();
    /** Those that the metrics were told, each time. */
    final List<Producer<?, ?>> told = new CopyOnWriteArrayList<>();

    private final KnownTopics topics = new KnownTopics();
    public final UplinkProducer uplink;
    /** What the records came to: null for an acknowledgement. */
    public final List<Exception> outcomes = new CopyOnWriteArrayList<>();
    /** The partitions whose records a producer that is opened from now on forgets. */
    public Set<Integer> forgotten = Set.of();
    /** Of the Kafka topic now. */
    public int partitions = PARTITIONS;

    /** One that replaces a producer soon, and before that waits for as long as it takes until all for other topics is answered. */
    public ProducerRig() {
        this(Duration.ofMinutes(1));
    }

    /** @param settle how long a producer that is replaced has for what is under way to other topics */
    ProducerRig(Duration settle) {
        var pace = new UplinkProducer.Pace(settle, Duration.ofMillis(20));
        uplink = new UplinkProducer(clients(), event(), topics, new SimpleMeterRegistry(), _ -> open(), pace);
        topics.tell(Map.of(TOPIC, new KafkaTopic(PARTITIONS, false), OTHER, new KafkaTopic(1, false)), _ -> false);
    }

    private MockProducer<byte[], byte[]> open() {
        var opened =
                new MockProducer<byte[], byte[]>(
                        cluster(PARTITIONS), false, null, new ByteArraySerializer(), new ByteArraySerializer()) {
                    private final Set<Integer> forgets = forgotten;

                    @Override
                    public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
                        return forgets.contains(record.partition())
                                ? new CompletableFuture<>()
                                : super.send(record, callback);
                    }

                    @Override
                    public List<PartitionInfo> partitionsFor(String kafkaTopic) {
                        return cluster(partitions).partitionsForTopic(kafkaTopic);
                    }
                };
        producers.add(opened);
        return opened;
    }

    private static Cluster cluster(int partitions) {
        var node = new Node(1, "kafka", 9092);
        var infos = IntStream.range(0, partitions)
                .mapToObj(it -> partition(TOPIC, it, node))
                .collect(Collectors.toList());
        infos.add(partition(OTHER, 0, node));
        return new Cluster("cluster", List.of(node), infos, Set.of(), Set.of());
    }

    private static PartitionInfo partition(String kafkaTopic, int number, Node node) {
        return new PartitionInfo(kafkaTopic, number, node, new Node[] {node}, new Node[] {node});
    }

    private KafkaClientService clients() {
        InvocationHandler channel = (_, method, _) -> switch (method.getName()) {
            case "configuration" -> Map.of();
            case "unwrap" -> open();
            default -> throw new UnsupportedOperationException(method.getName());
        };
        var producer = proxy(KafkaProducer.class, channel);
        return proxy(KafkaClientService.class, (_, method, _) -> {
            if (method.getName().equals("getProducer")) return producer;
            throw new UnsupportedOperationException(method.getName());
        });
    }

    @SuppressWarnings("unchecked")
    private Event<Producer<?, ?>> event() {
        return proxy(Event.class, (_, method, arguments) -> {
            if (!method.getName().equals("fire")) throw new UnsupportedOperationException(method.getName());
            told.add((Producer<?, ?>) arguments[0]);
            return null;
        });
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    /** Hands over a record that goes to this partition. */
    public Handover hand(int partition) {
        return hand(TOPIC, partition);
    }

    public Handover hand(String kafkaTopic, int partition) {
        var value = "value".getBytes(StandardCharsets.UTF_8);
        return uplink.hand(
                new ProducerRecord<>(kafkaTopic, partition, null, value), (_, exception) -> outcomes.add(exception));
    }

    /** Much of the buffer is taken, until there is another producer. */
    public void runShortOfBuffer() {
        uplink.flows().tellBuffer(true);
    }

    public MockProducer<byte[], byte[]> last() {
        return producers.getLast();
    }
}
