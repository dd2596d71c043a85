package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.Ports;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Crossing;
import dev.sluice.support.Gateway;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Of three gateways, one is cut off from Kafka alone, then from PostgreSQL alone; then PostgreSQL is away for all of them. Whoever is not cut
 * off goes on, nobody is buried who only had no PostgreSQL when nobody had, and nothing that was acknowledged is lost; not even for who has no
 * stored session, as the one that is cut off from PostgreSQL ends its connections when it was buried.
 */
@Tag("long")
class CutOffFaultIT {
    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration KAFKA_AWAY = Duration.ofSeconds(8);
    private static final Duration POSTGRES_AWAY = LEASE.plusSeconds(5);
    private static final Duration PACE = Duration.ofMillis(100);
    /** Acknowledgements of each, of a second or so. */
    private static final int SOME = 10;

    private static final String RUNS = "SELECT string_agg(id || ' ' || run, ', ' ORDER BY id) FROM v_node";

    private GatewayFleet gateways;
    private String apart;
    private Fleet here;
    private Fleet there;
    /** There, for a subscriber here without a stored session. */
    private Fleet live;

    /** With a listener that leads through the test. */
    private static Map<String, String> listeners(int port, Crossing way) {
        return Map.of(
                "listeners", "APART://127.0.0.1:" + port,
                "advertised.listeners", "APART://127.0.0.1:" + way.port(),
                "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,APART:PLAINTEXT");
    }

    @Test
    void whoeverIsNotCutOffGoesOnAndNothingIsLost() throws Exception {
        var kafkaPort = Ports.free();
        try (var toKafka = Crossing.to(kafkaPort);
                var kafka = EmbeddedKafka.start(
                        Ports.free(), Servers.folder("cut-off-kafka"), listeners(kafkaPort, toKafka));
                var started = GatewayFleet.start("cut-off", Optional.of(kafka.bootstrap()), 2);
                var toPostgres = Crossing.to(started.postgresPort())) {
            gateways = started;
            apart = started.addApart("127.0.0.1:" + toKafka.port(), toPostgres.port());
            var port = started.port(started.names().getFirst());
            try (var publishersHere = new Fleet(port);
                    var publishersThere = new Fleet(started.port(apart));
                    var publishersLive = new Fleet(started.port(apart));
                    var audienceLive = new Audience(port);
                    var audienceHere = new Audience(port);
                    var audienceThere = new Audience(started.port(apart))) {
                here = publishersHere;
                there = publishersThere;
                live = publishersLive;
                fill(audienceHere, audienceThere);
                fillLive(audienceLive);
                fromKafka(toKafka, kafkaPort);
                fromPostgres(toPostgres);
                allFromPostgres(audienceHere, audienceThere);
                here.quiet(PATIENCE);
                there.quiet(PATIENCE);
                live.quiet(PATIENCE);
                for (var audience : List.of(audienceHere, audienceThere, audienceLive)) {
                    audience.awaitComplete(PATIENCE);
                    audience.assertKept();
                }
            }
            var everybody = Stream.concat(all().stream(), live.all().stream()).toList();
            var account = Account.of(kafka.bootstrap(), Servers.KAFKA_TOPIC, everybody);
            System.out.println("cut off: " + account.report());
            account.assertKept();
            account.assertComplete();
        }
    }

    private List<Publisher> all() {
        return Stream.concat(here.all().stream(), there.all().stream()).toList();
    }

    /** Publishers at two gateways, and at both somebody with a stored session who is owed all that they publish. */
    private void fill(Audience... audiences) {
        for (int i = 0; i < 4; i++) {
            here.add(profile("here-" + i, i));
            there.add(profile("there-" + i, i));
        }
        var topics =
                all().stream().map(publisher -> publisher.profile().topic()).toList();
        for (int i = 0; i < audiences.length; i++) {
            var subscriber = audiences[i].add(
                    new Subscriber.Profile("subscriber-" + i, ProtocolVersion.V5, QoS.EXACTLY_ONCE, true, topics));
            subscriber.expectDisconnects();
            await("a subscription").atMost(PATIENCE).until(subscriber::isSubscribed);
            for (var publisher : all()) audiences[i].oweFromNow(publisher, subscriber);
        }
        here.awaitProgress(PATIENCE, SOME, all());
    }

