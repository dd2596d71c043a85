package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Several gateways behind one port, of which one after the other is killed or frozen, while everybody publishes, hears and reconnects at any
 * of them: Kafka and those who are owed it get what was acknowledged, in order, and with a session at QoS 2 once; Wills are published,
 * and presence is true in the end. With {@code -Dgateways.faults=60} it is the long run, and {@code -Dgateways=1} leaves one gateway alone.
 */
class GatewaysFaultIT {
    private static final int FAULTS = Integer.getInteger("gateways.faults", 6);
    private static final int GATEWAYS = Integer.getInteger("gateways", 3);
    private static final boolean IS_LONG = FAULTS > 6;
    /** Every so many faults, the second one first, a gateway is frozen; of these, every other time for less than its lease. */
    private static final int FREEZE_ROUND = 3;

    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final Crowd CROWD = IS_LONG ? new Crowd(200, 50) : new Crowd(16, 6);
    private static final int PRESENT = IS_LONG ? 40 : 8;
    private static final int SHARED = 4;
    private static final int MEMBERS = 3;
    private static final int DEVICES = IS_LONG ? 60 : 12;
    private static final Duration PACE = Duration.ofMillis(250);
    private static final Duration COMMAND_PACE = Duration.ofMillis(IS_LONG ? 20 : 80);
    private static final Duration LONGEST_WALK = Duration.ofSeconds(IS_LONG ? 3 : 5);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final String[] OPTIONS = {
        // Longer than devices take to come back.
        "-Dsluice.downlink.patience=120s", "-Dsluice.limits.take-over-delay-maximum=0s"
    };

    private final Random random = new Random();
    private final List<Long> waits = new ArrayList<>();
    private GatewayFleet gateways;
    private Fleet publishers;
    private Audience audience;
    private Mortals mortals;
    private Presences presences;

    @Test
    void whateverDiesNothingAcknowledgedIsLost() throws Exception {
        var seed = System.nanoTime();
        random.setSeed(seed);
        System.out.printf("gateways: seed %d%n", seed);
        try (var started = GatewayFleet.start("gateways", GATEWAYS, OPTIONS);
                var listeners = new Audience(started.port());
                var fleet = new Fleet(started.port());
                var dying = new Mortals(started);
                var devices = new CommandedDevices(started, DEVICES, COMMAND_PACE);
                var present = Presences.start(started.port(), PRESENT)) {
            gateways = started;
            audience = listeners;
            publishers = fleet;
            mortals = dying;
            presences = present;
            var durable = CROWD.subscribe(audience, "durable", true);
            var live = CROWD.subscribe(audience, "live", false);
            CROWD.publish(publishers);
            CROWD.forEachWay(publishers, durable, audience::owe);
            try (var group = SharedGroup.start(started.port(), MEMBERS, sharedProfiles(), fleet)) {
                group.expectDisconnects();
                devices.start(random);
                devices.expectDisconnects();
                fleet.awaitProgress(PATIENCE, 5, fleet.all());
                for (var subscriber : audience) subscriber.wander(random.nextLong(), LONGEST_WALK);
                group.wander(random, LONGEST_WALK);
                for (int round = 1; round <= FAULTS; round++) live(round);
                System.out.printf("gateways: acknowledgements again after a fault in ms %s%n", waits);
                settle(live, group, devices);
                assertKept(durable, group, devices);
            }
        }
    }

    private static List<Publisher.Profile> sharedProfiles() {
        return IntStream.range(0, SHARED)
                .mapToObj(i -> new Publisher.Profile(
                        "shared-" + i, ProtocolVersion.V5, QoS.EXACTLY_ONCE, true, 16, 1, PACE, 128))
                .toList();
    }

    /** From one fault until everybody is served again. */
    private void live(int round) {
        mortals.leave(round);
        mortals.cut(round);
        reconnectSome();
        Fleet.runOn(Duration.ofMillis(random.nextInt(1500)));
        var victim = gateways.any(random);
        if (round % FREEZE_ROUND == 2) freeze(victim, round);
        else kill(victim, round);
        awaitServed();
    }

