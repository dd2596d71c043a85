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
import org.junit.jupiter.api.Test;

/** SIGKILL while commands are on their way to devices that come and go: each reaches its device, in order. */
class DownlinkKillFaultIT {
    private static final int DEVICES = 500;
    /** Every other device has a session that outlives its connection, and is away at times; of the others, some. */
    private static final int RESTLESS = 50;

    /** Longer than devices take to come back, also on a machine that is busy with something else. */
    private static final String PATIENCE = "-Dsluice.downlink.patience=120s";

    private static final String TALKATIVE = "-Dquarkus.log.category.\"dev.sluice.downlink\".level=DEBUG";
    private static final int KILLS = 2;
    private static final Duration PACE = Duration.ofMillis(5);
    private static final Duration LONGEST_ABSENCE = Duration.ofSeconds(8);
    private static final Duration LONGEST_GAP = Duration.ofSeconds(3);

    @Test
    void everyCommandReachesItsDeviceInOrder() throws Exception {
        var seed = System.nanoTime();
        var random = new Random(seed);
        var topics = IntStream.range(0, DEVICES)
                .mapToObj(device -> "fleet/device-" + device + "/command")
                .toList();
        try (var servers = Servers.start("downlink-kill", PATIENCE, TALKATIVE);
                var audience = new Audience(servers.port());
                var commander = new Commander(servers.kafka().bootstrap(), topics, PACE)) {
            var devices = devices(audience, topics);
            audience.awaitAll(Duration.ofSeconds(60), "subscriptions", Subscriber::isSubscribed);
            commander.start();
            for (int i = 0; i < DEVICES; i++) {
                if (isPersistent(i)) devices.get(i).wander(random.nextLong(), LONGEST_ABSENCE);
                else if (i < 2 * RESTLESS) devices.get(i).wander(random.nextLong(), LONGEST_GAP);
            }
            for (int i = 1; i <= KILLS; i++) {
                Fleet.runOn(Duration.ofMillis(3000 + random.nextInt(2000)));
                servers.gateway().process().kill();
                servers.startGateway();
                servers.gateway().awaitReady();
            }
            Fleet.runOn(Duration.ofSeconds(4));
            commander.stop();
            audience.forEach(Subscriber::stay);
            awaitComplete(devices, topics, commander);
            System.out.printf("downlink: seed %d, commands %,d; %s%n", seed, commander.sent(), report(devices, topics));
            assertKept(devices, topics);
            assertNothingLeft(servers);
        }
    }

    private static boolean isPersistent(int device) {
        return device % 4 < 2;
    }

    private static List<Subscriber> devices(Audience audience, List<String> topics) {
        var devices = new ArrayList<Subscriber>();
        for (int i = 0; i < DEVICES; i++) {
            var version = i / 4 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            devices.add(audience.add(new Subscriber.Profile(
                    "device-" + i, version, QoS.EXACTLY_ONCE, isPersistent(i), List.of(topics.get(i)))));
        }
        return devices;
    }

    private static void awaitComplete(List<Subscriber> devices, List<String> topics, Commander commander) {
        await("every command at its device")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(() -> {
                    for (int i = 0; i < DEVICES; i++)
                        assertThat(devices.get(i).inbox().distinct(topics.get(i)))
                                .as("commands at device " + i)
                                .isEqualTo(commander.sent(i));
                });
    }

    private static void assertKept(List<Subscriber> devices, List<String> topics) {
        for (int i = 0; i < DEVICES; i++) {
            var device = devices.get(i);
            assertThat(device.inbox().outOfOrder(topics.get(i)))
                    .as("device %d: first deliveries out of order", i)
                    .isZero();
            assertThat(device.sessionsLost()).as("device %d: sessions lost", i).isZero();
            assertThat(device.complaints()).as("device " + i).isEmpty();
        }
    }

    /** Nobody is waited for any more, and nothing was given up since the last kill. */
    private static void assertNothingLeft(Servers servers) {
        await("offsets of all records")
                .atMost(Duration.ofSeconds(20))
                .until(() ->
                        servers.metric("sluice_downlink_lag") == 0 && servers.metric("sluice_downlink_in_flight") == 0);
        assertThat(servers.metric("sluice_downlink_records_total{outcome=\"delivered\"}"))
                .isPositive();
        for (var outcome : List.of("undeliverable", "dead_lettered", "expired", "abandoned"))
            assertThat(servers.metric("sluice_downlink_records_total{outcome=\"" + outcome + "\""))
                    .as(() -> outcome + servers.logged("is undeliverable"))
                    .isZero();
    }

    private static String report(List<Subscriber> devices, List<String> topics) {
        return "delivered %,d, repeated %,d, connects %,d"
                .formatted(
                        devices.stream().mapToInt(it -> it.inbox().messages()).sum(),
                        IntStream.range(0, DEVICES)
                                .map(i -> devices.get(i).inbox().repeats(topics.get(i)))
                                .sum(),
                        devices.stream().mapToInt(Subscriber::connects).sum());
    }
}
