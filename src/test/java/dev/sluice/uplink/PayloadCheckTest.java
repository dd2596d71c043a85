package dev.sluice.uplink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.record.Destination;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PayloadCheckTest {
    private static final TopicName TOPIC = TopicName.of("a/b");

    private final UplinkRig rig = new UplinkRig(Map.of(
            "routes.a.filter", "a/#", "routes.a.kafka-topic", "a", "routes.a.contract", "{\"maxLength\": 50000}"));
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    /** The connection's event loop: what it has yet to run. */
    private final LinkedBlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();

    private final PayloadCheck check = new PayloadCheck(new CheckThreads(rig.config, meters), loop::add);
    private final AtomicInteger told = new AtomicInteger();

    private Destination destination() {
        return new Destinations(rig.uplink::routes, rig.uplink::backlog, "client", null, 1).of(TOPIC);
    }

    private static Packet.Publish publish(int length) {
        var payload = ('"' + "x".repeat(length) + '"').getBytes(StandardCharsets.UTF_8);
        return new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TOPIC, 1, Properties.NONE, payload);
    }

    private void runLoop() throws InterruptedException {
        loop.poll(60, TimeUnit.SECONDS).run();
    }

    @Test
    void aLargePayloadIsCheckedOnAnotherThread() throws InterruptedException {
        var destination = destination();
        for (var length : new int[] {40_000, 60_000}) {
            var publish = publish(length);
            assertThat(check.isDone(publish, destination, told::incrementAndGet))
                    .isFalse();
            assertThat(check.isRunning()).isTrue();
            runLoop();
            assertThat(check.isRunning()).isFalse();
            assertThat(check.isDone(publish, destination, told::incrementAndGet))
                    .isTrue();
            assertThat(check.failures(publish, destination)).matches(it -> (it == null) == (length == 40_000));
        }
        assertThat(told).hasValue(2);
        assertThat(meters.get("sluice.uplink.contract.checks").timer().count()).isPositive();
    }

    /** What the old routes said is nothing that the new ones say. */
    @Test
    void aPayloadIsCheckedAgainWhenTheRoutesHaveChanged() throws InterruptedException {
        var publish = publish(40_000);
        assertThat(check.isDone(publish, destination(), told::incrementAndGet)).isFalse();
        runLoop();
        var changed = destination();
        assertThat(check.isDone(publish, changed, told::incrementAndGet)).isFalse();
        runLoop();
        assertThat(check.isDone(publish, changed, told::incrementAndGet)).isTrue();
    }

    @Test
    void nobodyIsToldOnceTheConnectionIsClosed() throws InterruptedException {
        check.isDone(publish(40_000), destination(), told::incrementAndGet);
        check.drop();
        assertThat(check.isRunning()).isFalse();
        runLoop();
        assertThat(told).hasValue(0);
    }
}
