package dev.sluice.broker;

import dev.sluice.access.Method;
import dev.sluice.clock.BackOff;
import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Takes the tokens that a client publishes to {@link TopicName#RENEWAL}, so that its connection goes on when the one that let it in expires.
 * Each is judged when it arrives, and answered when it was judged and no PUBLISH before it is held any more. Confined to the connection's
 * event loop.
 */
final class TokenRenewals {
    /** There is no record that a repeat would have to carry. */
    private static final String NO_RECORD = "";

    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(8);

    private final Proof proof;
    private final boolean v5;
    private final Listener listener;
    private final BooleanSupplier isOver;
    private final BiConsumer<Duration, Runnable> after;
    private final PublishesForNobody forNobody;
    /** Those whose turn has not come, in the order received; null while nothing is held. */
    private ArrayDeque<Renewal> held;

    private long tokens;
    /** The latest token that was granted, counted from 1. */
    private long granted;

    /**
     * Who is told.
     *
     * @param answered what has become of a message; reads on
     * @param renewed the client has a newer identity
     * @param progressed a token was judged, if not for good
     */
    record Listener(Consumer<Event> answered, Runnable renewed, Runnable progressed) {}

    /**
     * @param isOver whether nobody needs the token any more
     * @param after has a task run on the loop after a while
     */
    TokenRenewals(
            Proof proof,
            boolean v5,
            Listener listener,
            BooleanSupplier isOver,
            BiConsumer<Duration, Runnable> after,
            PublishesForNobody forNobody) {
        this.proof = proof;
        this.v5 = v5;
        this.listener = listener;
        this.isOver = isOver;
        this.after = after;
        this.forNobody = forNobody;
    }

    /** One token. */
    private final class Renewal {
        private final Packet.Publish publish;
        private final long place = ++tokens;
        private boolean isHeld;
        /** Null until it has been tried in vain. */
        private BackOff backOff;
        /** Null until it was judged for good. */
        private Event.Forwarded answer;

        private Renewal(Packet.Publish publish, boolean isHeld) {
            this.publish = publish;
            this.isHeld = isHeld;
        }

        private void judge() {
            proof.renew(publish.payload(), this::judged);
        }

        private void judged(Event outcome) {
            switch (outcome) {
                case Event.Authenticated _ -> {
                    granted = place;
                    listener.renewed.run();
                    settle(ReasonCode.SUCCESS, null);
                }
                case Event.Denied(var reason, var why) -> {
                    if (isForNow(reason) && mayWait()) tryLater();
                    else settle(ofPublish(reason), "the token: " + why);
                }
                default -> listener.answered.accept(outcome);
            }
        }

        /** MQTT 3 cannot be told: its connection would end although its identity is good. */
        private boolean mayWait() {
            var until = proof.identity().until();
            return !isOver.getAsBoolean()
                    && (isHeld || !v5 && publish.qos() != QoS.AT_MOST_ONCE)
                    && (until == null || Instant.now().isBefore(until));
        }

        private void tryLater() {
            if (backOff == null) backOff = new BackOff(FIRST_PAUSE, LONGEST_PAUSE);
            after.accept(backOff.pause(), this::tryAgain);
            backOff.tried(false);
            listener.progressed.run();
        }

        private void tryAgain() {
            if (granted > place) settle(ReasonCode.SUCCESS, null); // an older token must not replace a newer one
            else if (isOver.getAsBoolean()) settle(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "the connection is over");
            else judge();
        }

        private void settle(ReasonCode outcome, String why) {
            answer = new Event.Forwarded(publish.packetId(), publish.qos(), outcome, why, NO_RECORD);
            if (!isHeld) answer();
        }

        private void itIsItsTurn() {
            isHeld = false;
            if (answer != null)
                after.accept(Duration.ZERO, this::answer); // the session is not done with the packet at hand
        }

        private void answer() {
            if (publish.qos() == QoS.AT_MOST_ONCE) return;
            if (publish.qos() == QoS.EXACTLY_ONCE && !answer.outcome().isError()) forNobody.note(publish.packetId());
            listener.answered.accept(answer);
        }
    }

    /** Whether a message is a token; to a client that came without one, the topic is one of the server's own like any other. */
    boolean concern(Packet.Publish publish) {
        return publish.topicName().equals(TopicName.RENEWAL) && proof.identity().method() == Method.TOKEN;
    }

    /** Has a message judged that is held, if it is a token. */
    void begin(Packet.Publish publish) {
        if (!concern(publish)) return;
        var renewal = new Renewal(publish, true);
        if (held == null) held = new ArrayDeque<>(1);
        held.add(renewal);
        renewal.judge();
    }

    /** Answers a message if it is a token, and has it judged if that has not begun; nobody else gets it. */
    boolean take(Packet.Publish publish) {
        if (!concern(publish)) return false;
        var begun = takeHeld(publish);
        if (begun == null) new Renewal(publish, false).judge();
        else begun.itIsItsTurn();
        return true;
    }

    /** Those before it have not come here: they were repeats, or over a bound. */
    private Renewal takeHeld(Packet.Publish publish) {
        Renewal found = null;
        while (held != null && found == null) {
            var first = held.remove();
            if (held.isEmpty()) held = null;
            if (first.publish == publish) found = first;
        }
        return found;
    }

    private static boolean isForNow(ReasonCode reason) {
        return switch (reason) {
            case SERVER_BUSY, SERVER_UNAVAILABLE, CONNECTION_RATE_EXCEEDED -> true;
            default -> false;
        };
    }

    /** The one of the reasons for which a PUBLISH may be refused. */
    private static ReasonCode ofPublish(ReasonCode reason) {
        return isForNow(reason) ? ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR : ReasonCode.NOT_AUTHORIZED;
    }
}