    /** The others serve everybody before one takes its place, under the same name, or more often under another one. */
    private void kill(String victim, int round) {
        mortals.hold(round, gateways.port(victim));
        gateways.kill(victim);
        tell(round, "killed", victim);
        if (GATEWAYS > 1) {
            reconnectSome();
            awaitServed();
        }
        if (GATEWAYS == 1 || random.nextInt(3) == 0) gateways.restart(victim);
        else gateways.replace();
    }

    /** Some of its clients notice and go elsewhere, at once or later; some wait for it. */
    private void freeze(String victim, int round) {
        var isBrief = GATEWAYS == 1 || round / FREEZE_ROUND % 2 == 1;
        var port = gateways.port(victim);
        if (!isBrief) mortals.hold(round, port);
        gateways.freeze(victim);
        tell(round, isBrief ? "frozen within its lease" : "frozen beyond its lease", victim);
        gateways.cut(its -> its == port && random.nextBoolean());
        Fleet.runOn(isBrief ? LEASE.dividedBy(3) : LEASE.plusSeconds(3));
        gateways.cut(its -> its == port && random.nextBoolean());
        gateways.thaw(victim);
    }

    private static void tell(int round, String what, String victim) {
        System.out.printf("gateways: fault %d at %s, %s %s%n", round, LocalTime.now(), victim, what);
    }

    private void awaitServed() {
        var start = System.nanoTime();
        publishers.awaitProgress(PATIENCE, 1, publishers.all());
        waits.add(Duration.ofNanos(System.nanoTime() - start).toMillis());
    }

    /** What has gone on without having been seen by all, or without having seen all. */
    private String outOfPatience() {
        return Stream.of("patience_exceeded", "catch_up_exceeded", "gaps")
                .map(what -> what + " " + gateways.metric("sluice_relay_" + what + "_total"))
                .collect(Collectors.joining(", "));
    }

    /** At random, to any gateway. */
    private void reconnectSome() {
        gateways.cut(_ -> random.nextInt(4) == 0);
    }

    /** Everybody comes back, those without a session hear what is said from then on, and everything comes to rest. */
    private void settle(List<Subscriber> live, SharedGroup group, CommandedDevices devices) throws Exception {
        audience.forEach(Subscriber::stay);
        Crowd.awaitSubscribed(live);
        CROWD.forEachWay(publishers, live, audience::oweFromNow);
        publishers.awaitProgress(PATIENCE, 10, publishers.all());
        publishers.quiet(PATIENCE);
        presences.finish();
        audience.awaitComplete(PATIENCE);
        group.finish(PATIENCE);
        devices.finish(PATIENCE.multipliedBy(2));
        await("an empty spool").atMost(PATIENCE).until(() -> gateways.query("SELECT count(*) FROM v_spool")
                .equals("0"));
    }

    private void assertKept(List<Subscriber> durable, SharedGroup group, CommandedDevices devices) {
        var account = Account.of(gateways.bootstrap(), Servers.KAFKA_TOPIC, publishers.all());
        System.out.printf(
                "gateways, faults %d: %s; %s; %s; %s; %s; out of patience %s%n",
                FAULTS,
                account.report(),
                audience.report(),
                group.report(),
                devices.report(),
                presences.report(),
                outOfPatience());
        account.assertKept();
        account.assertComplete();
        audience.assertKept();
        group.assertKept();
        devices.assertKept();
        assertThat(devices.told())
                .as("no operator has done anything")
                .doesNotContain("DISCONNECT ADMINISTRATIVE_ACTION");
        mortals.assertWills(durable.getFirst().inbox());
        for (var name : gateways.names()) presences.assertTrue(gateways.port(name));
        await("empty queues")
                .until(() -> gateways.query("SELECT count(*) FROM queued").equals("0"));
    }
}
