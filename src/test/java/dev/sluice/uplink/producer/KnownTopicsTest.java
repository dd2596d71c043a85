package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.uplink.route.KafkaTopic;
import dev.sluice.uplink.route.TimestampBounds;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.junit.jupiter.api.Test;

/** What is handed to the producer, by what Kafka has said of the topic. */
class KnownTopicsTest {
    private final KnownTopics topics = new KnownTopics();

    private void tell(Map<String, KafkaTopic> said) {
        topics.tell(said, _ -> false);
    }

    private Handover keyed(String name) {
        return topics.against(name, true, null);
    }

    private Handover keyless(String name) {
        return topics.against(name, false, null);
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

    /** Of a row of the spool that comes after a long outage, and of one that a clock has dated ahead that is right again. */
    @Test
    void aTopicGetsNoRecordWhoseTimestampItDoesNotTake() {
        var hour = Duration.ofHours(1).toMillis();
        tell(Map.of("t", new KafkaTopic(3, false, new TimestampBounds(hour, hour))));
        assertThat(aged("t", 0)).isNull();
        assertThat(aged("t", hour - 60_000)).isNull();
        assertThat(aged("t", 60_000 - hour)).isNull();
        for (var age : List.of(2 * hour, hour - 2000, -2 * hour))
            assertThat(aged("t", age)).as("%d ms old", age).isInstanceOfSatisfying(Handover.Refused.class, it -> {
                assertThat(it.refusal().isForTimestamp()).isTrue();
                assertThat(it.refusal().why()).contains("message.timestamp.");
            });
        tell(Map.of("t", new KafkaTopic(3, null)));
        assertThat(aged("t", 2 * hour)).as("hidden").isInstanceOf(Handover.Refused.class);
        tell(Map.of("t", new KafkaTopic(3, false, TimestampBounds.NONE)));
        assertThat(aged("t", 2 * hour)).isNull();
    }

    private Handover aged(String name, long millis) {
        return topics.against(name, true, System.currentTimeMillis() - millis);
    }

    /** As with a gateway whose clock is wrong: each such refusal costs a producer, and so concerns everybody. */
    @Test
    void aTopicRestsAfterATimestampThatKafkaHasRefused() {
        tell(Map.of("t", new KafkaTopic(3, false), "u", new KafkaTopic(3, false)));
        topics.learn("t", new InvalidTimestampException("out of range"));
        assertThat(keyed("t")).isEqualTo(Handover.NOT_NOW);
        assertThat(keyed("u")).isNull();
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
