package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Devices, a backend that sends each of them commands, and what has come of these; used by the test's thread. */
final class CommandedDevices implements AutoCloseable {
    private static final Duration LONGEST_ABSENCE = Duration.ofSeconds(8);
    private static final Duration LONGEST_GAP = Duration.ofSeconds(3);

    private final Deployment servers;
    private final List<String> topics;
    private final List<Subscriber> devices = new ArrayList<>();
    private final Commander commander;

    /** @param pace pause between commands, of which each device in turn gets one */
    CommandedDevices(Deployment servers, int count, Duration pace) {
        this.servers = servers;
        this.topics = IntStream.range(0, count)
                .mapToObj(device -> "fleet/device-" + device + "/command")
                .toList();
        this.commander = new Commander(servers.bootstrap(), topics, pace);
    }

    /** Half of the devices have sessions that outlive their connections, and are away for longer; of the others, every other one stays. */
    void start(Random random) {
        for (int i = 0; i < topics.size(); i++) {
            var version = i / 4 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            var profile = new Subscriber.Profile(
                    "device-" + i, version, QoS.EXACTLY_ONCE, isPersistent(i), List.of(topics.get(i)));
            devices.add(Subscriber.start(servers.port(), profile));
        }
        await("subscriptions").atMost(Duration.ofSeconds(60)).until(() -> devices.stream()
                .allMatch(Subscriber::isSubscribed));
        commander.start();
        for (int i = 0; i < topics.size(); i++) {
            if (isPersistent(i)) devices.get(i).wander(random.nextLong(), LONGEST_ABSENCE);
            else if (i % 4 == 2) devices.get(i).wander(random.nextLong(), LONGEST_GAP);
        }
    }

    private static boolean isPersistent(int device) {
        return device % 4 < 2;
    }

    /** Their gateways may take their leave. */
    void expectDisconnects() {
        devices.forEach(Subscriber::expectDisconnects);
    }

    /** What gateways have said that ended their connections. */
    Stream<String> told() {
        return devices.stream().flatMap(device -> device.reconnects().told().stream());
    }

    /** Sends no more; returns when every command has reached its device. */
    void finish(Duration time) throws Exception {
        commander.stop();
        devices.forEach(Subscriber::stay);
        await("every command at its device")
                .atMost(time)
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(() -> {
                    for (int i = 0; i < topics.size(); i++)
                        assertThat(devices.get(i).inbox().distinct(topics.get(i)))
                                .as("commands at device " + i)
                                .isEqualTo(commander.sent(i));
                });
    }

    /** In order, and nobody waits for anything any more. */
    void assertKept() {
        for (int i = 0; i < topics.size(); i++) {
            var device = devices.get(i);
            assertThat(device.inbox().outOfOrder(topics.get(i)))
                    .as("device %d: first deliveries out of order", i)
                    .isZero();
            assertThat(device.sessionsLost()).as("device %d: sessions lost", i).isZero();
            assertThat(device.complaints()).as("device " + i).isEmpty();
        }
        await("offsets of all records")
                .until(() ->
                        servers.metric("sluice_downlink_lag") == 0 && servers.metric("sluice_downlink_in_flight") == 0);
        for (var outcome : List.of("is undeliverable", "is a dead letter"))
            assertThat(servers.logged(outcome)).as(outcome).isEmpty();
    }

    String report() {
        return "commands %,d, delivered %,d, repeated %,d, devices' connects %,d"
                .formatted(
                        commander.sent(),
                        devices.stream().mapToInt(it -> it.inbox().messages()).sum(),
                        IntStream.range(0, topics.size())
                                .map(i -> devices.get(i).inbox().repeats(topics.get(i)))
                                .sum(),
                        devices.stream().mapToInt(Subscriber::connects).sum());
    }

    @Override
    public void close() {
        commander.close();
        devices.forEach(Subscriber::close);
    }
}
