package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The gateway's way to Kafka: its producer, the routes, and the bound of bytes in flight over all
 * connections. Any thread may use it.
 */
@ApplicationScoped
public class Uplink {
    private final Routes routes;
    private final UplinkConfig config;
    private final UplinkProducer producer;
    private final long bytesInFlightMaximum;
    private final AtomicLong bytesInFlight = new AtomicLong();
    private final Timer latency;

    Uplink(UplinkConfig config, UplinkProducer producer, MeterRegistry meters) {
        this.routes = Routes.of(config);
        this.config = config;
        this.producer = producer;
        this.bytesInFlightMaximum = config.bytesInFlight();
        Gauge.builder("sluice.uplink.bytes.in.flight", bytesInFlight, AtomicLong::get)
                .description("Bytes of messages that Kafka has not acknowledged yet")
                .baseUnit("bytes")
                .register(meters);
        latency = Timer.builder("sluice.uplink.latency")
                .description("From the receipt of a PUBLISH to the acknowledgement of its last record")
                .serviceLevelObjectives(
                        Duration.ofMillis(2),
                        Duration.ofMillis(5),
                        Duration.ofMillis(10),
                        Duration.ofMillis(25),
                        Duration.ofMillis(50),
                        Duration.ofMillis(100),
                        Duration.ofMillis(250),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(30))
                .register(meters);
    }

    /**
     * Opens a connection's way to Kafka.
     *
     * @param username null without one
     * @param loop runs the listener; the connection's event loop
     * @param listener told of each {@link Forwarding} under way once, when Kafka has answered it
     */
    public ClientUplink open(
            String clientId, String username, long epoch, Executor loop, Consumer<Forwarding> listener) {
        return new ClientUplink(this, clientId, username, epoch, loop, listener);
    }

    public Routes routeTable() {
        return routes;
    }

    int routes() {
        return routes.routes().size();
    }

    Resolution resolve(TopicName topicName, String clientId, String username) {
        return routes.resolve(topicName, clientId, username);
    }

    boolean shedsQoS0() {
        return config.qos0WhenCongested() == UplinkConfig.QoS0WhenCongested.DROP;
    }

    long bytesInFlightPerConnection() {
        return config.bytesInFlightPerConnection();
    }

    boolean isCongested() {
        return bytesInFlight.get() >= bytesInFlightMaximum;
    }

    /** Bytes of messages that Kafka has not acknowledged yet. */
    public long bytesInFlight() {
        return bytesInFlight.get();
    }

    void started(Forwarding forwarding) {
        bytesInFlight.addAndGet(forwarding.bytes);
    }

    void settled(Forwarding forwarding) {
        bytesInFlight.addAndGet(-forwarding.bytes);
        latency.record(System.nanoTime() - forwarding.startedAt, TimeUnit.NANOSECONDS);
    }

    /** Never blocks; the forwarding is told the outcome in every case. */
    void send(ProducerRecord<byte[], byte[]> record, Forwarding forwarding) {
        producer.send(record, forwarding);
    }

    /** Kafka lets the gateway in again, which it had refused. */
    void letInAgain(String refusal) {
        producer.renew(refusal);
    }

    /** Keeps the producer from forgetting a topic that is not in use, so that its next record need not wait. */
    void keepMetadata(String kafkaTopic) {
        producer.keepMetadata(kafkaTopic);
    }
}
