package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.support.Stopwatch;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A client connects again while the event loop of the connection that it has is busy. */
@Tag("postgres")
class TakeOverTest {
    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(20);

    private static Packet.Publish publish(int packetId, String payload) {
        var bytes = payload.getBytes(StandardCharsets.UTF_8);
        return new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TopicName.of("t"), packetId, Properties.NONE, bytes);
    }

    /** What Kafka's producer has, as the loops have left it. */
    private static List<String> sent(TakeOverRig rig) {
        return rig.kafka.producer.sent.stream()
                .map(record -> new String(record.value(), StandardCharsets.UTF_8))
                .toList();
    }

    /**
     * Its records would follow those of the later connection, under an earlier epoch. The new one waits a while for the old one's end, and
     * no longer than that.
     */
    @Test
    void whatIsReadFromAConnectionThatHasLostItsSessionDoesNotReachKafka() throws Exception {
        var routes = Map.of("routes.all.filter", "t", "routes.all.kafka-topic", "t");
        var keys = Map.of("sluice.store.open-timeout", OPEN_TIMEOUT.toSeconds() + "s");
        var free = new CountDownLatch(1);
        try (var rig = new TakeOverRig(EmbeddedServer.shared(), routes, keys)) {
            var busy = rig.loop();
            var other = rig.loop();
            var old = rig.connect(busy, "client", publish(1, "before"));
            old.receive(Packet.ConnAck.class);
            busy.submit(() -> {}).get(); // what came with the CONNECT was read
            busy.execute(() -> {
                awaitQuietly(free);
                // Read in the same turn, before the loop hears that the connection was taken over.
                old.read(publish(2, "late"));
            });

            var watch = Stopwatch.start();
            var next = rig.connect(other, "client", publish(1, "first"));
            assertThat(next.receive(Packet.ConnAck.class).sessionPresent()).isTrue();
            watch.assertBetween(Duration.ofMillis(900), OPEN_TIMEOUT.dividedBy(2));
            free.countDown();
            assertThat(old.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
            other.submit(() -> {}).get();
            assertThat(sent(rig)).containsExactly("before", "first");
        } finally {
            free.countDown();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
