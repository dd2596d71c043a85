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
import dev.sluice.access.limit.Allowance;
import dev.sluice.codec.InputBounds;
import dev.sluice.config.AccessConfig;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Limits;
import dev.sluice.session.QueuePolicy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What becomes of a client's proof, with a method of this test's own and without a socket. */
class ProofTest {
    private static final Peer PEER = new Peer("192.0.2.7", "192.0.2.7:4711", false, List.of(), "Bearer x", "/mqtt");
    private static final Limits LIMITS =
            new Limits(10, 1, 0, 1024, 60, 60, 256, null, 1, 1, 1, QueuePolicy.DROP_NEWEST, 1, true, InputBounds.NONE);
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final Gate gate = new Gate();
    private Map<String, String> limits = Map.of();
    /** Holds the client until the next one that connects takes it over. */
    private Proof online;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final BlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();
    private final BlockingQueue<Event> told = new LinkedBlockingQueue<>();

    /** Judges when it is let; the password says what the verdict is. */
    private static final class Gate implements Authentication {
        private final CountDownLatch open = new CountDownLatch(1);
        private final AtomicInteger interrupted = new AtomicInteger();
        private volatile Instant until;

        @Override
        public Method method() {
            return Method.PASSWORD;
        }

        @Override
        public boolean concerns(Attempt attempt) {
            return true;
        }

        @Override
        public Verdict judge(Attempt attempt) {
            try {
                open.await();
            } catch (InterruptedException _) {
                interrupted.incrementAndGet();
                return new Verdict.Denied(Reason.UNAVAILABLE, "nobody wants to know");
            }
            if (attempt.password() == null) return verdict(new String(attempt.authenticationData(), UTF_8));
            return verdict(new String(attempt.password(), UTF_8));
        }

        private Verdict verdict(String secret) {
            return switch (secret) {
                case "wrong" -> new Verdict.Denied(Reason.BAD_CREDENTIALS, "the password is wrong");
                case "bug" -> throw new IllegalStateException("a bug of this test's");
                case "challenge" -> new Verdict.Challenge(new byte[] {7}, data -> verdict(new String(data, UTF_8)));
                default -> new Verdict.Granted(new Identity(secret, Set.of(), Map.of(), Method.PASSWORD, until));
            };
        }
    }

    private Admission admission(int most) {
        var config = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(AccessConfig.class)
                .withDefaultValue("sluice.access.attempts-maximum", Integer.toString(most))
                .build()
                .getConfigMapping(AccessConfig.class);
        var limiter = new Limiter(LimiterTest.config(limits), () -> false, (_, _) -> 0, this::held, meters);
        return new Admission(new Authenticator(List.of("password"), List.of(gate)), config, limiter, meters);
    }

    private Allowance held(String clientId) {
        return online == null ? null : online.held();
    }

    private Proof proof(Admission admission) {
        return new Proof(admission, LIMITS, PEER, loop::add, told::add);
    }

    private static Effect.Authenticate authenticate(String password) {
        var connect = new Packet.Connect(
                ProtocolVersion.V5,
                true,
                60,
                "c",
                null,
                "user",
                password.getBytes(UTF_8),
                Properties.NONE.with(Property.AUTHENTICATION_METHOD, "m"));
        return new Effect.Authenticate(connect, "c");
    }

    /** What the session is told next. */
    private Event next() throws InterruptedException {
        while (told.isEmpty()) {
            var task = loop.poll(60, TimeUnit.SECONDS);
            assertThat(task).isNotNull();
            task.run();
        }
        return told.remove();
    }

