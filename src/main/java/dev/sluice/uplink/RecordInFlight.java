package dev.sluice.uplink;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.packet.Properties;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.record.Backlog;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.Tracing;
import dev.sluice.uplink.route.Failure;
import io.opentelemetry.api.trace.Span;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.jboss.logging.Logger;

/**
 * One record of a {@link Forwarding}, or the dead letter that takes its place, until Kafka has answered. Confined to the client's
 * event loop, except for {@link #onCompletion}.
 */
final class RecordInFlight implements Callback {
    private static final ThrottledLog REFUSED_LETTERS = new ThrottledLog(Logger.getLogger(RecordInFlight.class));

    private final Forwarding forwarding;
    private final Target target;
    /** Why the message cannot have this record, so that a dead letter is sent; null as long as nothing is against it. */
    private Failure failure;
    /** Whether the dead letter goes without the payload, too large for Kafka. */
    private boolean isStripped;
    /** The record that Kafka was given first, kept where a refusal would make a dead letter of it. */
    private ProducerRecord<byte[], byte[]> original;
    /** The number of the record in its sequence, 0 as long as it has taken none. */
    private long number;

    /** Null unless the message names a trace. */
    private Span span;

    /** What it counts in until Kafka has answered; null for none. */
    private Backlog topicBacklog;

    private Backlog partitionBacklog;

    /** @param failure null if the message can have this record, as far as is known */
    RecordInFlight(Forwarding forwarding, Target target, Failure failure) {
        this.forwarding = forwarding;
        this.target = target;
        this.failure = failure;
    }

    Forwarding forwarding() {
        return forwarding;
    }

    Target target() {
        return target;
    }

    Failure failure() {
        return failure;
    }

    boolean isStripped() {
        return isStripped;
    }

    ProducerRecord<byte[], byte[]> original() {
        return original;
    }

    /** Continues the trace that the message names, if it does. */
    void trace(Tracing tracing, Properties properties, ProducerRecord<byte[], byte[]> made) {
        if (span == null) span = tracing.begin(properties, made.topic());
        if (span != null) Tracing.inject(span, made.headers());
    }

    /**
     * Counts it in what waits for Kafka, before it is handed over: Kafka may answer at any moment after that.
     *
     * @param partition null if nobody knows it
     */
    void enterBacklog(Backlog topic, Backlog partition) {
        topicBacklog = topic;
        partitionBacklog = partition;
        topic.add(forwarding.bytesOfRecord());
        if (partition != null) partition.add(forwarding.bytesOfRecord());
    }

    void leaveBacklog() {
        if (topicBacklog == null) return;
        topicBacklog.add(-forwarding.bytesOfRecord());
        if (partitionBacklog != null) partitionBacklog.add(-forwarding.bytesOfRecord());
        topicBacklog = null;
        partitionBacklog = null;
    }

    /** The producer has it, under the next number of its sequence unless it has one. */
    void taken(ProducerRecord<byte[], byte[]> first) {
        if (number == 0) number = target.sequence().use();
        if (target.route().hasDeadLetters()) original = first;
    }

    /** Puts a dead letter in its place, or a smaller dead letter in that one's; false if there is nothing else to offer. */
    boolean becomeDeadLetter(Refusal refusal) {
        if (refusal.isForTimestamp()) return false;
        if (failure == null && target.route().hasDeadLetters()) {
            failure = refusal.failure();
            forwarding.noteFailure(failure);
            return true;
        }
        if (failure == null || isStripped || !refusal.isTooLarge()) return false;
        isStripped = true;
        return true;
    }

    /** Refuses the message, as there is nothing else to offer; has the client send it again where that helps. */
    void refuse(Refusal refusal) {
        if (refusal.isForTimestamp()) {
            fail(new InvalidTimestampException(refusal.why()));
            return;
        }
        // A gap only if later records have been sent meanwhile.
        if (number > 0 && failure == null) target.sequence().giveBack(number);
        if (failure != null)
            REFUSED_LETTERS.warn("a message of route \"" + target.route().name()
                    + "\" is refused, because Kafka refuses its dead letter: " + refusal.why());
        endSpan("refused");
        leaveBacklog();
        forwarding.refused(failure == null ? refusal.failure() : failure);
    }

    /** Fails the message for now: another attempt may succeed. */
    void fail(Exception transientFailure) {
        leaveBacklog();
        endSpan("not sent");
        forwarding.failed(transientFailure);
    }

    /** The client is gone. */
    void abandon() {
        fail(new DisconnectException("the client is gone"));
    }

    void endSpan(String error) {
        if (span != null) Tracing.end(span, error);
    }

    /** Kafka has answered, or the spool has the record, which is as good: both come with no exception. */
    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        if (exception == null) {
            leaveBacklog();
            endSpan(failure == null ? null : failure.kind().code());
            forwarding.acknowledged(failure);
            return;
        }
        var refusal = Refusal.of(exception);
        if (refusal == null) fail(exception);
        else forwarding.client().refusedLate(this, refusal);
    }
}
