package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.session.QueueMemory;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import org.junit.jupiter.api.Test;

class MissedTopicsTest {
    private final QueueMemory memory = new QueueMemory(10_000);

    @Test
    void itIsFullByNumberByBytesAndWhenMemoryIsScarce() {
        var two = new MissedTopics(memory, 2, 10_000);
        two.add(TopicName.of("a"));
        two.add(TopicName.of("a"));
        assertThat(two.isFull()).isFalse();
        two.add(TopicName.of("b"));
        assertThat(two.isFull()).isTrue();
        two.remove(TopicName.of("a"));
        assertThat(two.isFull()).isFalse();

        var light = new MissedTopics(memory, 100, 2000);
        light.add(TopicName.of("x".repeat(1000)));
        assertThat(light.isFull()).isTrue();
        light.clear();
        assertThat(light.isFull()).isFalse();

        memory.take(5000);
        assertThat(light.isFull()).isTrue();
    }

    @Test
    void itIsChargedWhatItHolds() {
        var missed = new MissedTopics(memory, 100, 10_000);
        for (var name : new String[] {"a/1", "a/2", "b/1"}) missed.add(TopicName.of(name));
        var all = memory.bytes();
        assertThat(all).isGreaterThan(3 * 100);
        var some = missed.take(TopicFilter.of("a/+"));
        assertThat(memory.bytes()).isEqualTo(all);
        assertThat(some.take(1)).containsExactly(TopicName.of("a/1"));
        some.clear();
        assertThat(memory.bytes()).isEqualTo(all / 3);
        assertThat(missed.contains(TopicName.of("b/1"))).isTrue();
        missed.remove(TopicName.of("b/1"));
        assertThat(memory.bytes()).isZero();
    }
}
