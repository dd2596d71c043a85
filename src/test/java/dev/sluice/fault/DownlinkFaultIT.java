package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What commands wait for: PostgreSQL, Kafka, the next gateway, a device, a Kafka topic. */
class DownlinkFaultIT {
    private static final int DEVICES = 6;
    private static final Duration PACE = Duration.ofMillis(40);
    private static final Duration OUTAGE = Duration.ofSeconds(2);
    private static final int IN_FLIGHT = 50;
    private static final int POLLED = 20;
    private static final int BYTES_WAITING = 100_000;
    /** A partition is read on while less than IN_FLIGHT is fresh, and it leaves as much as it uses; a record weighs 1,000 bytes and more. */
    private static final int MOST_OPEN = (BYTES_WAITING / 1000 + IN_FLIGHT) / 2 + POLLED;

    /** One for each test: whatever it leaves there, the next one does not read. */
    private static final String AWAY = "away.commands";

    private static final String BOUNDS = "bounds.commands";
    private static final String LETTERS = "letters.commands";

    private static Servers servers;

    @BeforeAll
    static void start() {
        servers = Servers.startBelow("downlink");
        servers.kafka()
                .createTopics(Stream.of(AWAY, BOUNDS, LETTERS)
                        .map(topic -> new NewTopic(topic, 4, (short) 1))
                        .toList());
    }

    @AfterAll
    static void stop() {
        if (servers != null) servers.close();
    }

    /** A gateway for commands from this Kafka topic, and perhaps others. */
    private static void serve(String kafkaTopic, String others, String... javaOptions) {
        var all = Stream.of("-Dsluice.downlink.group=" + kafkaTopic, "-Dsluice.downlink.topics=" + others + kafkaTopic);
        servers.serve(Stream.concat(all, Stream.of(javaOptions)).toArray(String[]::new));
    }

    /** Every other device has a session in PostgreSQL. */
    private static List<Subscriber> devices(Audience audience, List<String> topics) {
        var devices = new ArrayList<Subscriber>();
        for (int i = 0; i < topics.size(); i++)
            devices.add(audience.add(new Subscriber.Profile(
                    topics.get(i).replace('/', '-'),
                    ProtocolVersion.V5,
                    QoS.EXACTLY_ONCE,
                    i / 2 % 2 == 0,
                    List.of(topics.get(i)))));
        audience.awaitAll(Duration.ofSeconds(60), "subscriptions", Subscriber::isSubscribed);
        return devices;
    }

    private static void awaitComplete(List<Subscriber> devices, List<String> topics, Commander commander) {
        await("every command at its device")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(() -> {
                    for (int i = 0; i < topics.size(); i++)
                        assertThat(devices.get(i).inbox().distinct(topics.get(i)))
                                .as("commands at device " + i)
                                .isEqualTo(commander.sent(i));
                });
        for (int i = 0; i < topics.size(); i++)
            assertThat(devices.get(i).inbox().outOfOrder(topics.get(i)))
                    .as("device %d: first deliveries out of order", i)
                    .isZero();
    }

    @Test
    void commandsWaitForWhoIsAway() throws Exception {
        var topics = IntStream.range(0, DEVICES)
                .mapToObj(device -> "fleet/device-" + device + "/command")
                .toList();
        serve(AWAY, "", "-Dsluice.node.drain-max=1s");
        try (var audience = new Audience(servers.port());
                var commander = new Commander(servers.kafka().bootstrap(), AWAY, topics, PACE)) {
            var devices = devices(audience, topics);
            commander.start();
            outage(
                    devices,
                    servers.postgres().process()::freeze,
                    servers.postgres().process()::thaw);
            outage(devices, servers.postgres()::close, servers::startPostgres);
            var repeats = repeats(devices, topics);
            outage(devices, servers.kafka().process()::freeze, servers.kafka().process()::thaw);
            outage(devices, servers.kafka()::close, servers::startKafka);
            servers.gateway().process().signal("TERM");
            await("the gateway's end").until(() -> servers.gateway().process().awaitEnd(Duration.ofMillis(100)));
            serve(AWAY, "");
            awaitProgress(devices);
            commander.stop();
            awaitComplete(devices, topics, commander);
            System.out.printf(
                    "downlink outages: commands %,d, repeated %,d after PostgreSQL was away, %,d in all%n",
                    commander.sent(), repeats, repeats(devices, topics));
            assertThat(repeats).as("repeats while nobody was killed").isZero();
        }
    }

    private static void outage(List<Subscriber> devices, Runnable begin, Runnable end) {
        awaitProgress(devices);
        begin.run();
        Fleet.runOn(OUTAGE);
        end.run();
        awaitProgress(devices);
    }