    private double count(String outcome) {
        return meters.get("sluice.authentications")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    @Test
    void whoIsKnownHasAnIdentityAndNoCredentialIsKept() throws Exception {
        gate.open.countDown();
        var proof = proof(admission(10));
        proof.perform(authenticate("ann"));
        assertThat(proof.identity()).isNull();
        assertThat(proof.peer().authorization()).isNull();
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        assertThat(proof.identity().name()).isEqualTo("ann");
        assertThat(count("granted")).isEqualTo(1);
    }

    @Test
    void whoIsDeniedIsNotToldWhy() throws Exception {
        gate.open.countDown();
        var proof = proof(admission(10));
        proof.perform(authenticate("wrong"));
        assertThat(next())
                .isEqualTo(new Event.Denied(ReasonCode.BAD_USER_NAME_OR_PASSWORD, "the credentials are not accepted"));
        proof(admission(10)).perform(authenticate("bug"));
        assertThat(next()).isInstanceOfSatisfying(Event.Denied.class, it -> assertThat(it.reason())
                .isEqualTo(ReasonCode.SERVER_UNAVAILABLE));
    }

    @Test
    void aConversationGoesOnUntilItIsOver() throws Exception {
        gate.open.countDown();
        var proof = proof(admission(10));
        var begun = System.nanoTime();
        proof.perform(authenticate("challenge"));
        assertThat(next()).isInstanceOfSatisfying(Event.Challenged.class, it -> assertThat(it.data())
                .containsExactly(7));
        assertThat(proof.late(begun + 9 * SECOND, 10 * SECOND)).isNull();
        proof.perform(new Effect.ContinueAuthentication("ann".getBytes(UTF_8)));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        assertThat(proof.late(System.nanoTime() + 99 * SECOND, 10 * SECOND)).isNull();
    }

    @Test
    void aClientThatDoesNotAnswerIsDenied() throws Exception {
        gate.open.countDown();
        var proof = proof(admission(10));
        proof.perform(authenticate("challenge"));
        next();
        assertThat(proof.late(System.nanoTime() + 11 * SECOND, 10 * SECOND))
                .isInstanceOfSatisfying(
                        Event.Denied.class, it -> assertThat(it.reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED));
        assertThat(count("late")).isEqualTo(1);
    }

    @Test
    void soManyAreJudgedAndTheNextIsRefused() throws Exception {
        var admission = admission(2);
        var first = proof(admission);
        first.perform(authenticate("ann"));
        proof(admission).perform(authenticate("ann"));
        proof(admission).perform(authenticate("ann"));
        assertThat(next()).isInstanceOfSatisfying(Event.Denied.class, it -> assertThat(it.reason())
                .isEqualTo(ReasonCode.SERVER_BUSY));
        assertThat(count("busy")).isEqualTo(1);
        gate.open.countDown();
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        var free = meters.get("sluice.authentications.under.way").gauge();
        await().until(() -> free.value() == 0);
        proof(admission).perform(authenticate("ann"));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
    }

    @Test
    void whatIsNotJudgedInTimeIsGivenUp() throws Exception {
        var proof = proof(admission(10));
        var begun = System.nanoTime();
        proof.perform(authenticate("ann"));
        assertThat(proof.late(begun + 29 * SECOND, SECOND)).isNull();
        assertThat(proof.late(System.nanoTime() + 31 * SECOND, SECOND))
                .isInstanceOfSatisfying(
                        Event.Denied.class, it -> assertThat(it.reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE));
        await().until(() -> gate.interrupted.get() == 1);
        // Its verdict comes too late.
        loop.poll(60, TimeUnit.SECONDS).run();
        assertThat(told).isEmpty();
        assertThat(proof.identity()).isNull();
    }

    @Test
    void nothingIsJudgedForAClientThatIsGone() {
        var proof = proof(admission(10));
        proof.perform(authenticate("ann"));
        proof.stop();
        await().until(() -> gate.interrupted.get() == 1);
    }

    @Test
    void theSameClientStaysTheSameUser() throws Exception {
        gate.open.countDown();
        var proof = proof(admission(10));
        proof.perform(authenticate("ann"));
        next();
        proof.perform(new Effect.Reauthenticate("ann".getBytes(UTF_8)));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        proof.perform(new Effect.Reauthenticate("bob".getBytes(UTF_8)));
        assertThat(next()).isInstanceOfSatisfying(Event.Denied.class, it -> assertThat(it.reason())
                .isEqualTo(ReasonCode.NOT_AUTHORIZED));
        assertThat(proof.identity().name()).isEqualTo("ann");
    }

    @Test
    void anIdentityEndsAtItsTime() throws Exception {
        gate.open.countDown();
        gate.until = Instant.now().plusSeconds(3600);
        var proof = proof(admission(10));
        proof.perform(authenticate("ann"));
        next();
        assertThat(proof.late(System.nanoTime(), SECOND)).isNull();
        gate.until = Instant.now();
        proof.perform(new Effect.Reauthenticate("ann".getBytes(UTF_8)));
        next();
        assertThat(proof.late(System.nanoTime(), SECOND))
                .isEqualTo(new Event.Ended(ReasonCode.NOT_AUTHORIZED, "the credential has expired"));
    }

    /** Whoever ends an identity's connections cannot see one whose client is being judged. */
    @Test
    void whatIsWithdrawnMeanwhileIsNotLetIn() throws Exception {
        var admission = admission(10);
        var end = new Event.Ended(ReasonCode.NOT_AUTHORIZED, "withdrawn");
        proof(admission).perform(authenticate("ann"));
        proof(admission).perform(authenticate("bob"));
        admission.withdraw(it -> it.name().equals("ann"), end);
        gate.open.countDown();
        assertThat(List.of(next(), next())).contains(end).hasAtLeastOneElementOfType(Event.Authenticated.class);
        proof(admission).perform(authenticate("ann"));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
    }

    /** What the client may have is looked at before its session opens, and given back with the connection. */
    @Test
    void aClientIsGrantedWhatItsLimitsAllow() throws InterruptedException {
        limits = Map.of(
                "sluice.limits.per.client.in-flight", "3",
                "sluice.limits.per.identity.connections", "1");
        gate.open.countDown();
        var admission = admission(10);
        var first = proof(admission);
        first.perform(authenticate("ann"));
        assertThat(next()).isInstanceOfSatisfying(Event.Authenticated.class, it -> assertThat(
                        it.limits().receiveMaximum())
                .isEqualTo(3));
        var second = proof(admission);
        second.perform(authenticate("ann"));
        assertThat(next()).isInstanceOfSatisfying(Event.Denied.class, it -> assertThat(it.reason())
                .isEqualTo(ReasonCode.QUOTA_EXCEEDED));
        first.leave();
        second.perform(authenticate("ann"));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
    }

    /** A device whose network drops comes back before the gateway has noticed. */
    @Test
    void whoTakesItsOwnClientOverIsNotCountedBesideIt() throws InterruptedException {
        limits = Map.of("sluice.limits.per.gateway.connections", "1");
        gate.open.countDown();
        var admission = admission(10);
        online = proof(admission);
        online.perform(authenticate("ann"));
        next();
        proof(admission).perform(authenticate("bob"));
        assertThat(next()).as("another user").isInstanceOf(Event.Denied.class);
        var second = proof(admission);
        second.perform(authenticate("ann"));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        proof(admission).perform(authenticate("ann"));
        assertThat(next()).as("one at a time").isInstanceOf(Event.Denied.class);
        second.leave();
        second = proof(admission);
        second.perform(authenticate("ann"));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
        online.leave();
        online = second;
        proof(admission).perform(authenticate("ann"));
        assertThat(next()).isInstanceOf(Event.Authenticated.class);
    }
}
