package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayRig.PATIENCE;
import static dev.sluice.cluster.relay.RelayRig.await;
import static dev.sluice.cluster.relay.RelayRig.queued;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Relays of several gateways over a real Kafka. */
class KafkaRelayIT {
    /** Of a gateway of which a test waits until it waits no more. */
    private static final Duration IMPATIENT = Duration.ofSeconds(1);

    @TempDir
    private static Path folder;

    private static EmbeddedKafka kafka;
    private RelayRig rig;

    @BeforeAll
    static void startKafka() {
        kafka = EmbeddedKafka.start(Ports.free(), folder);
    }

    @AfterAll
    static void stopKafka() {
        kafka.process().kill();
    }

    @BeforeEach
    void start() {
        rig = new RelayRig(kafka);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static Interest wants(String filter) {
        return new Interest(List.of(new Wanted(filter, Reach.ALL)));
    }

    @Test
    void lettersComeInOrderAndLargeOnesWhole() {
        var a = rig.started("a");
        var b = rig.start("b");
        var letters = new CopyOnWriteArrayList<Long>();
        var large = new CopyOnWriteArrayList<byte[]>();
        b.relay.on(
                Queued.class,
                (from, letter) -> letters.add(letter.places().getFirst().seq()));
        b.relay.on(Live.class, (from, letter) -> large.add(letter.message().payload()));
        b.relay.start();
        await("b is ready", b.relay::isReady);
        var acknowledged = new Semaphore(0);
        for (int i = 0; i < 5000; i++) a.relay.send(b.gateway, queued(i), ok -> acknowledged.release(ok ? 1 : 0));
        var payload = new byte[3_000_000];
        Arrays.fill(payload, (byte) 7);
        var message = new Message(TopicName.of("t"), QoS.AT_LEAST_ONCE, false, Properties.NONE, payload, Message.NEVER);
        a.relay.send(b.gateway, new Live(message, null, true, List.of()), ok -> acknowledged.release(ok ? 1 : 0));
        await("all letters", () -> letters.size() == 5000 && large.size() == 1);
        for (int i = 0; i < 5000; i++) assertThat(letters.get(i)).isEqualTo(i);
        assertThat(large.getFirst()).isEqualTo(payload);
        await("all are acknowledged", () -> acknowledged.availablePermits() == 5001);
        assertThat(b.count("sluice.relay.gaps")).isZero();
    }

    @Test
    void whoJoinsDuringTrafficKnowsEverything() throws InterruptedException {
        var a = rig.start("a");
        var wanted = ConcurrentHashMap.<String>newKeySet();
        a.relay.whole(() -> wanted.stream()
                .<dev.sluice.cluster.RelayMessage.ToAll>map(KafkaRelayIT::wants)
                .toList());
        a.relay.start();
        await("a is ready", a.relay::isReady);
        var b = rig.started("b");
        var traffic = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < 3000; i++) {
                var filter = "f" + i;
                wanted.add(filter);
                a.relay.announce(wants(filter), () -> {});
            }
        });
        var c = rig.start("c");
        Map<String, Boolean> known = new ConcurrentHashMap<>();
        c.relay.on(
                Interest.class, (from, interest) -> interest.changes().forEach(each -> known.put(each.filter(), true)));
        c.relay.onForgotten(from -> {
            if (from.equals(a.gateway)) known.clear();
        });
        c.relay.start();
        await("c is ready", c.relay::isReady);
        traffic.join();
        var seen = new CountDownLatch(1);
        wanted.add("last");
        a.relay.announce(wants("last"), seen::countDown);
        assertThat(seen.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(known.keySet()).isEqualTo(wanted);
        assertThat(a.count("sluice.relay.patience.exceeded")).isZero();
        assertThat(b.count("sluice.relay.gaps") + c.count("sluice.relay.gaps")).isZero();
    }

    @Test
    void nobodyWaitsForOneThatIsGone() throws InterruptedException {
        var a = rig.start("a");
        var forgotten = new CopyOnWriteArrayList<Gateway>();
        a.relay.onForgotten(forgotten::add);
        a.relay.start();
        var b = rig.started("b");
        b.die();
        await("b is forgotten", () -> forgotten.contains(b.gateway));
        var seen = new CountDownLatch(1);
        a.relay.announce(wants("x"), seen::countDown);
        assertThat(seen.await(1, TimeUnit.SECONDS)).isTrue();
        var gone = new CountDownLatch(1);
        a.relay.send(b.gateway, queued(1), ok -> {
            if (ok) gone.countDown();
        });
        assertThat(gone.await(1, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void whoWasTakenForDeadBeginsAnew() throws InterruptedException {
        var a = rig.start("a");
        a.relay.whole(() -> List.of(wants("x")));
        a.relay.start();
        var b = rig.start("b");
        var known = new CopyOnWriteArrayList<String>();
        var letters = new CopyOnWriteArrayList<Long>();
        b.relay.on(Interest.class, (_, interest) -> interest.changes().forEach(each -> known.add(each.filter())));
        b.relay.on(
                Queued.class,
                (_, letter) -> letters.add(letter.places().getFirst().seq()));
        b.relay.start();
        await("b knows", () -> b.relay.isReady() && known.contains("x"));
        var earlier = b.gateway;
        b.comesBack();
        await("b knows again", () -> b.relay.isReady() && known.size() == 2);
        a.relay.send(earlier, queued(1), _ -> {});
        a.relay.send(b.gateway, queued(2), _ -> {});
        await("a letter comes", () -> !letters.isEmpty());
        assertThat(letters).containsExactly(2L);
        var seen = new CountDownLatch(1);
        b.relay.announce(wants("y"), seen::countDown);
        assertThat(seen.await(2, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void whatTheProducerLosesIsSentAgain() {
        var a = rig.started("a");
        var b = rig.start("b");
        var letters = new CopyOnWriteArrayList<Long>();
        b.relay.on(
                Queued.class,
                (from, letter) -> letters.add(letter.places().getFirst().seq()));
        b.relay.start();
        await("b is ready", b.relay::isReady);
        for (int i = 0; i < 2000; i++) {
            if (i % 500 == 250) a.producer.replace("the test wants another one");
            a.relay.send(b.gateway, queued(i), ok -> assertThat(ok).isTrue());
        }
        await("all letters", () -> letters.size() >= 2000);
        for (int i = 0; i < 2000; i++) assertThat(letters.get(i)).isEqualTo(i);
        assertThat(b.count("sluice.relay.gaps")).isZero();
    }

    @Test
    void whileKafkaIsAwayLettersWaitAndAnnouncementsAreNotWaitedForLong() throws InterruptedException {
        var a = rig.started("a", IMPATIENT);
        var b = rig.start("b");
        var letters = new CopyOnWriteArrayList<Long>();
        b.relay.on(
                Queued.class,
                (_, letter) -> letters.add(letter.places().getFirst().seq()));
        b.relay.start();
        await("b is ready", b.relay::isReady);
        var acknowledged = new Semaphore(0);
        kafka.process().freeze();
        try {
            var seen = new CountDownLatch(1);
            a.relay.announce(wants("x"), seen::countDown);
            for (int i = 0; i < 100; i++) a.relay.send(b.gateway, queued(i), ok -> acknowledged.release(ok ? 1 : 0));
            assertThat(seen.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(a.count("sluice.relay.patience.exceeded")).isOne();
            assertThat(acknowledged.availablePermits()).isZero();
        } finally {
            kafka.process().thaw();
        }
        await("all letters", () -> letters.size() == 100 && acknowledged.availablePermits() == 100);
        for (int i = 0; i < 100; i++) assertThat(letters.get(i)).isEqualTo(i);
    }

    @Test
    void whoCatchesUpHasTakenInWhatLiesInItsMailbox() throws InterruptedException {
        var alone = new CountDownLatch(1);
        var a = rig.started("a");
        a.relay.catchUp(alone::countDown);
        assertThat(alone.getCount()).as("alone nobody waits").isZero();
        var b = rig.start("b");
        var letters = new CopyOnWriteArrayList<Long>();
        b.relay.on(
                Queued.class,
                (_, letter) -> letters.add(letter.places().getFirst().seq()));
        b.relay.start();
        await("b is ready", b.relay::isReady);
        for (int round = 1; round <= 100; round++) {
            var has = new CountDownLatch(1);
            a.relay.send(b.gateway, queued(round), _ -> has.countDown());
            assertThat(has.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            var caughtUp = new CountDownLatch(3);
            for (int i = 0; i < 3; i++) b.relay.catchUp(caughtUp::countDown);
            assertThat(caughtUp.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(letters).hasSize(round);
        }
        assertThat(b.count("sluice.relay.catch.up.exceeded")).isZero();
    }

    @Test
    void whoCannotCatchUpGoesOnAndCatchesUpLater() throws InterruptedException {
        var a = rig.started("a");
        var b = rig.started("b", IMPATIENT);
        kafka.process().freeze();
        try {
            var patience = new CountDownLatch(2);
            b.relay.catchUp(patience::countDown);
            b.relay.catchUp(patience::countDown);
            assertThat(patience.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } finally {
            kafka.process().thaw();
        }
        assertThat(b.count("sluice.relay.catch.up.exceeded")).isEqualTo(2);
        var again = new CountDownLatch(1);
        b.relay.catchUp(again::countDown);
        assertThat(again.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(b.relay.hasReadAll()).isFalse();
        rig.fleet.bury(a.gateway);
        await("b has taken in what a has left", b.relay::hasReadAll);
    }

    @Test
    void aTopicThatIsDeletedIsCreatedAgain() throws Exception {
        var a = rig.start("a");
        a.relay.whole(() -> List.of(wants("x")));
        a.relay.start();
        var b = rig.start("b");
        var known = new CopyOnWriteArrayList<String>();
        b.relay.on(Interest.class, (_, interest) -> interest.changes().forEach(each -> known.add(each.filter())));
        b.relay.onForgotten(_ -> known.clear());
        b.relay.start();
        await("b is ready", b.relay::isReady);
        for (int i = 0; i < 100; i++) a.relay.announce(wants("y"), () -> {});
        await("b knows", () -> known.size() == 101);
        rig.admin.deleteTopics(List.of(rig.topic)).all().get();
        await("b has asked again", () -> known.equals(List.of("x")));
        var seen = new CountDownLatch(1);
        a.relay.announce(wants("z"), seen::countDown);
        await("b knows what is new", () -> known.contains("z"));
        assertThat(seen.await(10, TimeUnit.SECONDS)).isTrue();
    }

    /** Else it would refuse what a gateway tells whose clock is hours ahead. */
    @Test
    void kafkaPutsItsOwnTimeOnWhatGatewaysTell() throws Exception {
        rig.started("a");
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, rig.topic);
        var type =
                rig.admin.describeConfigs(List.of(topic)).all().get().get(topic).get("message.timestamp.type");
        assertThat(type.value()).isEqualTo("LogAppendTime");
    }

    @Test
    void announcementsAndLettersAreQuick() throws InterruptedException {
        var a = rig.started("a");
        rig.started("b");
        var c = rig.start("c");
        var letters = new ConcurrentHashMap<Long, CountDownLatch>();
        c.relay.on(
                Queued.class,
                (from, letter) -> letters.get(letter.places().getFirst().seq()).countDown());
        c.relay.start();
        await("c is ready", c.relay::isReady);
        measure("announcement until both have seen it", 600, 32, (i, done) -> a.relay.announce(wants("f" + i), done));
        measure("announcement until both have seen it", 100, 1, (i, done) -> a.relay.announce(wants("f" + i), done));
        for (int round = 0; round < 2; round++) {
            var times = new long[100];
            for (int i = 0; i < times.length; i++) {
                var key = round * 1000L + i;
                letters.put(key, new CountDownLatch(1));
                var begin = System.nanoTime();
                a.relay.send(c.gateway, queued(key), _ -> {});
                assertThat(letters.get(key).await(5, TimeUnit.SECONDS)).isTrue();
                times[i] = System.nanoTime() - begin;
            }
            print("letter until it is taken, one at a time", times);
        }
        assertThat(a.count("sluice.relay.patience.exceeded")).isZero();
    }

    private interface Measured {
        void begin(int number, Runnable done);
    }

    private static void measure(String what, int count, int together, Measured measured) throws InterruptedException {
        var times = new long[count];
        var room = new Semaphore(together);
        for (int i = 0; i < count; i++) {
            room.acquire();
            var number = i;
            var begin = System.nanoTime();
            measured.begin(i, () -> {
                times[number] = System.nanoTime() - begin;
                room.release();
            });
        }
        assertThat(room.tryAcquire(together, PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
        print(what + ", " + together + " at a time", times);
    }

    private static void print(String what, long[] times) {
        Arrays.sort(times);
        System.out.printf(
                "%s: p50 %.1f ms, p99 %.1f ms, %d times%n",
                what, times[times.length / 2] / 1e6, times[times.length * 99 / 100] / 1e6, times.length);
    }
}
