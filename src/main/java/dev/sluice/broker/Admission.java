package dev.sluice.broker;

import dev.sluice.access.Authenticator;
import dev.sluice.access.Identity;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.config.AccessConfig;
import dev.sluice.session.Event;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Deque;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Has credentials judged, each on a virtual thread of its own, as many at a time as are configured: who is not known yet waits for
 * nobody's session and takes nobody's turn. Any thread may use it.
 */
final class Admission {
    private static final Logger LOG = Logger.getLogger(Admission.class);
    /** Turns that a proof may take, at most: of the gateway, of the client and of the gateway again, and then some. */
    private static final int KEPT = 4;

    private final Authenticator authenticator;
    private final Duration timeout;
    private final Semaphore places;
    private final Limiter limiter;
    private final MeterRegistry meters;
    /** The latest first; as far back as something may still be judged that began before. */
    private final Deque<Withdrawal> withdrawals = new ConcurrentLinkedDeque<>();

    private record Withdrawal(Predicate<Identity> whose, Event.Ended end, long at) {}

    Admission(Authenticator authenticator, AccessConfig config, Limiter limiter, MeterRegistry meters) {
        if (config.attemptsMaximum() < 1)
            throw new IllegalArgumentException(
                    "sluice.access.attempts-maximum: is " + config.attemptsMaximum() + ", and has to be 1 or more");
        this.authenticator = authenticator;
        this.limiter = limiter;
        this.timeout = config.judgeTimeout();
        this.places = new Semaphore(config.attemptsMaximum());
        this.meters = meters;
        Gauge.builder(
                        "sluice.authentications.under.way",
                        places,
                        it -> config.attemptsMaximum() - it.availablePermits())
                .description("Credentials that are being judged, or wait for that")
                .register(meters);
    }

    Limiter limiter() {
        return limiter;
    }

    /** The longest that a client waits for its credential to be judged. */
    Duration timeout() {
        return timeout;
    }

    /**
     * Has an attempt judged, or what a client has answered in a conversation.
     *
     * @param judged is told the verdict, on another thread; not if the thread was interrupted
     * @return the thread that judges, to be interrupted when nobody wants to know any more; null if too many are being judged
     */
    Thread judge(Function<Authenticator, Verdict> question, Consumer<Verdict> judged) {
        if (!places.tryAcquire()) return null;
        return Thread.ofVirtual().name("sluice-access").start(() -> {
            try {
                judged.accept(verdict(() -> question.apply(authenticator)));
            } finally {
                places.release();
            }
        });
    }

    private static Verdict verdict(Supplier<Verdict> question) {
        try {
            return question.get();
        } catch (RuntimeException | Error bug) { // without a verdict, the client would wait
            if (!Thread.currentThread().isInterrupted()) LOG.error("a credential cannot be judged", bug);
            return new Verdict.Denied(Reason.UNAVAILABLE, "it cannot be judged: " + bug);
        }
    }

    /** Identities are withdrawn: what began to be judged before is not let in any more. */
    synchronized void withdraw(Predicate<Identity> whose, Event.Ended end) {
        var now = System.nanoTime();
        withdrawals.addFirst(new Withdrawal(whose, end, now));
        while (withdrawals.peekLast() instanceof Withdrawal last && now - last.at > KEPT * timeout.toNanos())
            withdrawals.remove(last);
    }

    /** Why an identity is withdrawn whose proof began at this time, the JVM's nanoseconds; null if it is not. */
    Event.Ended withdrawn(Identity identity, long begun) {
        for (var withdrawal : withdrawals) {
            if (withdrawal.at - begun < 0) return null;
            if (withdrawal.whose.test(identity)) return withdrawal.end;
        }
        return null;
    }

    void countGranted() {
        count("granted");
    }

    void count(Reason denied) {
        count(denied.name());
    }

    /** Counts one that was refused because too many are being judged. */
    void countBusy() {
        count("busy");
    }

    /** Counts one that was not judged, or not answered by the client, in time. */
    void countLate() {
        count("late");
    }

    private void count(String outcome) {
        Counter.builder("sluice.authentications")
                .description("Clients' proofs of who they are, by outcome")
                .tag("outcome", outcome.toLowerCase(Locale.ROOT))
                .register(meters)
                .increment();
    }
}
