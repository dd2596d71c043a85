package dev.sluice.uplink.record;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What takes nothing fills up its own bounds, and never the room of the others. */
class RoomTest {
    private static final int MOST = 16 << 20;
    private static final int MOST_OF_TOPIC = 8 << 20;
    private static final int MOST_OF_PARTITION = 4 << 20;
    private static final int MESSAGE = 1000;

    private final Room room = new Room(MOST);

    private static Backlog topic(int partitions) {
        var topic = new Backlog(MOST_OF_TOPIC, MOST_OF_PARTITION);
        topic.split(partitions);
        return topic;
    }

    private void enter(Backlog topic, Backlog partition) {
        room.add(MESSAGE);
        topic.add(MESSAGE);
        if (partition != null) partition.add(MESSAGE);
    }

    /** Publishes to it until there is no room; nothing is answered. */
    private void fill(Backlog topic, Backlog partition) {
        while (room.has(topic, partition)) enter(topic, partition);
    }

    @Test
    void oneTopicHoldsNoMoreThanItsBound() {
        var topic = topic(0);
        fill(topic, null);
        assertThat(topic.bytes()).isBetween((long) MOST_OF_TOPIC, (long) MOST_OF_TOPIC + MESSAGE);
    }

    @Test
    void anyNumberOfTopicsThatTakeNothingLeavesRoomForAnother() {
        for (int i = 0; i < 400; i++) {
            fill(topic(0), null);
            assertThat(room.has(topic(0), null)).as("after %d topics", i + 1).isTrue();
        }
        assertThat(room.bytes()).isLessThan(2L * MOST);
    }

    @Test
    void aPartitionThatTakesNothingLeavesRoomForTheOthersOfItsTopic() {
        var topic = topic(12);
        for (int i = 0; i < 11; i++) fill(topic, topic.numbered(i));
        assertThat(topic.numbered(0).bytes()).isBetween((long) MOST_OF_PARTITION, (long) MOST_OF_PARTITION + MESSAGE);
        assertThat(room.has(topic, topic.numbered(11))).isTrue();
    }

    /** It is theirs again once Kafka has answered. */
    @Test
    void anAnswerMakesRoom() {
        var topic = topic(1);
        fill(topic, topic.numbered(0));
        topic.add(-MESSAGE);
        topic.numbered(0).add(-MESSAGE);
        room.add(-MESSAGE);
        assertThat(room.has(topic, topic.numbered(0))).isTrue();
    }

    @Test
    void whatWaitsIsCountedOnWhenATopicGetsMorePartitions() {
        var topic = topic(1);
        fill(topic, topic.numbered(0));
        topic.split(3);
        assertThat(room.has(topic, topic.numbered(0))).isFalse();
        assertThat(room.has(topic, topic.numbered(2))).isTrue();
        topic.split(0);
        assertThat(topic.numbered(2)).isNotNull();
        assertThat(topic.numbered(3)).isNull();
    }
}
