package dev.sluice.downlink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.DownlinkConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;

class PartitionsTest {
    /** What one record below counts. */
    private static final int WEIGHT = 1000 + 100;

    private static final TopicPartition ONE = new TopicPartition("commands", 0);
    private static final TopicPartition OTHER = new TopicPartition("commands", 1);
    private static final long NOW = System.nanoTime();
    private static final long LATER = NOW + Duration.ofSeconds(1).toNanos();

    private final Partitions partitions = new Partitions(config());
    private final Progress one = begin(ONE);
    private final Progress other = begin(OTHER);

    private static DownlinkConfig config() {
        var properties = Map.of(
                "sluice.downlink.in-flight", "10", "sluice.downlink.bytes-waiting", Integer.toString(20 * WEIGHT));
        return new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(DownlinkConfig.class)
                .withSources(new PropertiesConfigSource(properties, "case", 100))
                .build()
                .getConfigMapping(DownlinkConfig.class);
    }

    private Progress begin(TopicPartition partition) {
        var progress = new Progress(partition, 0, 0);
        partitions.begin(progress);
        return progress;
    }

    private static void take(Progress progress, int records, long at) {
        for (int i = 0; i < records; i++) {
            var partition = progress.partition();
            var record = new ConsumerRecord<byte[], byte[]>(
                    partition.topic(), partition.partition(), progress.next(), null, new byte[100]);
            progress.begun(new DownlinkRecord(record, progress, at), progress.next() + 1);
        }
    }

    private boolean isUsedUp(Progress progress) {
        return Partitions.isUsedUp(progress, partitions.room());
    }

    @Test
    void whatIsFreshCountsForAllPartitions() {
        take(one, 6, NOW);
        assertThat(partitions.areFull()).isFalse();
        take(other, 4, NOW);
        assertThat(partitions.areFull()).isTrue();
    }

    @Test
    void whatWaitsHoldsUpNobody() {
        take(one, 10, NOW);
        partitions.age(LATER);
        assertThat(partitions.areFull()).isFalse();
        assertThat(partitions.waiting()).isEqualTo(10);
        assertThat(partitions.open()).isEqualTo(10);
        assertThat(one.offset()).as("offset to commit").isZero();
    }

    @Test
    void aPartitionUsesWhatItLeavesToTheOthers() {
        take(one, 9, NOW);
        partitions.age(LATER);
        assertThat(isUsedUp(one)).isFalse();
        take(one, 2, LATER);
        assertThat(isUsedUp(one)).as("with what may wait next").isTrue();
        assertThat(isUsedUp(other)).isFalse();
        take(other, 4, NOW);
        partitions.age(LATER);
        assertThat(isUsedUp(other)).isFalse();
        take(other, 3, LATER);
        assertThat(isUsedUp(other)).isTrue();
    }

    @Test
    void whatIsFinishedMakesRoom() {
        var record = new ConsumerRecord<byte[], byte[]>("commands", 0, 0L, null, new byte[20 * WEIGHT]);
        var command = new DownlinkRecord(record, one, NOW);
        one.begun(command, 1);
        partitions.age(LATER);
        assertThat(isUsedUp(one)).isTrue();
        assertThat(isUsedUp(other)).as("one that has nothing").isFalse();
        assertThat(one.ended(command)).isTrue();
        assertThat(one.ended(command)).as("twice").isFalse();
        assertThat(isUsedUp(one)).isFalse();
        assertThat(partitions.toCommit().get(ONE).offset()).isEqualTo(1);
        assertThat(partitions.toCommit()).as("what is committed").isEmpty();
    }

    @Test
    void aTopicMadeAgainIsAnother() {
        var first = Uuid.randomUuid();
        assertThat(one.isOfAnother(Uuid.randomUuid(), NOW - LATER))
                .as("a look before")
                .isFalse();
        var after = System.nanoTime() + 1;
        assertThat(one.isOfAnother(first, after)).isFalse();
        assertThat(one.isOfAnother(first, after + 1)).isFalse();
        assertThat(one.isOfAnother(Uuid.randomUuid(), after + 2)).isTrue();
    }

    /** Its last offset may have been committed when the other one was there already. */
    @Test
    void aTopicMadeAgainWhileAPartitionWasAwayIsAnother() {
        var second = Uuid.randomUuid();
        assertThat(one.isOfAnother(Uuid.randomUuid(), System.nanoTime() + 1)).isFalse();
        partitions.remove(ONE);
        var back = begin(ONE);
        var after = System.nanoTime() + 1;
        assertThat(back.isOfAnother(second, after)).isTrue();
        partitions.remove(ONE);
        var anew = new Progress(ONE, 0, Progress.NOTHING);
        partitions.beginAnew(anew);
        assertThat(anew.isOfAnother(second, System.nanoTime() + 1)).isFalse();
    }

    @Test
    void nothingIsCommittedUntilItIsKnownWhyOffsetsWentBack() {
        take(one, 2, NOW);
        one.wentBack(1);
        assertThat(partitions.toCommit()).isEmpty();
        assertThat(one.isBackSinceBefore(NOW)).as("a look before").isFalse();
        assertThat(one.isBackSinceBefore(System.nanoTime() + 1)).isTrue();
        partitions.beginAnew(new Progress(ONE, 1, Progress.NOTHING));
        assertThat(partitions.toCommit().get(ONE).offset())
                .as("in the place of the stale one")
                .isEqualTo(1);
    }
}
