package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.uplink.route.KafkaTopic;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.InvalidRecordException;
import org.junit.jupiter.api.Test;

/** What is handed to the producer, by what Kafka has said of the topic. */
class KnownTopicsTest {
    private final KnownTopics topics = new KnownTopics();

    private void tell(Map<String, KafkaTopic> said) {
        topics.tell(said, _ -> false);
    }

    private Handover keyed(String name) {
        return topics.against(name, true);
    }

    private Handover keyless(String name) {
        return topics.against(name, false);
    }

    @Test
    void nothingGoesToATopicBeforeKafkaHasIt() throws InterruptedException {
        assertThat(keyed("t")).isEqualTo(Handover.NOT_NOW);
        topics.awaitQuestion(Duration.ofMinutes(1));
        assertThat(topics.due()).containsExactly("t");
        tell(Map.of("t", KafkaTopic.MISSING));
        assertThat(keyed("t")).isEqualTo(Handover.NOT_NOW);
        tell(Map.of("t", new KafkaTopic(3, false)));
        assertThat(keyed("t")).isNull();
        assertThat(keyless("t")).isNull();
        assertThat(topics.partitions("t")).isEqualTo(3);
        tell(Map.of("t", KafkaTopic.MISSING));
        assertThat(keyed("t")).isEqualTo(Handover.NOT_NOW);
        assertThat(topics.partitions("t")).isZero();
    }

    @Test
    void aCompactedTopicGetsNoRecordWithoutAKey() {
        tell(Map.of("t", new KafkaTopic(3, true)));
        assertThat(keyless("t")).isInstanceOf(Handover.Refused.class);
        assertThat(topics.refusalOfKeyless("t")).isNotNull();
        assertThat(keyed("t")).isNull();
        tell(Map.of("t", new KafkaTopic(3, false)));
        assertThat(keyless("t")).isNull();
        assertThat(topics.refusalOfKeyless("t")).isNull();
    }

    /** Of a topic whose configuration is hidden, or has changed a moment ago. */
    @Test
    void aRefusalOfKafkaIsRemembered() {
        var refusal =
                new InvalidRecordException("Compacted topic cannot accept message without key in topic partition t-0.");
        tell(Map.of("t", new KafkaTopic(3, null)));
        topics.learn("t", new InvalidRecordException("another"));
        assertThat(keyless("t")).isNull();
        topics.learn("t", refusal);
        assertThat(keyless("t")).isInstanceOf(Handover.Refused.class);
        tell(Map.of("t", new KafkaTopic(3, null)));
        assertThat(keyless("t")).isInstanceOf(Handover.Refused.class);
    }

    /** Then the producer says what stands against it. */
    @Test
    void aTopicThatMayNotBeDescribedIsNotWaitedFor() {
        tell(Map.of("t", new KafkaTopic(KafkaTopic.HIDDEN, null)));
        assertThat(keyed("t")).isNull();
    }

    /** It may not be known everywhere yet, or be made again; then the records that name it fail. */
    @Test
    void aNameThatKafkaLacksIsGivenUpAfterAWhile() {
        keyed("t");
        keyed("u");
        assertThat(topics.refusalOfMissing("t")).isNull();
        tell(Map.of("t", KafkaTopic.MISSING, "u", KafkaTopic.MISSING));
        assertThat(topics.refusalOfMissing("t")).isNull();
        await().untilAsserted(() -> {
            tell(Map.of("t", KafkaTopic.MISSING));
            assertThat(topics.refusalOfMissing("t")).isEqualTo(Refusal.topicMissing());
        });
        assertThat(topics.refusalOfMissing("u")).isNull();
        tell(Map.of("t", new KafkaTopic(1, false)));
        assertThat(topics.refusalOfMissing("t")).isNull();
    }

    @Test
    void namesThatAreGivenUpMakeRoomForOthers() {
        for (int i = 0; i < 1000; i++) keyed("t" + i);
        keyed("late");
        assertThat(topics.due()).doesNotContain("late");
        topics.refuse("t500", Refusal.tooManyTopics());
        keyed("late");
        assertThat(topics.due()).contains("late").doesNotContain("t500");
    }

    @Test
    void namesThatAreAskedForAreBounded() {
        for (int i = 0; i < 10_000; i++) assertThat(keyed("t" + i)).isEqualTo(Handover.NOT_NOW);
        assertThat(topics.due()).hasSize(1000);
    }

    @Test
    void whatWasToldIsNotAskedAgainAtOnce() {
        topics.want(List.of("t", "u"));
        assertThat(topics.due()).containsExactly("t", "u");
        tell(Map.of("t", KafkaTopic.MISSING, "u", new KafkaTopic(1, false)));
        assertThat(topics.due()).isEmpty();
    }
}
