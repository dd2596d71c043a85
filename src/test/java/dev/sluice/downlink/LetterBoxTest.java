package dev.sluice.downlink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.uplink.UplinkRig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.Test;

/** What becomes of letters when the partition of their records goes to another replica. */
class LetterBoxTest {
    private final UplinkRig.Producer producer = new UplinkRig(Map.of()).producer;
    private final List<Letter> arrived = new ArrayList<>();
    private final List<Letter> abandoned = new ArrayList<>();
    private final LetterBox box = new LetterBox("dead", producer, Runnable::run, arrived::add, abandoned::add);

    private static Progress progress(int partition) {
        return new Progress(new TopicPartition("commands", partition), 0, 0);
    }

    private static Letter letter(Progress progress) {
        var partition = progress.partition();
        var record = new ConsumerRecord<>(partition.topic(), partition.partition(), 0, new byte[0], new byte[10]);
        var command = new DownlinkRecord(record, progress, System.nanoTime());
        return Letter.dead(command, new DownlinkOutcome.Dead("downlink-bad-record", "it is bad"));
    }

    /** The replica that has the partition now writes it. */
    @Test
    void aLetterOfAPartitionThatIsGoneIsNotWrittenAgain() {
        for (var failure : List.of(
                new DisconnectException(),
                new TopicAuthorizationException("dead"),
                new RecordTooLargeException(),
                new InvalidTopicException())) {
            var progress = progress(0);
            box.add(letter(progress));
            producer.sent.clear();
            progress.close();
            box.drop(progress);
            assertThat(box.size()).as("it may still arrive").isEqualTo(1);
            producer.fail(failure);
            assertThat(box.size()).isZero();
            box.send();
            assertThat(producer.sent).isEmpty();
        }
        assertThat(abandoned).isEmpty();
    }

    @Test
    void lettersOfOtherPartitionsAreKept() {
        var gone = progress(0);
        box.add(letter(gone));
        box.add(letter(progress(1)));
        gone.close();
        box.drop(gone);
        producer.fail();
        producer.fail();
        assertThat(box.size()).isEqualTo(1);
    }
}
