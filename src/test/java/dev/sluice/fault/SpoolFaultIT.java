package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.AckTimes;
import dev.sluice.support.GuardedKafka;
import dev.sluice.support.Publisher;
import dev.sluice.support.Stopwatch;
import dev.sluice.tools.KafkaRecords;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Kafka away with {@code sluice.uplink.outage=spool}: devices go on, and Kafka has everything afterwards, in order. With
 * {@code -Dspool.outage=60 -Dspool.clients=50 -Dspool.pace=10 -Dspool.kills=3} it is the long run under 5,000 messages a second.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SpoolFaultIT {
    private static final Duration OUTAGE = Duration.ofSeconds(Integer.getInteger("spool.outage", 4));
    private static final int CLIENTS = Integer.getInteger("spool.clients", 8);
    private static final int KILLS = Integer.getInteger("spool.kills", 1);
    /** Grace, and what the probe takes to find out: its interval and its timeout; and as much again for a machine that is busy. */
    private static final Duration LONGEST_ACK = Duration.ofSeconds(1 + 2 + 3 + 6);

    private static final Duration PACE = Duration.ofMillis(Integer.getInteger("spool.pace", 50));
    private static final int WINDOW = 64;
    private static final String OLDEST = "message.timestamp.before.max.ms";
    /** Much less than a device would wait for a Kafka that is away, and much more than a machine stands still. */
    private static final Duration SOON = Duration.ofSeconds(15);

    /** Much more than a bound lets through at once. */
    private static final int ROWS = 600;

    private static final String SPOOL_ROWS = "-Dsluice.uplink.spool-rows=" + ROWS;

    private static final Duration PATIENCE = Duration.ofSeconds(90).plus(OUTAGE.multipliedBy(2));

    /**
     * With one batch on its way at a time: a broker that restarts remembers the newest batch of a producer only, so that two unanswered ones are
     * sent, and written, again (docs/consumers.md). Nothing else may repeat.
     */
    private static final String ONE_BATCH = "-Dmp.messaging.outgoing.uplink.max.in.flight.requests.per.connection=1";

    private static Servers servers;
    private static List<String> options;

    @BeforeAll
    static void start() {
        servers = Servers.startBelow(
                "spool", "-Dsluice.uplink.outage=spool", "-Dsluice.uplink.outage-grace=1s", ONE_BATCH);
    }

    @AfterAll
    static void stop() {
        if (servers != null) servers.close();
    }

    /** The gateway with these options; the one that runs, if it has them. */
    private static void serve(String... wanted) {
        if (!List.of(wanted).equals(options)) servers.serve(wanted);
        options = List.of(wanted);
    }

    private static void addClients(String test, Fleet fleet) {
        addAnswered(test, fleet);
        for (int i = 0; i < 2; i++) fleet.add(profile(test + "-qos0-" + i, QoS.AT_MOST_ONCE));
    }

    private static void addAnswered(String test, Fleet fleet) {
        for (int i = 0; i < CLIENTS; i++) fleet.add(profile(test + "-qos1-" + i, QoS.AT_LEAST_ONCE));
        for (int i = 0; i < 2; i++) fleet.add(profile(test + "-qos2-" + i, QoS.EXACTLY_ONCE));
    }

    private static Publisher.Profile profile(String clientId, QoS qos) {
        var version = clientId.hashCode() % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        return new Publisher.Profile(clientId, version, qos, qos == QoS.EXACTLY_ONCE, WINDOW, 1, PACE, 128);
    }

    private static List<Publisher> answered(Fleet fleet) {
        return fleet.all().stream()
                .filter(publisher -> publisher.profile().qos() != QoS.AT_MOST_ONCE)
                .toList();
    }

    @Test
    void devicesDoNotNoticeAnOutage() {
        serve();
        try (var fleet = new Fleet(servers.port())) {
            addClients("outage", fleet);
            fleet.awaitProgress(PATIENCE, 20, answered(fleet));
            outage("stopped", fleet, servers.kafka()::close, servers::startKafka);
            outage(
                    "frozen",
                    fleet,
                    servers.kafka().process()::freeze,
                    servers.kafka().process()::thaw);
            finish(fleet);
            var account = account("spool", fleet);
            account.assertNoRepeats();
            account.assertComplete();
            assertThat(fleet).allSatisfy(publisher -> {
                assertThat(publisher.disconnects()).isEmpty();
                assertThat(publisher.connects()).isEqualTo(1);
            });
        }
    }

    /** Publishers get on all the time, and records go to Kafka at once again after it. */
    private static void outage(String name, Fleet fleet, Runnable begin, Runnable end) {
        var watch = Stopwatch.start();
        var start = System.nanoTime();
        begin.run();
        awaitSpooling();
        fleet.awaitProgress(PATIENCE, 20, answered(fleet));
        assertThat(servers.readiness()).as("readiness with a spool").isEqualTo(200);
        Fleet.runOn(OUTAGE.minusNanos(System.nanoTime() - start));
        var rows = servers.query("SELECT count(*) FROM v_spool");
        end.run();
        var ended = System.nanoTime();
        awaitDrained();
        var drained = System.nanoTime() - ended;
        var longest = AckTimes.percentile(1, fleet, start, System.nanoTime());
        System.out.printf(
                Locale.ROOT,
                "spool, Kafka %s: %s rows at the end of the outage, drained %d ms after it; longest wait for an answer %.0f ms%n",
                name,
                rows,
                drained / 1_000_000,
                longest);
        assertThat(longest)
                .as("longest wait in ms")
                .isLessThan(LONGEST_ACK.plus(watch.stalled()).toMillis());
        fleet.awaitProgress(PATIENCE, 20, answered(fleet));
        assertThat(servers.query("SELECT sum(rows) + sum(bytes) FROM spool_count"))
                .isEqualTo("0");
    }

    private static void awaitSpooling() {
        await("records in the spool").atMost(PATIENCE).until(() -> !servers.query("SELECT count(*) FROM v_spool")
                .equals("0"));
    }

    /** Nobody holds a lane any more: what a gateway held that was killed just then is free, although the row names it still. */
    private static void awaitDrained() {
        await("an empty spool")
                .atMost(PATIENCE)
                .until(() -> servers.query("SELECT count(*) FROM v_spool").equals("0")
                        && servers.query("SELECT count(*) FROM spool_lane l JOIN spool_holder h ON h.id = l.holder"
                                        + " WHERE h.alive_until > now()")
                                .equals("0"));
    }

    private static void finish(Fleet fleet) {
        fleet.quiet(PATIENCE);
        awaitDrained();
        await("nothing under way")
                .atMost(PATIENCE)
                .until(() -> servers.metric("sluice_uplink_bytes_in_flight_bytes") == 0);
        assertThat(servers.metric("sluice_spool_failed_total")).isZero();
    }

    private static Account account(String name, Fleet fleet) {
        var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
        System.out.println(name + ": " + account.report());
        account.assertKept();
        return account;
    }

    @Test
    @Tag("long")
    void killsInTheOutageAndInTheDrainLoseNothing() {
        serve();
        try (var fleet = new Fleet(servers.port())) {
            addAnswered("kill", fleet);
            fleet.awaitProgress(PATIENCE, 20, fleet.all());
            servers.kafka().close();
            awaitSpooling();
            for (int i = 0; i < KILLS; i++) {
                Fleet.runOn(OUTAGE.dividedBy(2L * KILLS));
                restart("outage", fleet);
            }
            Fleet.runOn(OUTAGE.dividedBy(2));
            servers.startKafka();
            for (int i = 0; i < KILLS; i++) {
                await("a drain")
                        .pollInterval(Duration.ofMillis(20))
                        .atMost(PATIENCE)
                        .until(() -> servers.metric("sluice_spool_drained_total") > 0);
                restart("drain", fleet);
            }
            finish(fleet);
            account("spool, killed", fleet);
            assertThat(fleet)
                    .allSatisfy(publisher -> assertThat(publisher.disconnects()).isEmpty());
        }
    }

    private static void restart(String when, Fleet fleet) {
        servers.gateway().process().kill();
        var rows = servers.query("SELECT count(*) FROM spool");
        var watch = Stopwatch.start();
        servers.startGateway();
        fleet.awaitProgress(PATIENCE, 1, fleet.all());
        System.out.println("spool, killed in the " + when + ": " + rows + " rows, every device has an answer "
                + watch.elapsed().toMillis() + " ms later");
    }

    @Test
    @Tag("long")
    void aFullSpoolPausesUntilKafkaIsBack() {
        serve(SPOOL_ROWS);
        try (var fleet = new Fleet(servers.port())) {
            addClients("full", fleet);
            fleet.awaitProgress(PATIENCE, 20, answered(fleet));
            var full = servers.metric("sluice_spool_full_total");
            servers.kafka().close();
            await("a full spool")
                    .atMost(PATIENCE)
                    .until(() -> servers.readiness() == 503 && servers.metric("sluice_spool_full_total") > full);
            assertThat(Integer.parseInt(servers.query("SELECT count(*) FROM spool")))
                    .isBetween(ROWS / 2, ROWS + WINDOW * CLIENTS);
            servers.startKafka();
            fleet.awaitProgress(PATIENCE, WINDOW + 20, answered(fleet));
            finish(fleet);
            var account = account("spool, full", fleet);
            account.assertNoRepeats();
            account.assertComplete();
        }
    }

    /** One gateway cannot reach Kafka: what it spools reaches Kafka through the other, whose own clients go on. There is room for less than all of it. */
    @Test
    @Tag("long")
    void aGatewayThatIsCutOffFromKafkaIsServedByTheOther() {
        serve(SPOOL_ROWS);
        var cutOff = servers.settingsWithoutKafka(SPOOL_ROWS);
        try (var _ = GatewayProcess.start(cutOff);
                var there = new Fleet(cutOff.port());
                var here = new Fleet(servers.port())) {
            for (int i = 0; i < 4; i++) here.add(profile("here-" + i, QoS.AT_LEAST_ONCE));
            for (int i = 0; i < 4; i++) there.add(profile("there-" + i, QoS.AT_LEAST_ONCE));
            there.awaitProgress(PATIENCE, 20, there.all());
            var drained = servers.metric("sluice_spool_drained_total");
            for (int i = 0; i < 3; i++) {
                here.awaitProgress(SOON, 20, here.all());
                there.awaitProgress(SOON, 30, there.all());
            }
            assertThat(servers.metric("sluice_spool_drained_total")).isGreaterThan(drained + 100);
            there.quiet(PATIENCE);
            here.quiet(PATIENCE);
            awaitDrained();
            for (var fleet : List.of(here, there)) {
                var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
                account.assertKept();
                account.assertNoRepeats();
                account.assertComplete();
            }
        }
    }

    /** The last one: a record stays in the spool, and its counts are of other records than those that tests have put there. */
    @Order(Integer.MAX_VALUE)
    @Test
    @Tag("long")
    void whatKafkaDoesNotTakeHoldsUpNothing() {
        serve("-Dsluice.uplink.qos0-when-congested=drop");
        putWhatKafkaDoesNotTake();
        put(5, Servers.KAFKA_TOPIC, 10);
        put(6, Servers.KAFKA_TOPIC, 10);
        await("an empty spool but for one")
                .atMost(PATIENCE)
                .until(() -> servers.query("SELECT string_agg(state, ' ') FROM v_spool"), "failed"::equals);
        assertThat(servers.query("SELECT failure FROM v_spool WHERE bytes > 1000000"))
                .contains("larger");
        assertThat(servers.metric("sluice_spool_failed_total")).isEqualTo(1);
        assertThat(servers.metric("sluice_spool_drained_total")).isEqualTo(6);
        assertThat(servers.metric("sluice_uplink_producer_replaced_total")).isZero();
        assertThat(deadLetters())
                .hasSize(4)
                .anySatisfy((reason, _) -> assertThat(reason).contains(OLDEST))
                .containsEntry("the Kafka topic nowhere does not exist", 10)
                .containsEntry("the Kafka topic fleet.telemetry has no partition 99", 10)
                .anySatisfy((reason, bytes) -> {
                    assertThat(reason).contains("larger");
                    assertThat(bytes).isZero();
                });
        shedInAnOutage();
        servers.gateway().process().kill();
        put(7, Servers.KAFKA_TOPIC, 10);
        servers.startGateway("-Dsluice.uplink.outage=pause");
        awaitNoneWaits();
        put(7, Servers.KAFKA_TOPIC, 10);
        awaitNoneWaits();
        becomePunctual();
        put(7, Servers.KAFKA_TOPIC, 10);
        awaitNoneWaits();
        assertThat(deadLetters()).hasSize(5);
    }

    private static void putWhatKafkaDoesNotTake() {
        var topic = new NewTopic("punctual", 1, (short) 1).configs(Map.of(OLDEST, "3600000"));
        servers.kafka().createTopics(List.of(topic));
        put(5, "punctual", 10);
        put(5, "nowhere", 10);
        put(5, 99, 0, 10);
        put(5, Servers.KAFKA_TOPIC, 2 << 20);
        put(5, null, 2 << 20, 10);
    }

    /** The gateway does not know it for a few seconds, so that Kafka has to refuse what is too old. */
    private static void becomePunctual() {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, Servers.KAFKA_TOPIC);
        var oldest = new AlterConfigOp(new ConfigEntry(OLDEST, "3600000"), AlterConfigOp.OpType.SET);
        try (var admin =
                Admin.create(Map.of("bootstrap.servers", servers.kafka().bootstrap()))) {
            GuardedKafka.await(admin.incrementalAlterConfigs(Map.of(topic, List.of(oldest)))
                    .all());
        }
    }

    /** Reasons, and the bytes of their payloads. */
    private static Map<String, Integer> deadLetters() {
        var letters = new HashMap<String, Integer>();
        try (var records = KafkaRecords.fromBeginning(servers.kafka().bootstrap(), "sluice.dead-letter")) {
            records.readToEnd(record -> letters.put(
                    new String(record.headers().lastHeader("dead-letter-reason").value(), StandardCharsets.UTF_8),
                    record.value() == null ? 0 : record.value().length));
        }
        return letters;
    }

    private static void put(int lane, String kafkaTopic, int bytes) {
        new SpooledByHand(lane, kafkaTopic, null, 0, bytes).insert(servers);
    }

    private static void put(int lane, Integer partition, int keyBytes, int bytes) {
        new SpooledByHand(lane, Servers.KAFKA_TOPIC, partition, keyBytes, bytes).insert(servers);
    }

    private static void awaitNoneWaits() {
        await("nothing that waits")
                .atMost(Duration.ofSeconds(40))
                .until(() -> servers.query("SELECT count(*) FROM v_spool WHERE state <> 'failed'"), "0"::equals);
    }

    /** QoS 0 as the configuration says, the others not. */
    private static void shedInAnOutage() {
        try (var fleet = new Fleet(servers.port())) {
            fleet.add(profile("qos0-shed", QoS.AT_MOST_ONCE));
            fleet.add(profile("qos1-kept", QoS.AT_LEAST_ONCE));
            fleet.awaitProgress(Duration.ofSeconds(60), 20, fleet.of(QoS.AT_LEAST_ONCE));
            assertThat(servers.metric("sluice_uplink_shed_total")).isZero();
            servers.kafka().process().freeze();
            awaitSpooling();
            fleet.awaitProgress(LONGEST_ACK, 20, fleet.of(QoS.AT_LEAST_ONCE));
            awaitShed(20);
            // Kafka's producer had it when Kafka froze.
            var underWay = spooledOfQoS0();
            assertThat(underWay).isLessThan(10);
            awaitShed(servers.metric("sluice_uplink_shed_total") + 20);
            assertThat(spooledOfQoS0()).isEqualTo(underWay);
            servers.kafka().process().thaw();
            fleet.quiet(PATIENCE);
            awaitNoneWaits();
        }
    }

    private static void awaitShed(double messages) {
        await("messages shed").until(() -> servers.metric("sluice_uplink_shed_total") > messages);
    }

    private static int spooledOfQoS0() {
        return Integer.parseInt(
                servers.query("SELECT count(*) FROM v_spool WHERE client_id = 'qos0-shed' AND state = 'waiting'"));
    }
}
