package dev.sluice.broker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.Attempt;
import dev.sluice.access.Authentication;
import dev.sluice.access.Authenticator;
import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.Peer;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.codec.InputBounds;
import dev.sluice.config.AccessConfig;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Limits;
import dev.sluice.session.QueuePolicy;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a token that was published is judged, and when that is answered; with a method of this test's own and without a socket. */
class TokenRenewalsTest {
    private static final Peer PEER = new Peer("192.0.2.7", "192.0.2.7:4711", false, List.of(), null, "/mqtt");
    private static final Limits LIMITS =
            new Limits(10, 1, 0, 1024, 60, 60, 256, null, 1, 1, 1, QueuePolicy.DROP_NEWEST, 1, true, InputBounds.NONE);

    private final Gate gate = new Gate();
    private final BlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();
    private final List<Runnable> timers = new ArrayList<>();
    private final List<Event> answers = new ArrayList<>();
    private int renewed;
    private boolean over;
    private Proof proof;

    /** Lets everybody in, unless it is away. */
    private static final class Gate implements Authentication {
        private volatile boolean away;
        private volatile Instant until = Instant.now().plusSeconds(3600);
        private final List<String> judged = new CopyOnWriteArrayList<>();

        @Override
        public Method method() {
            return Method.TOKEN;
        }

        @Override
        public boolean concerns(Attempt attempt) {
            return true;
        }

        @Override
        public Verdict judge(Attempt attempt) {
            if (attempt.authenticationData() != null) judged.add(new String(attempt.authenticationData(), UTF_8));
            if (away) return new Verdict.Denied(Reason.UNAVAILABLE, "the issuer's keys cannot be read");
            return new Verdict.Granted(new Identity("ann", Set.of(), Map.of(), Method.TOKEN, until));
        }
    }

    @BeforeEach
    void connect() {
        var config = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(AccessConfig.class)
                .build()
                .getConfigMapping(AccessConfig.class);
        var meters = new SimpleMeterRegistry();
        var limiter = new Limiter(LimiterTest.config(Map.of()), () -> false, (_, _) -> 0, _ -> null, meters);
        var authenticator = new Authenticator(List.of("token"), List.of(gate));
        proof = new Proof(new Admission(authenticator, config, limiter, meters), LIMITS, PEER, loop::add, answers::add);
        proof.perform(new Effect.Authenticate(
                new Packet.Connect(ProtocolVersion.V5, true, 60, "c", null, null, null, Properties.NONE), "c"));
        runUntil(answers, 1);
        answers.clear();
    }

    private TokenRenewals renewals(boolean v5) {
        var listener = new TokenRenewals.Listener(answers::add, () -> renewed++, () -> {});
        return new TokenRenewals(
                proof, v5, listener, () -> over, (_, task) -> timers.add(task), new PublishesForNobody());
    }

    private static Packet.Publish token(int packetId) {
        var token = ("token " + packetId).getBytes(UTF_8);
        return new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TopicName.RENEWAL, packetId, Properties.NONE, token);
    }

    private static Event answer(int packetId, ReasonCode outcome, String why) {
        return new Event.Forwarded(packetId, QoS.AT_LEAST_ONCE, outcome, why, "");
    }

    private void runUntil(List<?> list, int size) {
        await().until(() -> {
            for (var task = loop.poll(); task != null; task = loop.poll()) task.run();
            return list.size() == size;
        });
    }

    private void runUntilRenewed() {
        await().until(() -> {
            for (var task = loop.poll(); task != null; task = loop.poll()) task.run();
            return renewed == 1;
        });
    }

    private void runTimer() {
        timers.removeFirst().run();
    }

    @Test
    void aTokenThatIsHeldIsJudgedAtOnceAndAnsweredInItsTurn() {
        var renewals = renewals(true);
        var publish = token(1);
        renewals.begin(publish);
        runUntilRenewed();
        assertThat(answers).isEmpty();
        assertThat(renewals.take(publish)).isTrue();
        assertThat(answers).as("not from within an effect").isEmpty();
        runTimer();
        assertThat(answers).containsExactly(answer(1, ReasonCode.SUCCESS, null));
        assertThat(gate.judged).containsExactly("token 1");
    }

    /** Inbound drops a repeat, so that its turn never comes. */
    @Test
    void oneWhoseTurnDoesNotComeStandsInNobodysWay() {
        var renewals = renewals(true);
        renewals.begin(token(1));
        runUntilRenewed();
        var next = token(2);
        assertThat(renewals.take(next)).isTrue();
        runUntil(answers, 1);
        assertThat(answers).containsExactly(answer(2, ReasonCode.SUCCESS, null));
    }

    @Test
    void aClientOfMqtt3WaitsUntilItsTokenCanBeJudged() {
        gate.away = true;
        var renewals = renewals(false);
        renewals.take(token(1));
        runUntil(timers, 1);
        runTimer();
        runUntil(timers, 1);
        assertThat(answers).isEmpty();
        gate.away = false;
        runTimer();
        runUntil(answers, 1);
        assertThat(answers).containsExactly(answer(1, ReasonCode.SUCCESS, null));
        assertThat(renewed).isEqualTo(1);
    }

    @Test
    void aClientOfMqtt5IsToldToTryAgain() {
        gate.away = true;
        renewals(true).take(token(1));
        runUntil(answers, 1);
        assertThat(answers).allSatisfy(it -> assertThat(((Event.Forwarded) it).outcome())
                .isEqualTo(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR));
    }

    /** But not while its answer would not be due. */
    @Test
    void whatIsHeldIsTriedAgainWhateverTheVersion() {
        gate.away = true;
        var renewals = renewals(true);
        var publish = token(1);
        renewals.begin(publish);
        runUntil(timers, 1);
        gate.away = false;
        runTimer();
        runUntil(gate.judged, 2);
        renewals.take(publish);
        await().until(() -> {
            for (var task = loop.poll(); task != null; task = loop.poll()) task.run();
            while (!timers.isEmpty()) runTimer();
            return answers.size() == 1;
        });
        assertThat(answers).containsExactly(answer(1, ReasonCode.SUCCESS, null));
    }

    @Test
    void nobodyWaitsLongerThanTheIdentityLasts() {
        gate.until = Instant.now();
        renewals(false).take(token(1));
        runUntil(answers, 1); // now it ends at once
        gate.away = true;
        renewals(false).take(token(2));
        runUntil(answers, 2);
        assertThat(timers).isEmpty();
        assertThat(answers.getLast()).isInstanceOfSatisfying(Event.Forwarded.class, it -> assertThat(it.outcome())
                .isEqualTo(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR));
    }

    @Test
    void nothingIsJudgedForAConnectionThatIsOver() {
        gate.away = true;
        renewals(false).take(token(1));
        runUntil(timers, 1);
        over = true;
        runTimer();
        assertThat(answers).hasSize(1);
        assertThat(gate.judged).hasSize(1);
    }

    @Test
    void anOlderTokenDoesNotReplaceANewerOne() {
        gate.away = true;
        var renewals = renewals(false);
        renewals.take(token(1));
        runUntil(timers, 1);
        gate.away = false;
        renewals.take(token(2));
        runUntil(answers, 1);
        runTimer();
        assertThat(answers).containsExactly(answer(2, ReasonCode.SUCCESS, null), answer(1, ReasonCode.SUCCESS, null));
        assertThat(gate.judged).containsExactly("token 1", "token 2");
    }
}