    private static void awaitProgress(List<Subscriber> devices) {
        var before = devices.stream().mapToInt(it -> it.inbox().messages()).toArray();
        await("two commands at each device").atMost(Duration.ofSeconds(60)).until(() -> IntStream.range(
                        0, before.length)
                .allMatch(i -> devices.get(i).inbox().messages() >= before[i] + 2));
    }

    private static int repeats(List<Subscriber> devices, List<String> topics) {
        return IntStream.range(0, topics.size())
                .map(i -> devices.get(i).inbox().repeats(topics.get(i)))
                .sum();
    }

    /** However many wait, the memory that they take is bounded, and the group goes on counting the gateway in. */
    @Test
    @Tag("long")
    void whatWaitsIsBoundedAndATopicMayComeLate() throws Exception {
        var topics = List.of("fleet/late/command");
        serve(
                BOUNDS,
                "late.commands,",
                "-Dsluice.downlink.in-flight=" + IN_FLIGHT,
                "-Dsluice.downlink.bytes-waiting=" + BYTES_WAITING,
                "-Dsluice.downlink.patience=5m",
                "-Dsluice.downlink.consumer.\"max.poll.records\"=" + POLLED,
                "-Dsluice.downlink.consumer.\"max.poll.interval.ms\"=2000");
        try (var audience = new Audience(servers.port());
                var commander = new Commander(servers.kafka().bootstrap(), BOUNDS, topics, Duration.ofMillis(5))) {
            commander.start();
            Fleet.runOn(Duration.ofSeconds(6)); // three times the poll interval
            commander.stop();
            assertThat(commander.sent()).isGreaterThan(10 * IN_FLIGHT);
            assertThat(servers.metric("sluice_downlink_in_flight")).isBetween((double) IN_FLIGHT, (double) MOST_OPEN);
            var devices = devices(audience, topics);
            awaitComplete(devices, topics, commander);
            assertThat(repeats(devices, topics)).isZero();
            await("no lag").until(() -> servers.metric("sluice_downlink_lag") == 0);
            assertToldOnce();
            servers.kafka().createTopics(List.of(new NewTopic("late.commands", 1, (short) 1)));
            try (var late = new Commander(servers.kafka().bootstrap(), "late.commands", topics, Duration.ofMillis(100))
                    .start()) {
                awaitProgress(devices);
                late.stop();
            }
        }
    }

    /** Nothing is given up, nobody else waits for it, and the operator is told. */
    @Test
    @Tag("long")
    void whatCannotBeDeliveredWaitsForTheTopicThatItGoesTo() throws Exception {
        var topics = List.of("fleet/somebody/command", "fleet/+/command", "fleet/nobody/command");
        serve(
                LETTERS,
                "",
                "-Dsluice.uplink.dead-letter-topic=late.letters",
                "-Dsluice.downlink.undeliverable-topic=late.answers",
                "-Dsluice.downlink.patience=500ms");
        try (var audience = new Audience(servers.port());
                var commander = new Commander(servers.kafka().bootstrap(), LETTERS, topics, Duration.ofMillis(100))) {
            var devices = devices(audience, topics.subList(0, 1));
            commander.start();
            awaitProgress(devices);
            await("a warning of each topic").until(() -> isTold("late.letters") && isTold("late.answers"));
            commander.stop();
            awaitComplete(devices, topics.subList(0, 1), commander);
            assertThat(servers.metric("sluice_downlink_records_total{outcome=\"dead_lettered\""))
                    .isZero();
            await("all others")
                    .until(() ->
                            servers.metric("sluice_downlink_letters_waiting") == commander.sent(1) + commander.sent(2));
            assertThat(servers.metric("sluice_downlink_up")).isEqualTo(1);
            servers.kafka().createTopics(List.of(new NewTopic("late.answers", 1, (short) 1)));
            await("the answers of one topic")
                    .until(() -> servers.metric("sluice_downlink_records_total{outcome=\"undeliverable\"")
                            == commander.sent(2));
            servers.kafka().createTopics(List.of(new NewTopic("late.letters", 1, (short) 1)));
            await("no lag").until(() -> servers.metric("sluice_downlink_lag") == 0);
            assertThat(servers.metric("sluice_downlink_records_total{outcome=\"dead_lettered\""))
                    .isEqualTo(commander.sent(1));
        }
    }

    private static boolean isTold(String kafkaTopic) {
        return !servers.logged("wait for the Kafka topic " + kafkaTopic + ", ").isEmpty();
    }

    private static void assertToldOnce() {
        assertThat(servers.logged("late.commands"))
                .singleElement()
                .asString()
                .contains("do not exist", "sluice.downlink.topics");
    }
}
