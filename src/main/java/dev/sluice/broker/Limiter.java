package dev.sluice.broker;

import dev.sluice.access.Identity;
import dev.sluice.access.Peer;
import dev.sluice.access.limit.Allowance;
import dev.sluice.access.limit.Applicant;
import dev.sluice.access.limit.Limit;
import dev.sluice.access.limit.LimitPlan;
import dev.sluice.access.limit.LimitPlan.Answer;
import dev.sluice.access.limit.Scope;
import dev.sluice.access.limit.TakeOvers;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.LimitsConfig;
import dev.sluice.config.LimitsConfig.OnExcess;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.session.QueueLimit;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.ToLongBiFunction;
import org.jboss.logging.Logger;

/** Admits clients within their limits, says what becomes of what is over, and counts it. Any thread may use it. */
final class Limiter {
    private static final Event.Denied OVERLOADED =
            new Event.Denied(ReasonCode.SERVER_BUSY, "the gateway has too much to do to accept new clients");

    private final BooleanSupplier overloaded;
    private final ToLongBiFunction<String, Long> retainedOf;
    private final Function<String, Allowance> held;
    private final LimitPlan plan;
    private final TakeOvers takeOvers;
    private final OnExcess onMessagesIn;
    private final OnExcess onBytesIn;
    private final MeterRegistry meters;
    private final Counter takeOversDelayed;
    private final AtomicInteger waiting = new AtomicInteger();
    private final ThrottledLog log = new ThrottledLog(Logger.getLogger(Limiter.class));
    private final ThrottledLog fights = new ThrottledLog(Logger.getLogger(Limiter.class));

    /**
     * @param overloaded whether nobody may connect, which counts as a refusal
     * @param retainedOf counts retained messages of an identity, up to so many; blocks
     * @param held what the connection holds that a new one of this client takes over; null for nothing
     */
    Limiter(
            LimitsConfig config,
            BooleanSupplier overloaded,
            ToLongBiFunction<String, Long> retainedOf,
            Function<String, Allowance> held,
            MeterRegistry meters) {
        this.held = held;
        this.overloaded = overloaded;
        this.retainedOf = retainedOf;
        this.plan = ConfiguredLimits.plan(config);
        this.takeOvers = new TakeOvers(
                config.takeOversFree(),
                config.takeOverDelay().toNanos(),
                config.takeOverDelayMaximum().toNanos(),
                config.takeOverForgetTime().toNanos(),
                config.rememberedMaximum());
        this.onMessagesIn = config.onMessagesIn();
        this.onBytesIn = config.onBytesIn();
        this.meters = meters;
        this.takeOversDelayed = Counter.builder("sluice.take.overs.delayed")
                .description("CONNECTs that had to wait, as connections fight over their client identifier")
                .register(meters);
        Gauge.builder("sluice.limits.waiting", waiting, AtomicInteger::get)
                .description("Clients that wait for their share, in each direction")
                .register(meters);
    }

    /** Before a client is judged: why it may not connect now; null if it may. */
    Event.Denied connecting(Peer peer) {
        if (overloaded.getAsBoolean()) return OVERLOADED;
        var answer = plan.connecting(peer.address(), System.nanoTime());
        return answer == null ? null : refuse(answer, peer.socketAddress());
    }

    /**
     * @param before what the connection is held to already, null for nothing; it has to leave that if it is admitted
     * @param connects whether it connects, or has only proved again who it is
     */
    Answer admit(Identity identity, String clientId, Peer peer, ClientLimits before, boolean connects) {
        Allowance counted = null;
        if (before != null) counted = before.allowance();
        else if (connects) counted = held.apply(clientId);
        return plan.admit(applicant(identity, clientId, peer.address()), counted, connects, System.nanoTime());
    }

    /** What a client is told that is refused. */
    Event.Denied refuse(Answer.Refused refused, String client) {
        count(refused.limit(), refused.scope(), "refused");
        var why = sentence(refused.limit(), refused.scope());
        log.warn(() -> "client " + TraceText.line(client) + " is refused: " + why);
        var reason =
                refused.limit() == Limit.CONNECTS ? ReasonCode.CONNECTION_RATE_EXCEEDED : ReasonCode.QUOTA_EXCEEDED;
        return new Event.Denied(reason, why);
    }

    /** How many sessions an identity may have; {@link Long#MAX_VALUE} for any number. */
    long sessions(Identity identity) {
        return identity.isAnonymous() ? Long.MAX_VALUE : plan.sessions(applicant(identity, "", null));
    }

    /** How many messages of an identity may be retained; {@link Long#MAX_VALUE} for any number. */
    long retained(Identity identity) {
        return identity.isAnonymous() ? Long.MAX_VALUE : plan.retained(applicant(identity, "", null));
    }

    /** How much may wait for the client in PostgreSQL. */
    QueueLimit queue(Identity identity, String clientId) {
        var who = applicant(identity, clientId, null);
        return new QueueLimit(plan.ofClient(who, Limit.QUEUE_COUNT), plan.ofClient(who, Limit.QUEUE_BYTES));
    }

    /** @param limit of the identity, that its client would go beyond */
    Event.OpenFailed refuseToOpen(Limit limit, String clientId) {
        var refused = refuse(new Answer.Refused(limit, Scope.IDENTITY), clientId);
        return new Event.OpenFailed(refused.reason(), refused.why());
    }

    /** Has the retained messages of an identity counted that is limited in them, unless somebody does or has just done so. */
    void countRetained(Allowance allowance) {
        if (!allowance.beginsCount(System.nanoTime())) return;
        Thread.ofVirtual().name("sluice-retained-count").start(() -> {
            try {
                allowance.count(retainedOf);
            } catch (StoreUnavailable away) {
                log.warn(() -> "the retained messages of an identity cannot be counted: " + away.getMessage());
            }
        });
    }

    private static Applicant applicant(Identity identity, String clientId, String address) {
        return new Applicant(clientId, identity.name(), identity.groups(), identity.limits(), address);
    }

    static String sentence(Limit limit, Scope scope) {
        return "the limit " + limit + " of the " + scope + " is used up";
    }

    OnExcess onExcess(Limit limit) {
        return limit == Limit.BYTES_IN ? onBytesIn : onMessagesIn;
    }

    /** @param outcome {@code waited}, {@code refused} or {@code disconnected} */
    void count(Limit limit, Scope scope, String outcome) {
        Counter.builder("sluice.limits.exceeded")
                .description("Times that a limit was used up, by limit, by whose it is, and by what became of that")
                .tag("limit", limit.toString())
                .tag("scope", scope.toString())
                .tag("outcome", outcome)
                .register(meters)
                .increment();
    }

    void beginsToWait() {
        waiting.incrementAndGet();
    }

    void endsToWait() {
        waiting.decrementAndGet();
    }

    /**
     * A connection takes over another one of the same client: nanoseconds that it has to wait for that. Nobody else's attempts count: their
     * session it is not.
     */
    long takeOver(Identity identity, String clientId) {
        var delay = takeOvers.count(identity.name() + '\n' + clientId, System.nanoTime());
        if (delay == 0) return 0;
        takeOversDelayed.increment();
        fights.warn(() -> "connections fight over the client identifier " + TraceText.line(clientId)
                + ": each one waits before it takes over (sluice.limits.take-over-delay)");
        return delay;
    }
}
