package dev.sluice.fault;

import static dev.sluice.fault.ClusterLoad.AGAIN;
import static dev.sluice.fault.ClusterLoad.DOWNLINK;
import static dev.sluice.fault.ClusterLoad.LONE;
import static dev.sluice.fault.ClusterLoad.SOUND;
import static dev.sluice.fault.ClusterLoad.telemetry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.AckTimes;
import dev.sluice.support.Publisher;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.Subscriber;
import dev.sluice.tools.KafkaRecords;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A Kafka of three nodes under load, of which brokers die, leave and come back, and a topic is deleted and made again: what does not move
 * stops only its own clients. With {@code -Dcluster.rounds=10 -Dcluster.outage=20 -Dcluster.pace=10} it is the long run, in which all brokers are rolled.
 */
@Tag("long")
class ClusterFaultIT {
    private static final int ROUNDS = Integer.getInteger("cluster.rounds", 0);
    private static final Duration OUTAGE = Duration.ofSeconds(Integer.getInteger("cluster.outage", 5));
    /** The short run has to share the machine with other tests, and with brokers that start; what stops, stops for longer than that. */
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(ROUNDS > 0 ? 2 : 6);

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration PACE = Duration.ofMillis(Integer.getInteger("cluster.pace", 100));
    private static final int DEVICES = 8;
    private static final List<String> TOPICS = IntStream.range(0, DEVICES)
            .mapToObj(i -> "fleet/device-" + i + "/command")
            .toList();

    private Servers servers;
    private Audience audience;
    private ClusterLoad load;

    @Test
    void whatDoesNotMoveStopsOnlyItself() throws Exception {
        try (var started = ClusterLoad.servers("cluster", "-Dsluice.uplink.deadline=10s");
                var listeners = new Audience(started.port());
                var commander = new Commander(started.cluster().bootstrap(), TOPICS, Duration.ofMillis(50))) {
            servers = started;
            audience = listeners;
            for (int i = 0; i < DEVICES; i++)
                audience.add(new Subscriber.Profile(
                        "device-" + i, ProtocolVersion.V5, QoS.EXACTLY_ONCE, i % 2 == 0, List.of(TOPICS.get(i))));
            audience.awaitAll(PATIENCE, "subscriptions", Subscriber::isSubscribed);
            commander.start();
            try (var all = ClusterLoad.start(servers, 128, PACE, SOUND, LONE, AGAIN)) {
                load = all;
                await("no backlog of the start")
                        .atMost(PATIENCE)
                        .until(() -> servers.metric("sluice_downlink_lag") < DEVICES);
                aBrokerDies();
                var deleted = aTopicIsMadeAgain();
                for (int round = 0; round < Math.max(1, ROUNDS); round++) brokersRoll();
                commander.stop();
                load.quiet();
                for (var name : List.of(SOUND, LONE)) load.assertKept(name);
                assertNewTopicKept(deleted);
                assertCommands(commander);
            }
        }
    }

    /** With it a partition loses its leader. */
    private void aBrokerDies() {
        undisturbed("a broker is dead", () -> {
            servers.cluster().kill(3);
            servers.cluster().awaitNodes(2);
            Fleet.runOn(Duration.ofSeconds(1));
            var stuck = load.acknowledged(LONE);
            Fleet.runOn(OUTAGE);
            assertThat(load.acknowledged(LONE))
                    .as("acknowledgements that Kafka has not given")
                    .isEqualTo(stuck);
        });
        undisturbed("it comes back", () -> {
            servers.cluster().start(3);
            load.awaitProgress(LONE, PATIENCE);
        });
    }

    /** What was acknowledged before went with the topic; returned for each publisher. */
    private Map<Publisher, BitSet> aTopicIsMadeAgain() {
        var deleted = new HashMap<Publisher, BitSet>();
        undisturbed("a topic is made again", () -> {
            load.deleteTopics();
            Fleet.runOn(Duration.ofSeconds(1));
            for (var publisher : load.fleet(AGAIN)) deleted.put(publisher, publisher.acknowledged());
            load.makeTopicsAgain();
            load.awaitProgress(AGAIN, PATIENCE);
        });
        return deleted;
    }

    /** One after the other, each when the one before is in sync; the first one only, unless in the long run. */
    private void brokersRoll() {
        for (int id = 1; id <= (ROUNDS == 0 ? 1 : 3); id++) {
            int node = id;
            undisturbed("broker " + id + " is rolled", () -> {
                servers.cluster().stop(node);
                Fleet.runOn(Duration.ofSeconds(2));
                servers.cluster().start(node);
                servers.cluster().awaitNodes(3);
                servers.cluster().awaitInSync(List.of(DOWNLINK, telemetry(SOUND), telemetry(LONE), telemetry(AGAIN)));
            });
            for (var name : List.of(SOUND, LONE, AGAIN)) load.awaitProgress(name, PATIENCE);
        }
    }

    /** Those whose topics are sound notice nothing of what happens. */
    private void undisturbed(String what, Runnable happening) {
        var watch = Stopwatch.start();
        var start = System.nanoTime();
        happening.run();
        load.awaitProgress(SOUND, PATIENCE);
        var end = System.nanoTime();
        var answers = AckTimes.percentile(1, load.fleet(SOUND), start, end);
        var commands = audience.percentile(1, start, end);
        System.out.printf(
                Locale.ROOT,
                "cluster, %s: %.1f s; longest wait of others for an answer %.0f ms, for a command %.0f ms%n",
                what,
                (end - start) / 1e9,
                answers,
                commands);
        var longest = LONGEST_PAUSE.plus(watch.stalled()).toMillis();
        assertThat(answers).as("%s: longest wait for an answer in ms", what).isLessThan(longest);
        assertThat(commands).as("%s: longest wait for a command in ms", what).isLessThan(longest);
        load.assertUndisturbed(SOUND);
    }

    private void assertNewTopicKept(Map<Publisher, BitSet> deleted) {
        var there = new HashMap<String, BitSet>();
        try (var records = KafkaRecords.fromBeginning(servers.cluster().bootstrap(), telemetry(AGAIN))) {
            records.readToEnd(record -> {
                var text = new String(record.value(), StandardCharsets.US_ASCII);
                there.computeIfAbsent(new String(record.key(), StandardCharsets.US_ASCII), _ -> new BitSet())
                        .set(Integer.parseInt(text.substring(0, text.indexOf(' '))));
            });
        }
        deleted.forEach((publisher, before) -> {
            var clientId = publisher.profile().clientId();
            var lost = publisher.acknowledged();
            lost.andNot(before);
            assertThat(lost.cardinality()).as(clientId).isPositive();
            lost.andNot(there.getOrDefault(clientId, new BitSet()));
            assertThat(lost)
                    .as(clientId + ": acknowledged after the new topic was made, and not in it")
                    .isEqualTo(new BitSet());
        });
    }

    private void assertCommands(Commander commander) {
        await("every command at its device").atMost(PATIENCE).untilAsserted(() -> {
            int i = 0;
            for (var device : audience) {
                assertThat(device.inbox().distinct(TOPICS.get(i)))
                        .as("commands at device " + i)
                        .isEqualTo(commander.sent(i));
                i++;
            }
        });
        int i = 0;
        for (var device : audience) {
            assertThat(device.inbox().outOfOrder(TOPICS.get(i))).isZero();
            assertThat(device.inbox().repeats(TOPICS.get(i++))).as("repeats").isZero();
        }
    }
}
