package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.clients.producer.internals.BufferPool;
import org.apache.kafka.clients.producer.internals.RecordAccumulator;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.junit.jupiter.api.Test;

/** Partitions that take nothing leave some of the producer's buffer to the others: with the buffer of Kafka's producer, and no Kafka. */
class BufferShortageTest {
    private static final String TOPIC = "fleet";
    private static final int BATCH = 4096;
    private static final int BATCHES = 128;
    private static final int PARTITIONS = 1000;
    private static final int ALIVE = PARTITIONS - 1;

    private final Flows flows = new Flows();
    private final LiveProducer live = new LiveProducer(new Buffering(), flows, (_, _, _) -> {});

    /** It sends nothing. */
    private static final class Buffering extends MockProducer<byte[], byte[]> {
        private final Metrics metrics = new Metrics();
        private final Cluster cluster = new Cluster(
                "cluster",
                List.of(),
                IntStream.range(0, PARTITIONS)
                        .mapToObj(it -> new PartitionInfo(TOPIC, it, null, null, null))
                        .toList(),
                Set.of(),
                Set.of());
        private final RecordAccumulator accumulator = new RecordAccumulator(
                new LogContext(),
                BATCH,
                Compression.NONE,
                0,
                100,
                1000,
                Integer.MAX_VALUE,
                metrics,
                "producer-metrics",
                Time.SYSTEM,
                null,
                new BufferPool((long) BATCH * BATCHES, BATCH, metrics, Time.SYSTEM, "producer-metrics"));

        Buffering() {
            super(Cluster.empty(), false, null, new ByteArraySerializer(), new ByteArraySerializer());
        }

        @Override
        public List<PartitionInfo> partitionsFor(String kafkaTopic) {
            return cluster.partitionsForTopic(kafkaTopic);
        }

        @Override
        public Map<MetricName, Metric> metrics() {
            return Map.copyOf(metrics.metrics());
        }

        @Override
        public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
            try {
                var now = System.currentTimeMillis();
                accumulator.append(
                        TOPIC, record.partition(), now, null, record.value(), new Header[0], null, 0, now, cluster);
            } catch (KafkaException noRoom) {
                callback.onCompletion(null, noRoom);
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
            return null;
        }
    }

    private Handover hand(int partition) {
        return live.hand(new ProducerRecord<>(TOPIC, partition, null, new byte[100]), (_, _) -> {});
    }

    /** One record for each partition but one, as far as the producer takes them; returns how many it took. */
    private int handToAllButOne() {
        live.partitions(TOPIC);
        var taken = 0;
        for (int i = 0; i < ALIVE; i++) if (hand(i) == Handover.TAKEN) taken++;
        return taken;
    }

    private void tell(int writable) {
        flows.tellWritable(TOPIC, flows.shortage(), partition -> partition == writable);
    }

    @Test
    void partitionsWithoutALeaderLeaveBufferToOneThatHasOne() {
        var half = BATCHES / 2;
        assertThat(handToAllButOne()).isBetween(half, half + ProducerBuffer.RECORDS_BETWEEN_LOOKS);
        assertThat(hand(ALIVE)).as("before Kafka is asked").isEqualTo(Handover.NOT_NOW);
        tell(ALIVE);
        assertThat(hand(ALIVE)).isEqualTo(Handover.TAKEN);
        assertThat(hand(ALIVE - 1)).isEqualTo(Handover.NOT_NOW);
        assertThat(hand(0)).as("in the batch that it has").isEqualTo(Handover.TAKEN);
    }

    /** So it is told, and an outage for the spool, like what the producer holds. */
    @Test
    void whatIsNotTakenForItStandsStill() {
        handToAllButOne();
        tell(ALIVE);
        await().untilAsserted(() -> {
            hand(ALIVE - 1);
            flows.look(System.nanoTime());
            assertThat(flows.still(Duration.ofMillis(200))).contains(new Standstill(TOPIC, ALIVE - 1));
        });
        assertThat(flows.waitingTopics()).containsExactly(TOPIC);
    }

    /** All has been acknowledged meanwhile, and nothing is handed over, which would look at the buffer. */
    @Test
    void aShortageThatIsOverIsFoundByWhoeverWaits() {
        live.partitions(TOPIC);
        flows.tellBuffer(true);
        await().until(() -> hand(ALIVE) == Handover.TAKEN);
        assertThat(flows.shortage()).isZero();
    }

    @Test
    void anotherProducerBeginsWithAnEmptyBuffer() {
        handToAllButOne();
        assertThat(flows.shortage()).isNotZero();
        var next = new LiveProducer(new Buffering(), flows, (_, _, _) -> {});
        assertThat(next.hand(new ProducerRecord<>(TOPIC, ALIVE, null, new byte[100]), (_, _) -> {}))
                .isEqualTo(Handover.TAKEN);
    }
}
