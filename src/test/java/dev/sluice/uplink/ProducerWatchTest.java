package dev.sluice.uplink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.ProducerRig;
import dev.sluice.uplink.producer.Standstill;
import jakarta.enterprise.inject.Vetoed;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.InvalidRecordException;
import org.junit.jupiter.api.Test;

class ProducerWatchTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration SOON = Duration.ofMillis(50);
    private static final TopicState WRITABLE = new TopicState(4, Set.of(0, 1, 2, 3));
    private static final TopicState WITHOUT_LEADERS = new TopicState(4, Set.of());

    private final UplinkRig rig = new UplinkRig(Map.of("outage-grace", "50ms", "deadline", "100ms"));
    private final ProducerRig producers = new ProducerRig();
    private final FakeKafka kafka = new FakeKafka();
    private final ProducerWatch watch =
            new ProducerWatch(rig.config, rig.routes, producers.uplink, kafka, SOON, SOON, SOON);

    @Vetoed // else the tests that start Quarkus find two
    private final class FakeKafka extends KafkaHealth {
        TopicState fleet = WRITABLE;

        FakeKafka() {
            super(rig.routes, rig.producer, rig.spool, Map.of());
        }

        @Override
        Optional<Map<String, TopicState>> topicStates(Set<String> topics) {
            return Optional.of(Map.of(ProducerRig.TOPIC, fleet));
        }
    }

    private void handed(int partition) {
        producers.hand(partition);
    }

    private void turnsUntilStill() {
        await("a standstill").atMost(PATIENCE).until(() -> {
            watch.turn();
            return !watch.still().isEmpty();
        });
    }

    private void turnsUntilReplaced() {
        var before = producers.producers.size();
        await("another producer").atMost(PATIENCE).until(() -> {
            watch.turn();
            return producers.producers.size() > before;
        });
    }

    /** As when it has lost its request for a producer id. */
    @Test
    void aProducerThatIsSilentForNoReasonOfKafkasIsReplaced() {
        handed(0);
        turnsUntilReplaced();
        assertThat(producers.outcomes).hasSize(1).doesNotContainNull();
    }

    /** As when Kafka's client has lost count of the batches of a partition. */
    @Test
    void aProducerThatForgetsOnePartitionIsReplacedAlthoughItIsNotSilent() {
        producers.forgotten = Set.of(0);
        handed(1);
        producers.last().completeNext();
        producers.forgotten = Set.of();
        handed(0);
        await("another producer").atMost(PATIENCE).until(() -> {
            handed(1);
            if (producers.producers.size() == 1) producers.last().completeNext();
            watch.turn();
            return producers.producers.size() > 1;
        });
        assertThat(producers.outcomes).filteredOn(Objects::nonNull).isNotEmpty();
    }

    @Test
    void aPartitionThatKafkaCannotTakeIsNoReasonToReplaceAProducer() {
        kafka.fleet = new TopicState(4, Set.of(1, 2, 3));
        producers.forgotten = Set.of(0);
        handed(1);
        producers.last().completeNext();
        handed(0);
        turnsUntilStill();
        await("a standstill").during(SOON.multipliedBy(10)).atMost(PATIENCE).until(() -> {
            handed(1);
            producers.last().completeNext();
            watch.turn();
            return producers.producers.size() == 1;
        });
    }

    @Test
    void inAShortageOfBufferKafkaIsAskedWhichPartitionsCanTakeARecord() {
        kafka.fleet = new TopicState(4, Set.of(1));
        handed(0);
        producers.last().completeNext();
        producers.runShortOfBuffer();
        assertThat(producers.hand(1)).isEqualTo(Handover.NOT_NOW);
        watch.turn();
        assertThat(producers.hand(1)).isEqualTo(Handover.TAKEN);
        assertThat(producers.hand(0)).isEqualTo(Handover.NOT_NOW);
        kafka.fleet = WRITABLE;
        await("the next question").atMost(PATIENCE).until(() -> {
            watch.turn();
            return producers.hand(0) == Handover.TAKEN;
        });
    }

    @Test
    void aProducerWaitsForALeader() {
        kafka.fleet = WITHOUT_LEADERS;
        handed(0);
        turnsUntilStill();
        assertThat(watch.still()).containsExactly(new Standstill(ProducerRig.TOPIC, Standstill.ANY));
        assertThat(watch.stillTopics()).containsExactly(ProducerRig.TOPIC);
        assertThat(watch.takesNothing()).isTrue();
        // More than the patience with one that has no reason to wait.
        await("a silence").atMost(PATIENCE).until(() -> producers.uplink.isSilentFor(SOON.multipliedBy(10)));
        watch.turn();
        watch.turn();
        assertThat(producers.uplink.isGoneFor(Duration.ZERO)).isFalse();
        assertThat(producers.producers).hasSize(1);

        producers.last().completeNext();
        watch.turn();
        assertThat(watch.still()).isEmpty();
        assertThat(watch.takesNothing()).isFalse();
    }

    /** Its records may be anybody's outage; a topic that is not there is somebody's mistake, and waits for its making. */
    @Test
    void aMissingTopicIsNoOutage() {
        kafka.fleet = TopicState.MISSING;
        handed(0);
        turnsUntilStill();
        assertThat(watch.stillTopics()).isEmpty();
    }

    @Test
    void recordsForATopicThatIsGoneAndThatNoRouteNamesAreGivenUp() {
        kafka.fleet = TopicState.MISSING;
        handed(0);
        turnsUntilReplaced();
        assertThat(producers.outcomes).hasSize(1).doesNotContainNull();
    }

    /** A topic that is made again with fewer partitions: nobody but a new producer lets go of what is held for the others. */
    @Test
    void recordsForPartitionsThatAreNoMoreAreGivenUp() {
        handed(0); // from now on it is known how many there are
        producers.last().completeNext();
        handed(3);
        handed(0);
        producers.partitions = 1;
        kafka.fleet = new TopicState(1, Set.of()); // so that its silence is not what it is replaced for
        turnsUntilReplaced();
        assertThat(producers.outcomes).hasSize(3);
        assertThat(producers.outcomes.subList(1, 3)).doesNotContainNull();
    }

    @Test
    void aTopicWithFewerPartitionsIsNoReasonWhileNothingIsHeldForTheOthers() {
        handed(0);
        producers.last().completeNext();
        producers.partitions = 1;
        kafka.fleet = new TopicState(1, Set.of());
        handed(0);
        turnsUntilStill();
        await("lost partitions").during(SOON.multipliedBy(10)).atMost(PATIENCE).until(() -> {
            watch.turn();
            return producers.producers.size() == 1;
        });
    }

    @Test
    void aTopicOfWhichAnyPartitionMovesDoesNotStandStill() {
        var patient = new UplinkRig(Map.of("outage-grace", "2s"));
        var slower = new ProducerWatch(patient.config, rig.routes, producers.uplink, kafka, SOON, PATIENCE, PATIENCE);
        kafka.fleet = new TopicState(4, Set.of(0));
        handed(0); // from now on it is known how many there are
        producers.last().completeNext();
        handed(0);
        handed(1);
        await("a standstill").atMost(PATIENCE).until(() -> {
            slower.turn();
            return slower.still().size() == 2;
        });
        assertThat(slower.stillTopics()).containsExactly(ProducerRig.TOPIC);
        producers.last().completeNext();
        slower.turn();
        assertThat(slower.still()).containsExactly(new Standstill(ProducerRig.TOPIC, 1));
        assertThat(slower.stillTopics()).isEmpty();
    }

    /** Those that move, and are fewer, go the way of the others. */
    @Test
    void aTopicOfWhichMostPartitionsStandStillDoes() {
        kafka.fleet = new TopicState(4, Set.of(2, 3));
        producers.forgotten = Set.of(0, 1);
        handed(2); // from now on it is known how many there are
        producers.last().completeNext();
        handed(0);
        handed(1);
        await("a standstill").atMost(PATIENCE).until(() -> {
            handed(2);
            producers.last().completeNext();
            watch.turn();
            return watch.still().size() == 2;
        });
        assertThat(watch.stillTopics()).containsExactly(ProducerRig.TOPIC);
    }

    @Test
    void aRefusalOfATimestampIsToldUntilKafkaTakesSomething() {
        var why = "Timestamp 7 of message with offset 0 is out of range. The timestamp should be within [0, 6]";
        handed(0);
        producers.last().errorNext(new InvalidRecordException(why));
        watch.turn();
        assertThat(watch.refusedTimestamp()).contains(why);
        assertThat(watch.takesNothing()).isTrue();
        await("the next producer").atMost(PATIENCE).until(() -> producers.producers.size() == 2);
        producers.hand(ProducerRig.OTHER, 0); // the first one's topic gets nothing for now
        producers.last().completeNext();
        watch.turn();
        assertThat(watch.refusedTimestamp()).contains(why);
        assertThat(watch.takesNothing()).isFalse();
    }
}
