package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * A gateway of an earlier version and one of this version serve one fleet, as in a rolling upgrade: clients move between both, either is killed
 * and starts again, also the earlier one on the schema of the later one. On request, with a commit or a jar:
 * {@code -Dversion.before=HEAD~1}.
 */
@EnabledIfSystemProperty(named = "version.before", matches = ".+")
class TwoVersionsIT {
    private static final Crowd CROWD = new Crowd(12, 4);
    private static final Duration LONGEST_WALK = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** What versions up to 0.1.0 have to be told. */
    private static final String LATER_SCHEMA = "-Dquarkus.flyway.ignore-migration-patterns=*:future";

    private final Random random = new Random();
    private GatewayFleet gateways;
    private Fleet publishers;
    private Audience audience;

    @Test
    void gatewaysOfTwoVersionsServeOneFleet() throws Exception {
        var seed = System.nanoTime();
        random.setSeed(seed);
        System.out.printf("versions: seed %d%n", seed);
        var jar = EarlierJar.of(System.getProperty("version.before"));
        try (var started =
                        GatewayFleet.start("versions", 0, LATER_SCHEMA, "-Dsluice.limits.take-over-delay-maximum=0s");
                var listeners = new Audience(started.port());
                var fleet = new Fleet(started.port())) {
            gateways = started;
            audience = listeners;
            publishers = fleet;
            var earlier = gateways.add(jar);
            var durable = CROWD.subscribe(audience, "durable", true);
            var live = CROWD.subscribe(audience, "live", false);
            CROWD.publish(publishers);
            CROWD.forEachWay(publishers, durable, audience::owe);
            awaitServed();
            var later = upgrade();
            move();
            dieInTurns(earlier, later);
            move();
            // Back to the version before, and on to this one.
            gateways.stop(later);
            awaitServed();
            gateways.restart(later);
            gateways.stop(earlier);
            awaitServed();
            settle(live);
            assertKept();
        }
    }

    /** This version migrates the schema while the one before goes on. */
    private String upgrade() {
        var connects = connects();
        gateways.add(1);
        awaitServed();
        assertThat(connects()).as("connects during the migration").isEqualTo(connects);
        await("a version for each gateway")
                .until(() -> gateways.query("SELECT count(version) FROM node").equals("2"));
        return gateways.names().getLast();
    }

    private int connects() {
        return publishers.all().stream().mapToInt(Publisher::connects).sum();
    }

    /** Everybody goes to and fro between both. */
    private void move() {
        for (var subscriber : audience) subscriber.wander(random.nextLong(), LONGEST_WALK);
        for (int i = 0; i < 5; i++) {
            gateways.cut(_ -> random.nextInt(3) == 0);
            Fleet.runOn(Duration.ofMillis(random.nextInt(2000)));
            awaitServed();
        }
    }

    private void dieInTurns(String earlier, String later) {
        for (var victim : List.of(earlier, later, earlier)) {
            gateways.kill(victim);
            System.out.println("versions: killed " + victim);
            awaitServed();
            gateways.restart(victim);
            gateways.cut(_ -> random.nextInt(2) == 0);
            awaitServed();
        }
    }

    private void awaitServed() {
        publishers.awaitProgress(PATIENCE, 5, publishers.all());
    }

    /** Everybody comes back; those without a session hear what is said from then on. */
    private void settle(List<Subscriber> live) {
        audience.forEach(Subscriber::stay);
        Crowd.awaitSubscribed(live);
        CROWD.forEachWay(publishers, live, audience::oweFromNow);
        gateways.comeToRest(publishers, audience, PATIENCE);
    }

    private void assertKept() {
        gateways.assertKept("versions", publishers, audience);
        assertThat(gateways.logged(" ERROR ")).isEmpty();
    }
}
