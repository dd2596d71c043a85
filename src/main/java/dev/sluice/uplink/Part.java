package dev.sluice.uplink;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.packet.Properties;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.Tracing;
import dev.sluice.uplink.route.Failure;
import io.opentelemetry.api.trace.Span;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.jboss.logging.Logger;

/**
 * One record of a {@link Forwarding}, or the dead letter that takes its place, until Kafka has answered. Confined to the client's
 * event loop, but for {@link #onCompletion}.
 */
public final class Part implements Callback {
    private static final ThrottledLog REFUSED_LETTERS = new ThrottledLog(Logger.getLogger(Part.class));

    private final Forwarding forwarding;
    public final Target target;
    /** Why the message cannot have this record, so that a dead letter is sent; null as long as nothing is against it. */
    private Failure failure;
    /** Whether the dead letter goes without the payload, too large for Kafka. */
    private boolean isStripped;
    /** What Kafka was given first, kept where a refusal would make a dead letter of it. */
    private ProducerRecord<byte[], byte[]> record;
    /** The number of the record in its sequence, 0 as long as it has taken none. */
    private long number;

    /** Null unless the message names a trace. */
    private Span span;

    /** Whether it counts in the backlog of its Kafka topic. */
    private boolean counted;

    private Exception refusal;
    private Thread sending;
    private boolean notTaken;

    /** @param failure null if the message can have this record, as far as is known */
    Part(Forwarding forwarding, Target target, Failure failure) {
        this.forwarding = forwarding;
        this.target = target;
        this.failure = failure;
    }

    Forwarding forwarding() {
        return forwarding;
    }

    Failure failure() {
        return failure;
    }

    boolean isStripped() {
        return isStripped;
    }

    ProducerRecord<byte[], byte[]> record() {
        return record;
    }

    /** Continues the trace that the message names, if it does. */
    void trace(Tracing tracing, Properties properties, ProducerRecord<byte[], byte[]> made) {
        if (span == null) span = tracing.begin(properties, made.topic());
        if (span != null) Tracing.inject(span, made.headers());
    }

    /** Marks the calling thread as inside {@code Producer.send}. */
    void sending() {
        sending = Thread.currentThread();
        notTaken = false;
        if (counted) return;
        counted = true;
        target.backlog().add(forwarding.bytesOfPart());
    }

    /** The spool has no room for it now. */
    void notTaken() {
        notTaken = true;
    }

    /** Ends {@link #sending}: whether the producer took the record, now or by refusing it for good. */
    boolean taken() {
        sending = null;
        if (notTaken) uncount();
        return !notTaken;
    }

    private void uncount() {
        if (!counted) return;
        counted = false;
        target.backlog().add(-forwarding.bytesOfPart());
    }

    /** The producer has it, under the next number of its sequence unless it has one. */
    void sent(ProducerRecord<byte[], byte[]> original) {
        if (number == 0) number = target.sequence().use();
        if (target.route().hasDeadLetters()) record = original;
    }

    boolean isRefused() {
        return refusal != null;
    }

    /** After a refusal: whether there is something else to offer, a dead letter or one that is smaller. */
    boolean fallsBack() {
        if (refusal == null) return false;
        if (failure == null && target.route().hasDeadLetters()) {
            failure = Failure.rejectedByKafka(refusal);
            forwarding.failed(failure);
        } else if (failure != null && !isStripped && refusal instanceof RecordTooLargeException) {
            isStripped = true;
        } else {
            return false;
        }
        refusal = null;
        return true;
    }

    /** There is nothing else to offer: the message is refused. */
    void settleRefused() {
        // A gap only if later records have been sent meanwhile.
        if (number > 0 && failure == null) target.sequence().giveBack(number);
        if (failure != null)
            REFUSED_LETTERS.warn("a message of route \"" + target.route().name()
                    + "\" is refused, because Kafka refuses its dead letter: " + refusal.getMessage());
        endSpan("refused");
        uncount();
        forwarding.refused(failure == null ? Failure.rejectedByKafka(refusal) : failure);
    }

    /** Another attempt may succeed. */
    void settleFailed(Exception passing) {
        uncount();
        endSpan("not sent");
        forwarding.failedForNow(passing);
    }

    void endSpan(String error) {
        if (span != null) Tracing.end(span, error);
    }

    /** Kafka has it, or the spool: for the client one is as good as the other. */
    public void acknowledged() {
        uncount();
        endSpan(failure == null ? null : failure.kind().code());
        forwarding.acknowledged(failure);
    }

    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        if (exception == null) {
            acknowledged();
        } else if (Thread.currentThread() == sending) {
            // Told from within send: if not refused, there is no room or no metadata yet, and the record can be offered
            // again.
            if (Refusal.of(exception) == null) notTaken = true;
            else refusal = exception;
        } else if (Refusal.of(exception) == null) {
            settleFailed(exception);
        } else {
            forwarding.client().execute(() -> {
                refusal = exception;
                forwarding.client().refused(this);
            });
        }
    }
}
