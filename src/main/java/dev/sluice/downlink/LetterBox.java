package dev.sluice.downlink;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.Uplink;
import dev.sluice.uplink.producer.Production;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/** The letters for one Kafka topic, in order, until Kafka has them. Confined to the downlink's thread. */
final class LetterBox {
    private static final Logger LOG = Logger.getLogger(LetterBox.class);
    private static final Duration RETRY = Duration.ofMillis(200);
    /** The producer may have to learn first that there is such a topic. */
    private static final Duration UNTIL_TOLD = Duration.ofSeconds(5);

    private final String kafkaTopic;
    private final Uplink uplink;
    private final Executor thread;
    private final Consumer<Letter> arrived;
    private final Consumer<Letter> abandoned;
    /** Those that the producer has not taken. */
    private final ArrayDeque<Letter> waiting = new ArrayDeque<>();

    private int underWay;
    private long tryAt = System.nanoTime();
    /** Null while Kafka takes what it gets. */
    private ThrottledLog complaints;

    private boolean hasComplained;

    /**
     * @param arrived told of each letter that Kafka has
     * @param abandoned told of each that it will never take
     */
    LetterBox(String kafkaTopic, Uplink uplink, Executor thread, Consumer<Letter> arrived, Consumer<Letter> abandoned) {
        this.kafkaTopic = kafkaTopic;
        this.uplink = uplink;
        this.thread = thread;
        this.arrived = arrived;
        this.abandoned = abandoned;
    }

    void add(Letter letter) {
        waiting.add(letter);
        send();
    }

    /** Offers to the producer what it has not taken. */
    void send() {
        while (!waiting.isEmpty() && System.nanoTime() - tryAt >= 0) {
            var letter = waiting.peek();
            if (!uplink.produce(letter.record(kafkaTopic), outcome -> thread.execute(() -> settled(letter, outcome)))) {
                stuck(uplink.knows(kafkaTopic) ? "the producer has no room" : "is there such a topic?");
                return;
            }
            waiting.remove();
            underWay++;
        }
    }

    private void settled(Letter letter, Production.Outcome outcome) {
        underWay--;
        switch (outcome) {
            case Production.Outcome.Acknowledged _ -> {
                if (hasComplained) LOG.infof("%s takes records again", kafkaTopic);
                complaints = null;
                hasComplained = false;
                arrived.accept(letter);
            }
            case Production.Outcome.Failed(var why) -> again(letter, why);
            case Production.Outcome.Refused(var reason, var why) -> refused(letter, reason, why);
        }
    }

    private void refused(Letter letter, ReasonCode reason, String why) {
        if (reason == ReasonCode.NOT_AUTHORIZED) { // it may be allowed again
            again(letter, why);
        } else if (reason == ReasonCode.QUOTA_EXCEEDED && letter.hasValue()) {
            add(letter.withoutValue());
        } else {
            LOG.errorf("%s does not take %s, which could not be delivered: %s", kafkaTopic, letter, why);
            abandoned.accept(letter);
        }
    }

    private void again(Letter letter, String why) {
        waiting.add(letter);
        stuck(why);
    }

    private void stuck(String why) {
        tryAt = System.nanoTime() + RETRY.toNanos();
        if (complaints == null) complaints = new ThrottledLog(LOG, UNTIL_TOLD);
        hasComplained |= complaints.warn(
                "%d records that could not be delivered wait for the Kafka topic %s, and the offsets of their partitions with them: %s"
                                .formatted(size(), kafkaTopic, why)
                        + " Create the topic, or allow the gateway to write to it");
    }

    void drop(Progress progress) {
        waiting.removeIf(letter -> letter.command().progress() == progress);
    }

    /** Letters that Kafka does not have yet. */
    int size() {
        return waiting.size() + underWay;
    }
}
