package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.fault.PostgresPair.Address;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Knock;
import dev.sluice.support.Publisher;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * A synchronous standby takes over from the primary under load, behind one address: service is back within seconds, nothing that was
 * acknowledged is lost, and nothing comes twice at QoS 2. With {@code -Dfailover.all=true} also from primaries that say nothing any more.
 */
class FailoverFaultIT {
    private static final Duration BACK = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PUBLISHERS = 12;
    private static final int SUBSCRIBERS = 6;
    private static final Duration PACE = Duration.ofMillis(100);

    @Test
    void theFirstStaysUpReadOnly() {
        failOver("read-only", Address.PROXY, PostgresPair::makeFirstReadOnly);
    }

    @Test
    @EnabledIfSystemProperty(named = "failover.all", matches = "true")
    void theFirstIsFrozen() {
        failOver("frozen", Address.PROXY, PostgresPair::freezeFirst);
    }

    @Test
    @EnabledIfSystemProperty(named = "failover.all", matches = "true")
    void whatIsSentToTheFirstIsLost() {
        failOver("swallowed", Address.PROXY, PostgresPair::cutFirstOff);
    }

    @Test
    @EnabledIfSystemProperty(named = "failover.all", matches = "true")
    void theNameLeadsToTheSecond() {
        failOver("name", Address.NAME, PostgresPair::makeFirstReadOnly);
    }

    @Test
    @EnabledIfSystemProperty(named = "failover.all", matches = "true")
    void theFirstIsFrozenAndBothAreInTheUrl() {
        failOver("hosts", Address.HOSTS, PostgresPair::freezeFirst);
    }

    private static void failOver(String name, Address address, Consumer<PostgresPair> fault) {
        try (var pair = PostgresPair.start(Servers.folder("failover-" + name + "-postgres"), address);
                var servers = Servers.startOn(pair.url(), "failover-" + name, pair.javaOptions());
                var audience = new Audience(servers.port());
                var fleet = new Fleet(servers.port())) {
            subscribe(audience);
            publish(fleet, audience);
            fleet.awaitProgress(PATIENCE, 15, fleet.all());
            try (var knocking = new Knocking(servers.port())) {
                fault.accept(pair);
                pair.promoteSecond();
                var watch = Stopwatch.start();
                fleet.awaitProgress(PATIENCE, 1, fleet.all());
                var answered = watch.elapsed();
                knocking.awaitOpen();
                watch.assertLessThan(BACK);
                System.out.printf(
                        Locale.ROOT,
                        "failover %s: answers again after %d ms, CONNECT after %d ms; %d CONNECTs refused meanwhile%n",
                        name,
                        answered.toMillis(),
                        watch.elapsed().toMillis(),
                        knocking.refused.get());
            }
            await("green").until(() -> servers.readiness() == 200);
            fleet.awaitProgress(PATIENCE, 15, fleet.all());
            fleet.quiet(PATIENCE);
            audience.awaitComplete(PATIENCE);
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.printf("failover %s: %s; %s%n", name, audience.report(), account.report());
            audience.assertKept();
            account.assertKept();
        }
    }

    private static void subscribe(Audience audience) {
        for (int i = 0; i < SUBSCRIBERS; i++) {
            var version = i / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            var qos = i % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
            var filters = List.of(profile(2 * i).topic(), profile(2 * i + 1).topic());
            audience.add(new Subscriber.Profile("subscriber-" + i, version, qos, true, filters));
        }
        audience.awaitAll(PATIENCE, "subscriptions", Subscriber::isSubscribed);
    }

    private static void publish(Fleet fleet, Audience audience) {
        for (int i = 0; i < PUBLISHERS; i++) fleet.add(profile(i));
        int number = 0;
        for (var subscriber : audience) {
            audience.owe(fleet.all().get(2 * number), subscriber);
            audience.owe(fleet.all().get(2 * number + 1), subscriber);
            number++;
        }
    }

    private static Publisher.Profile profile(int publisher) {
        var version = publisher / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        var qos = publisher % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
        return new Publisher.Profile("publisher-" + publisher, version, qos, qos == QoS.EXACTLY_ONCE, 16, 1, PACE, 128);
    }

    /** A client that comes, again and again, under a new name each time. */
    private static final class Knocking implements AutoCloseable {
        private final AtomicInteger refused = new AtomicInteger();
        private final List<Knock> knocks = new ArrayList<>();
        private final AtomicBoolean ended = new AtomicBoolean();
        private final Thread thread;

        Knocking(int port) {
            thread = Thread.ofVirtual().start(() -> {
                for (int i = 0; !ended.get(); i++) {
                    var knock = Knock.at(port, ProtocolVersion.V5, "knock-" + i);
                    synchronized (knocks) {
                        knocks.add(knock);
                        if (knock.reason() != ReasonCode.SUCCESS) refused.incrementAndGet();
                    }
                }
            });
        }

        /** Waits until one more is taken. */
        void awaitOpen() {
            var before = taken();
            await("CONNECT").pollInterval(Duration.ofMillis(20)).until(() -> taken() > before);
        }

        private long taken() {
            synchronized (knocks) {
                return knocks.stream()
                        .filter(knock -> knock.reason() == ReasonCode.SUCCESS)
                        .count();
            }
        }

        @Override
        public void close() {
            ended.set(true);
            try {
                assertThat(thread.join(Duration.ofSeconds(20))).isTrue();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
