package dev.sluice.downlink;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.producer.UplinkProducer;
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
    private final UplinkProducer producer;
    private final Executor thread;
    private final Consumer<Letter> arrived;
    private final Consumer<Letter> abandoned;
    /** The letters that the producer has not taken. */
    private final ArrayDeque<Letter> waiting = new ArrayDeque<>();

    private int underWay;
    private long tryAt = System.nanoTime();
    /** Null while Kafka takes what it gets. */
    private ThrottledLog complaints;

    private boolean hasComplained;

    /**
     * @param arrived gets each letter that Kafka has
     * @param abandoned gets each letter that Kafka will never take
     */
    LetterBox(
            String kafkaTopic,
            UplinkProducer producer,
            Executor thread,
            Consumer<Letter> arrived,
            Consumer<Letter> abandoned) {
        this.kafkaTopic = kafkaTopic;
        this.producer = producer;
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
            switch (hand(letter)) {
                case Handover.Taken _ -> {
                    waiting.remove();
                    underWay++;
                }
                case Handover.NotNow _ -> {
                    stuck(producer.knows(kafkaTopic) ? "the producer has no room" : "is there such a topic?");
                    return;
                }
                case Handover.Refused(var refusal) -> {
                    waiting.remove();
                    refused(letter, refusal);
                }
            }
        }
    }

    private Handover hand(Letter letter) {
        return producer.hand(
                letter.record(kafkaTopic), (_, failure) -> thread.execute(() -> answered(letter, failure)));
    }

    /** @param failure null if Kafka has the letter */
    private void answered(Letter letter, Exception failure) {
        underWay--;
        if (failure == null) {
            arrived(letter);
            return;
        }
        if (letter.command().progress().isClosed()) return; // whoever reads the record again writes the letter
        var refusal = Refusal.of(failure);
        if (refusal == null) again(letter, failure.getMessage());
        else refused(letter, refusal);
    }

    private void arrived(Letter letter) {
        if (hasComplained) LOG.infof("%s takes records again", kafkaTopic);
        complaints = null;
        hasComplained = false;
        arrived.accept(letter);
    }

    private void refused(Letter letter, Refusal refusal) {
        if (refusal.isForbidden()) {
            again(letter, refusal.why());
        } else if (refusal.isTooLarge() && letter.hasValue()) {
            add(letter.withoutValue());
        } else {
            LOG.errorf("%s does not take %s, which could not be delivered: %s", kafkaTopic, letter, refusal.why());
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

    /** Forgets what it has for a partition, which is closed; what the producer has may still arrive. */
    void drop(Progress progress) {
        waiting.removeIf(letter -> letter.command().progress() == progress);
    }

    /** Letters that Kafka does not have yet. */
    int size() {
        return waiting.size() + underWay;
    }
}
