package dev.sluice.store;

import static dev.sluice.store.Messages.copy;
import static dev.sluice.store.Messages.expiring;
import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.QoS;
import dev.sluice.store.StoreRig.Settings;
import dev.sluice.store.delivery.RetainedReader.Asked;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PostgreSQL's clock is hours from the gateway's: neither must keep a message longer than it may live, or end it too early. */
@Tag("postgres")
class TwoClocksTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final long LIFE = 600_000;
    private static final long TOLERANCE = 60_000;

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    /** Functions that are found before PostgreSQL's own of the same name. */
    private static String clock(int hours) {
        var schema = hours > 0 ? "ahead" : "behind";
        SERVER.execute("CREATE SCHEMA IF NOT EXISTS " + schema);
        for (var name : List.of("now", "clock_timestamp"))
            SERVER.execute(
                    "CREATE OR REPLACE FUNCTION %s.%s() RETURNS timestamptz LANGUAGE sql AS $$SELECT pg_catalog.%s() + interval '%d h'$$"
                            .formatted(schema, name, name, hours));
        return Pools.patientSql() + "; SET search_path = " + schema + ", pg_catalog, public";
    }

    @ParameterizedTest
    @ValueSource(ints = {-3, 3})
    void messagesExpireInTime(int hours) throws Exception {
        try (var pool = Pools.patient(SERVER, clock(hours));
                var rig = new StoreRig(pool, Settings.ONE_LANE)) {
            var epoch = rig.open("c", false, 60).epoch();
            rig.accept("p", expiring("t", "over", -1000), copy("c")).join();
            rig.accept("p", expiring("t", "lives", LIFE), copy("c")).join();
            rig.retain(expiring("over", "x", -1000)).join();
            rig.retain(expiring("lives", "x", LIFE)).join();
            rig.disconnect("c", epoch, 60, 0).join();

            assertThat(rig.sweep.sweepQueued()).isEqualTo(1);
            assertThat(rig.sweep.sweepRetained()).isEqualTo(1);

            var end = System.currentTimeMillis() + LIFE;
            assertThat(rig.queues.page("c", 0, 10, 10_000).rows())
                    .singleElement()
                    .satisfies(row -> assertThat(row.message().expiresAt()).isCloseTo(end, within(TOLERANCE)));
            var topics = List.of(TopicName.of("lives"), TopicName.of("over"));
            var asked = new Asked(topics, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, QoS.AT_LEAST_ONCE, 10_000);
            assertThat(rig.retained.read(asked).messages())
                    .singleElement()
                    .satisfies(message -> assertThat(message.expiresAt()).isCloseTo(end, within(TOLERANCE)));
        }
    }

    /** Gateways whose clocks are an hour behind and ahead of PostgreSQL's. */
    @Test
    void theLaterOfTwoGatewaysRetainsAndSubscribersSeeWhatWasBefore() {
        var hour = Duration.ofHours(1);
        try (var ahead = rig(Clock.offset(Clock.systemUTC(), hour));
                var behind = rig(Clock.offset(Clock.systemUTC(), hour.negated()))) {
            ahead.retain(message("t", "first")).join();
            ahead.retain(message("t", "second")).join();
            awaitLater(behind);
            behind.retain(message("t", "third")).join();
            assertThat(SERVER.value("SELECT convert_from(payload, 'UTF8') FROM retained"))
                    .isEqualTo("third");
            awaitLater(ahead);
            ahead.retain(message("t", "fourth")).join();
            assertThat(SERVER.value("SELECT convert_from(payload, 'UTF8') FROM retained"))
                    .isEqualTo("fourth");
        }
    }

    /** Each knows PostgreSQL's clock but for the time that an answer takes. */
    private static void awaitLater(StoreRig rig) {
        var stamp = Long.parseLong(SERVER.value("SELECT stamp FROM retained"));
        var begun = rig.retainedTopics.begin(() -> null).stamp();
        assertThat(begun).isCloseTo(stamp, within(TimeUnit.MILLISECONDS.toMicros(TOLERANCE)));
        await().until(() -> rig.retainedTopics.begin(() -> null).stamp() > stamp);
    }

    private static StoreRig rig(Clock own) {
        return new StoreRig(Pools.patient(SERVER), Settings.ONE_LANE, own);
    }

    @Test
    void aClockThatAgreesWithinTheTimeOfAnAnswerIsNotMoved() {
        var now = Instant.parse("2026-01-02T03:04:05.000006Z");
        var clock = new StoreClock(Clock.fixed(now, ZoneOffset.UTC));
        var micros = clock.micros();
        var aSecondAgo = System.nanoTime() - 1_000_000_000L;
        clock.answered(aSecondAgo, micros - 500_000);
        assertThat(clock.micros()).isEqualTo(micros);
        clock.answered(aSecondAgo, micros + 7_000_000);
        assertThat(clock.micros()).isEqualTo(micros + 7_000_000);
        clock.answered(aSecondAgo, micros + 6_500_000);
        assertThat(clock.micros()).isEqualTo(micros + 7_000_000);
    }

    @ParameterizedTest
    @ValueSource(ints = {-3, 3})
    void theDistanceIsMeasuredAndToldOf(int hours) {
        try (var pool = Pools.patient(SERVER, clock(hours));
                var rig = new StoreRig(pool, Settings.ONE_LANE)) {
            var meters = new SimpleMeterRegistry();
            var watch = watch(rig, meters);
            var skew = meters.get("sluice.store.clock.skew").gauge();
            assertThat(skew.value()).isNaN();
            assertThat(watch.skewComplaint()).isNull();

            watch.look();

            assertThat(skew.value()).isCloseTo(hours * 3600.0, within(60.0));
            assertThat(watch.skewComplaint()).contains(hours > 0 ? "s behind PostgreSQL's" : "s ahead of PostgreSQL's");
        }
    }

    static StoreWatch watch(StoreRig rig, SimpleMeterRegistry meters) {
        var requests = new StoreRequests(rig.pool, Settings.ONE_LANE, rig.health, new SimpleMeterRegistry());
        return new StoreWatch(requests, Settings.ONE_LANE, meters);
    }
}
