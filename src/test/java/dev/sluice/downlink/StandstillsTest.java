package dev.sluice.downlink;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class StandstillsTest {
    private static final TopicPartition PARTITION = new TopicPartition("commands", 3);
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final Standstills standstills = new Standstills();
    private final Stalls stalls = new Stalls();

    private static UnreadableBatch batch(long first) {
        return new UnreadableBatch(
                PARTITION, first, first + 1, 2, new byte[0], UnreadableBatch.Cause.CORRUPT, "the batch is corrupt");
    }

    @Test
    void aBatchIsCountedOnceAlsoIfItsPartitionWasAwayForAMoment() {
        assertThat(standstills.add(batch(5))).isTrue();
        assertThat(standstills.add(batch(5))).isFalse();
        standstills.lost(PARTITION);
        assertThat(standstills.sentences()).isEmpty();
        assertThat(standstills.add(batch(5))).isFalse();
        assertThat(standstills.sentences()).containsOnlyKeys("commands-3");
        standstills.passed(PARTITION, 7);
        assertThat(standstills.sentences()).isEmpty();
        assertThat(standstills.add(batch(9))).isTrue();
    }

    private void see(Stalls.Cause cause, long offset, long now) {
        stalls.seen(Map.of(PARTITION, new Stalls.Stall(cause, offset, 6)), now);
    }

    @Test
    void onlyWhatLastsIsTold() {
        see(Stalls.Cause.TRANSACTION, 5, 0);
        assertThat(stalls.sentences()).isEmpty();
        see(Stalls.Cause.TRANSACTION, 5, 5 * SECOND);
        assertThat(stalls.sentences().get("commands-3"))
                .contains("6 records", "a transaction is open at offset 5", "kafka-transactions.sh");
        assertThat(stalls.lasting(5 * SECOND)).containsOnlyKeys(PARTITION);
        stalls.seen(Map.of(), 6 * SECOND);
        assertThat(stalls.sentences()).isEmpty();
    }

    @Test
    void oneTransactionAfterTheOtherIsNoStandstill() {
        for (int i = 0; i < 20; i++) see(Stalls.Cause.TRANSACTION, 5 + i / 2, i * SECOND);
        assertThat(stalls.sentences()).isEmpty();
    }

    /** Some are done with now and then. */
    @Test
    void aPartitionThatCreepsStandsStill() {
        for (int i = 0; i < 20; i++) see(Stalls.Cause.WAITING, 5 + i / 2, i * SECOND);
        assertThat(stalls.sentences()).hasSize(1);
    }
}
