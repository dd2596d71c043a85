package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.Peer;
import dev.sluice.access.limit.LimitPlan.Answer;
import dev.sluice.config.LimitsConfig;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.session.QueueLimit;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the keys below {@code sluice.limits} do to a client, without a socket. */
class LimiterTest {
    private static final Peer PEER = new Peer("192.0.2.7", "192.0.2.7:4711", false, List.of(), null, "/mqtt");
    private static final Packet.Publish PUBLISH =
            new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TopicName.of("t"), 1, Properties.NONE, new byte[9999]);
    /** Far more than a rate of one a second allows while a test lasts. */
    private static final int MANY = 100;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final Map<String, Long> retained = new ConcurrentHashMap<>();
    private boolean overloaded;
    private final List<Duration> pauses = new ArrayList<>();
    private final List<Runnable> timers = new ArrayList<>();
    private final BiConsumer<Duration, Runnable> after = (pause, task) -> {
        pauses.add(pause);
        timers.add(task);
    };

    static LimitsConfig config(Map<String, String> keys) {
        return new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(LimitsConfig.class)
                .withDefaultValues(keys)
                .build()
                .getConfigMapping(LimitsConfig.class);
    }

    private Limiter limiter(Map<String, String> keys) {
        return new Limiter(
                config(keys),
                () -> overloaded,
                (identity, most) -> retained.getOrDefault(identity, 0L),
                _ -> null,
                meters);
    }

    private static ClientLimits admitted(Limiter limiter, String clientId) {
        var answer = limiter.admit(Identity.ANONYMOUS, clientId, PEER, null, true);
        return new ClientLimits(((Answer.Admitted) answer).allowance(), limiter);
    }

    private double exceeded(String limit, String scope, String outcome) {
        return meters.get("sluice.limits.exceeded")
                .tags("limit", limit, "scope", scope, "outcome", outcome)
                .counter()
                .count();
    }

    @Test
    void withoutKeysNothingIsLimited() {
        var limiter = limiter(Map.of());
        assertThat(limiter.admit(Identity.ANONYMOUS, "c", PEER, null, true)).isEqualTo(new Answer.Admitted(null));
        assertThat(limiter.connecting(PEER)).isNull();
        assertThat(limiter.sessions(Identity.ANONYMOUS)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whatIsOverWaitsByOneTimer() {
        var limits = admitted(limiter(Map.of("sluice.limits.per.client.messages-in", "1")), "c");
        assertThat(limits.holdsBack()).isFalse();
        for (int i = 0; i < MANY; i++) assertThat(limits.publishes(PUBLISH)).isNull();
        assertThat(limits.holdsBack()).isTrue();
        for (int i = 0; i < 10; i++) limits.whenItMayPublish(after, () -> {});
        assertThat(pauses).singleElement().satisfies(it -> assertThat(it).isLessThanOrEqualTo(Duration.ofSeconds(2)));
        assertThat(exceeded("messages-in", "client", "waited")).isEqualTo(1);
        assertThat(meters.get("sluice.limits.waiting").gauge().value()).isEqualTo(1);
        timers.getFirst().run();
        assertThat(meters.get("sluice.limits.waiting").gauge().value()).isZero();
        limits.whenItMayPublish(after, () -> {});
        assertThat(pauses).hasSize(2);
        // The same wait is counted once.
        assertThat(exceeded("messages-in", "client", "waited")).isEqualTo(1);
    }

    @Test
    void whatIsOverIsRefusedAsConfigured() {
        var keys = Map.of("sluice.limits.per.gateway.bytes-in", "100", "sluice.limits.on-bytes-in", "refuse");
        var limits = admitted(limiter(keys), "c");
        assertThat(limits.publishes(PUBLISH)).isNull();
        assertThat(limits.holdsBack()).isFalse();
        assertThat(limits.publishes(PUBLISH)).isNotNull().satisfies(it -> assertThat(it.scope())
                .hasToString("gateway"));
    }

    @Test
    void deliveriesWaitAndAnswersDoNotCount() {
        var limits = admitted(limiter(Map.of("sluice.limits.per.address.messages-out", "1")), "c");
        for (int i = 0; i < 10; i++) limits.sends(new Packet.PingResp());
        assertThat(limits.mayBeSent(after, () -> {})).isTrue();
        for (int i = 0; i < MANY; i++) limits.sends(PUBLISH);
        assertThat(limits.mayBeSent(after, () -> {})).isFalse();
        assertThat(timers).hasSize(1);
        assertThat(limits.holdsBack()).isFalse();
        assertThat(exceeded("messages-out", "address", "waited")).isEqualTo(1);
    }

    @Test
    void connectsAndConnectionsAreRefused() {
        var limiter = limiter(
                Map.of("sluice.limits.per.address.connects", "1", "sluice.limits.per.gateway.connections", "1"));
        for (int i = 0; i < 2; i++) assertThat(limiter.connecting(PEER)).isNull();
        // Of some that come within a second.
        var tooFast =
                Stream.generate(() -> limiter.connecting(PEER)).limit(100_000).filter(Objects::nonNull);
        assertThat(tooFast.findFirst().orElseThrow().reason()).isEqualTo(ReasonCode.CONNECTION_RATE_EXCEEDED);
        admitted(limiter, "c");
        var refused = (Answer.Refused) limiter.admit(Identity.ANONYMOUS, "d", PEER, null, true);
        assertThat(limiter.refuse(refused, "d").reason()).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
        assertThat(exceeded("connects", "address", "refused")).isEqualTo(1);
        assertThat(exceeded("connections", "gateway", "refused")).isEqualTo(1);
    }

    /** What PostgreSQL has is counted at first, and again whenever there seem to be too many. */
    @Test
    void retainedMessagesBelongToAnIdentity() {
        retained.put("ann", 2L);
        var limiter = limiter(Map.of("sluice.limits.per.identity.retained", "3"));
        var ann = new Identity("ann", Set.of(), Map.of(), Method.PASSWORD, null);
        var allowance = ((Answer.Admitted) limiter.admit(ann, "c", PEER, null, true)).allowance();
        var counts = new AtomicLong();
        assertThat(allowance.beginsCount(0)).isTrue();
        assertThat(allowance.beginsCount(0)).as("one at a time").isFalse();
        allowance.count((identity, most) -> counts.addAndGet(retained.get(identity)));
        assertThat(counts).hasValue(2);
        assertThat(allowance.beginsCount(999_999_999)).as("not too often").isFalse();
        var limits = new ClientLimits(allowance, limiter);
        assertThat(limits.retains()).isTrue();
        assertThat(limits.retains()).isFalse();
        assertThat(exceeded("retained", "identity", "refused")).isEqualTo(1);
        retained.put("ann", 0L);
        await().until(limits::retains);
        var anonymous = limiter.admit(Identity.ANONYMOUS, "c", PEER, null, true);
        assertThat(anonymous).isEqualTo(new Answer.Admitted(null));
    }

    @Test
    void aQueueHasTheLimitOfItsOwnClient() {
        var limiter = limiter(Map.of(
                "sluice.limits.per.client.queue-count", "10", "sluice.limits.groups.meters.queue-bytes", "1000"));
        assertThat(limiter.queue(Identity.ANONYMOUS, "c")).isEqualTo(new QueueLimit(10, Long.MAX_VALUE));
        var ann = new Identity(
                "ann", Set.of("meters"), Map.of(), Method.PASSWORD, null, List.of(), Map.of("queue-count", 20L));
        assertThat(limiter.queue(ann, "c")).isEqualTo(new QueueLimit(20, 1000));
        assertThat(limiter(Map.of()).queue(Identity.ANONYMOUS, "c")).isEqualTo(QueueLimit.NONE);
    }

    @Test
    void nobodyNewIsLetInWhileThereIsTooMuchToDo() {
        overloaded = true;
        assertThat(limiter(Map.of()).connecting(PEER).reason()).isEqualTo(ReasonCode.SERVER_BUSY);
    }

    @Test
    void mistakesNameTheirKey() {
        assertThatThrownBy(() -> limiter(Map.of("sluice.limits.per.device.connects", "1")))
                .hasMessage(
                        "sluice.limits.per.device: \"device\" is not one of client, identity, group, address, gateway");
        assertThatThrownBy(() -> limiter(Map.of("sluice.limits.per.client.connects", "0")))
                .hasMessage("sluice.limits.per.client.connects: is 0, and has to be at least 1");
        assertThatThrownBy(() -> limiter(Map.of("sluice.limits.per.gateway.in-flight", "1")))
                .hasMessage("sluice.limits.per.gateway.in-flight: no gateway has this limit");
        assertThatThrownBy(() -> limiter(Map.of("sluice.limits.per.client.connections", "1")))
                .hasMessage("sluice.limits.per.client.connections: no client has this limit");
        assertThatThrownBy(() -> limiter(Map.of("sluice.limits.groups.slow.sessions", "1")))
                .hasMessage("sluice.limits.groups.slow.sessions: no client has this limit");
    }
}
