package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.uplink.UplinkRig;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

class SpooledRecordTest {
    private final UplinkRig rig = new UplinkRig(Map.of());
    private final SpooledRecord record = record();

    private static SpooledRecord record() {
        var value = "value".getBytes(StandardCharsets.UTF_8);
        var row = new SpoolRow(5, null, "c", "telemetry", null, null, new byte[0], value, 0).at(7);
        return new SpooledRecord(row, new TopicPartitionRef("telemetry", null), new CountDownLatch(1));
    }

    private void answer(Exception failure) {
        assertThat(record.send(rig.producer)).isTrue();
        rig.producer.unanswered.remove().onCompletion(null, failure);
    }

    @Test
    void isTakenWhenKafkaAcknowledgesIt() throws InterruptedException {
        answer(null);
        assertThat(record.await(Duration.ZERO)).isTrue();
        assertThat(record.isTaken()).isTrue();
        assertThat(record.refusal()).isNull();
    }

    @Test
    void isReadAgainAfterAFailureThatMayPass() throws InterruptedException {
        answer(new TimeoutException("late"));
        assertThat(record.await(Duration.ZERO)).isTrue();
        assertThat(record.isTaken()).isFalse();
        assertThat(record.refusal()).isNull();
    }

    /** A client would send it again; a row only gets older. */
    @Test
    void isRefusedForItsTimestamp() {
        answer(new InvalidTimestampException("too old"));
        assertThat(record.refusal()).isEqualTo("too old");
    }

    @Test
    void isRefusedForItsTimestampAmongOthers() {
        var why = "Timestamp 7 of message with offset 0 is out of range. The timestamp should be within [8, 9]";
        answer(new InvalidRecordException(why));
        assertThat(record.refusal()).isEqualTo(why);
    }

    @Test
    void itsDeadLetterLosesThePayloadThatIsTooLarge() {
        answer(new RecordTooLargeException("too large"));
        var letter = record.deadLetter("letters");
        assertThat(letter.send(rig.producer)).isTrue();
        rig.producer.unanswered.remove().onCompletion(null, new RecordTooLargeException("too large"));
        assertThat(letter.isPayloadTooLarge()).isTrue();

        var smaller = letter.withoutPayload();
        assertThat(smaller.send(rig.producer)).isTrue();
        var sent = rig.producer.sent.getLast();
        assertThat(sent.topic()).isEqualTo("letters");
        assertThat(sent.value()).isNull();
        assertThat(new String(
                        sent.headers().lastHeader("dead-letter-payload-bytes").value(), StandardCharsets.UTF_8))
                .isEqualTo("5");
        rig.producer.unanswered.remove().onCompletion(null, new RecordTooLargeException("too large"));
        assertThat(smaller.isPayloadTooLarge()).isFalse();
    }

    @Test
    void whoLeavesItGetsItsAnswerOnce() {
        var told = new AtomicInteger();
        assertThat(record.send(rig.producer)).isTrue();
        assertThat(record.leaveTo(told::incrementAndGet)).isTrue();
        assertThat(told).hasValue(0);
        rig.producer.unanswered.remove().onCompletion(null, null);
        record.giveUp("gone");
        assertThat(told).hasValue(1);
        assertThat(record.isTaken()).isTrue();
        assertThat(record.leaveTo(told::incrementAndGet)).as("answered").isFalse();
    }

    @Test
    void theFirstAnswerCounts() {
        answer(null);
        record.giveUp("gone");
        assertThat(record.isTaken()).isTrue();
        assertThat(record.refusal()).isNull();
        assertThat(List.of(record.place().lane(), (int) record.place().seq())).containsExactly(5, 7);
    }
}