    private void fillLive(Audience audience) {
        var subscriber = audience.add(new Subscriber.Profile(
                "live-subscriber", ProtocolVersion.V5, QoS.AT_LEAST_ONCE, false, List.of("fleet/live-0/telemetry")));
        await("a subscription").atMost(PATIENCE).until(subscriber::isSubscribed);
        live.add(profile("live-0", 1));
        audience.owe(live.all().getFirst(), subscriber);
        live.awaitProgress(PATIENCE, SOME, live.all());
    }

    private static Publisher.Profile profile(String name, int number) {
        var qos = number % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
        return new Publisher.Profile(name, ProtocolVersion.V5, qos, qos == QoS.EXACTLY_ONCE, 16, 1, PACE, 128);
    }

    private int readiness() {
        return Gateway.get(gateways.port(apart), "/q/health/ready").statusCode();
    }

    private void fromKafka(Crossing way, int kafkaPort) {
        var runs = gateways.query(RUNS);
        way.cut();
        await("not ready").atMost(PATIENCE).until(() -> readiness() == 503);
        Fleet.runOn(KAFKA_AWAY);
        here.awaitProgress(PATIENCE, SOME, here.all());
        way.lead(kafkaPort);
        here.awaitProgress(PATIENCE, SOME, all());
        await("ready").atMost(PATIENCE).until(() -> readiness() == 200);
        assertThat(gateways.query(RUNS)).isEqualTo(runs);
    }

    /** What it had locked is free after seconds, and what it was is buried after its lease; it begins anew when it can. */
    private void fromPostgres(Crossing way) {
        var run = gateways.query("SELECT run FROM v_node WHERE id = ?", apart);
        var begun = System.nanoTime();
        way.swallow();
        here.awaitProgress(LEASE, SOME, here.all());
        System.out.printf("cut off: served elsewhere again after %d ms%n", (System.nanoTime() - begun) / 1_000_000);
        live.awaitProgress(LEASE, SOME, live.all());
        await("the burial").atMost(PATIENCE).until(() -> gateways.query(
                        "SELECT count(*) FROM v_node WHERE id = ?", apart)
                .equals("0"));
        assertThat(gateways.query("SELECT connected FROM v_session WHERE client_id = 'subscriber-1'"))
                .isEqualTo("f");
        // Whose message was on its way to another gateway is told to send it again.
        await("the end of its connections").atMost(PATIENCE).until(() -> Stream.concat(
                        there.all().stream(), live.all().stream())
                .flatMap(publisher -> publisher.disconnects().stream())
                .anyMatch(told -> told.reason() == ReasonCode.SERVER_SHUTTING_DOWN));
        way.lead(gateways.postgresPort());
        await("another run").atMost(PATIENCE).until(() -> {
            var now = gateways.query("SELECT run FROM v_node WHERE id = ? AND state = 'alive'", apart);
            return now != null && !now.equals(run);
        });
        await("ready").atMost(PATIENCE).until(() -> readiness() == 200);
        here.awaitProgress(PATIENCE, SOME, all());
    }

    private void allFromPostgres(Audience... audiences) {
        for (var audience : audiences) audience.awaitAll(PATIENCE, "subscribers are back", Subscriber::isOnline);
        var runs = gateways.query(RUNS);
        var connects = connects(audiences);
        gateways.postgres().freeze();
        Fleet.runOn(POSTGRES_AWAY);
        gateways.postgres().thaw();
        here.awaitProgress(PATIENCE, SOME, all());
        // As long as a burial could come after it.
        Fleet.runOn(LEASE.plusSeconds(2));
        assertThat(gateways.query(RUNS)).as("nobody is buried").isEqualTo(runs);
        assertThat(connects(audiences)).as("no connection has ended").isEqualTo(connects);
    }

    private int connects(Audience... audiences) {
        var connects = all().stream().mapToInt(Publisher::connects).sum();
        for (var audience : audiences) for (var subscriber : audience) connects += subscriber.connects();
        return connects;
    }
}
