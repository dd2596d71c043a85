package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.junit.jupiter.api.Test;

class UplinkProducerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final ProducerRig rig = new ProducerRig();

    private void replaced(int producers) {
        replaced(rig, producers);
    }

    private static void replaced(ProducerRig rig, int producers) {
        await("producer " + producers).atMost(PATIENCE).until(() -> rig.producers.size() == producers);
        await("its first record").atMost(PATIENCE).until(() -> rig.hand(0) == Handover.TAKEN);
    }

    private List<Standstill> still(Duration time) {
        rig.uplink.look();
        return rig.uplink.flows().still(time);
    }

    @Test
    void anotherProducerTakesThePlaceOfOneThatCannotGoOn() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.last().sendException = new KafkaException("fenced");
        assertThat(rig.hand(0)).isEqualTo(Handover.NOT_NOW);
        replaced(2);
        assertThat(rig.producers.getFirst().closed()).isTrue();
    }

    /** As that of an interceptor, or of a reporter of metrics. */
    @Test
    void aFailureToCloseDoesNotKeepTheNextOneAway() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.last().closeException = new KafkaException("Failed to close kafka producer");
        rig.uplink.replace("a test");
        replaced(2);
        assertThat(rig.outcomes).as("that of the first record").hasSize(1).doesNotContainNull();
    }

    /** As with a producer whose thread has ended by an OutOfMemoryError: it calls nobody back. */
    @Test
    void everyRecordHasItsOutcomeWhenTheProducerIsReplaced() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        assertThat(rig.hand(1)).isEqualTo(Handover.TAKEN);
        rig.uplink.replace("a test");
        await("their failure").atMost(PATIENCE).until(() -> rig.outcomes.size() == 2);
        assertThat(rig.outcomes).doesNotContainNull();
        assertThat(rig.outcomes).allMatch(failure -> Refusal.of(failure) == null);
        rig.producers.getFirst().completeNext(); // too late
        assertThat(rig.outcomes).hasSize(2);
        assertThat(still(Duration.ZERO)).isEmpty();
    }

    @Test
    void recordsForOtherTopicsReachKafkaBeforeTheProducerIsReplacedForOne() {
        assertThat(rig.hand(ProducerRig.OTHER, 0)).isEqualTo(Handover.TAKEN);
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.uplink.replace("a test", ProducerRig.TOPIC);
        assertThat(rig.hand(ProducerRig.OTHER, 0)).isEqualTo(Handover.NOT_NOW);
        assertThat(rig.outcomes).isEmpty();
        rig.last().completeNext();
        replaced(2);
        assertThat(rig.outcomes).hasSize(2).startsWith((Exception) null).doesNotHaveDuplicates();
    }

    /** Else what it holds behind that record could pass it. */
    @Test
    void aProducerThatFailsForNowSendsNothingMoreWhileOthersAreAwaited() {
        assertThat(rig.hand(ProducerRig.OTHER, 0)).isEqualTo(Handover.TAKEN);
        assertThat(rig.hand(ProducerRig.OTHER, 0)).isEqualTo(Handover.TAKEN);
        rig.uplink.replace("a test", ProducerRig.TOPIC);
        rig.last().errorNext(new KafkaException("for now"));
        assertThat(rig.producers.getFirst().closed()).isTrue();
        rig.producers.getFirst().errorNext(new KafkaException("closed")); // as Kafka's producer does by itself
        replaced(2);
    }

    @Test
    void whatDoesNotReachKafkaIsNotAwaitedForLong() {
        var rig = new ProducerRig(Duration.ofMillis(100));
        assertThat(rig.hand(ProducerRig.OTHER, 0)).isEqualTo(Handover.TAKEN);
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.uplink.replace("a test", ProducerRig.TOPIC);
        replaced(rig, 2);
        assertThat(rig.outcomes).hasSize(2).doesNotContainNull();
    }

    @Test
    void recordsForATopicWhoseTimestampsKafkaRefusesCostOneProducer() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.last().errorNext(new InvalidTimestampException("out of range"));
        await("the next producer").atMost(PATIENCE).until(() -> rig.hand(ProducerRig.OTHER, 0) == Handover.TAKEN);
        assertThat(rig.hand(0)).isEqualTo(Handover.NOT_NOW);
        assertThat(rig.producers).hasSize(2);
    }

    /** Told a second time of a producer, the metrics let it go, with the thread that they have for it. */
    @Test
    void theMetricsLetGoOfAProducerThatIsReplaced() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.uplink.replace("a test");
        replaced(2);
        assertThat(rig.told).containsExactly(rig.producers.get(0), rig.producers.get(1));
        rig.last().completeNext();
        rig.uplink.replace("a test");
        replaced(3);
        assertThat(rig.told)
                .containsExactly(
                        rig.producers.get(0), rig.producers.get(1), rig.producers.get(1), rig.producers.get(2));
    }

    /** It has its producer id; with another one, everybody whose messages are under way would be cut off. */
    @Test
    void aProducerThatHasWorkedOutlivesARefusalOfAnotherClient() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.last().completeNext();
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.uplink.letInAgain("invalid credentials");
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        assertThat(rig.outcomes).containsExactly((Exception) null);
        assertThat(rig.producers).hasSize(1);
    }

    @Test
    void aProducerThatHasNeverWorkedIsReplacedAfterARefusal() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN);
        rig.uplink.letInAgain("invalid credentials");
        replaced(2);
    }

    @Test
    void aPartitionStandsStillWhileKafkaAcknowledgesOthers() {
        assertThat(rig.hand(0)).isEqualTo(Handover.TAKEN); // from now on it is known how many there are
        rig.last().completeNext();
        rig.hand(1);
        rig.hand(2);
        var one = new Standstill(ProducerRig.TOPIC, 1);
        var two = new Standstill(ProducerRig.TOPIC, 2);
        assertThat(still(Duration.ZERO)).containsExactly(one, two);
        assertThat(still(Duration.ofMinutes(1))).isEmpty();
        rig.last().completeNext();
        assertThat(still(Duration.ZERO)).containsExactly(two);
        rig.last().errorNext(new RecordTooLargeException());
        assertThat(still(Duration.ZERO)).isEmpty();
    }
}
