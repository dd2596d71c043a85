package dev.sluice.support;

import dev.sluice.packet.Packet;
import dev.sluice.topic.TopicName;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a client has received, counted by topic: the payload of each message begins with its number, a space, the reading of
 * {@link System#nanoTime()} when it was made, and a space. Any thread.
 */
public final class Inbox {
    private static final Topic NOTHING = new Topic();

    private final Map<TopicName, Topic> topics = new HashMap<>();
    private final AckTimes delays = new AckTimes();
    private final List<String> disorder = new ArrayList<>();
    private int messages;
    private boolean isSubscribed;
    private long subscribedAt;

    private static final class Topic {
        final BitSet numbers = new BitSet();
        int last;
        int repeats;
        int outOfOrder;
        int lastMadeSince;
        int madeSinceOutOfOrder;
    }

    /** The client has its subscriptions from now on. */
    synchronized void subscribed() {
        subscribedAt = System.nanoTime();
        isSubscribed = true;
    }

    /** The client has none until it is told: what comes before its SUBACK may lack messages that were made earlier. */
    synchronized void unsubscribed() {
        isSubscribed = false;
    }

    /** Counts a message; one without payload clears a retained one and counts for nothing. */
    synchronized void add(Packet.Publish publish) {
        var payload = publish.payload();
        if (payload.length == 0) return;
        messages++;
        int end = 0;
        while (payload[end] != ' ') end++;
        var topic = topics.computeIfAbsent(publish.topicName(), _ -> new Topic());
        var madeAt = number(payload, end + 1);
        if (count(topic, (int) number(payload, 0), isSubscribed && madeAt - subscribedAt > 0))
            note(publish, topic, madeAt);
        var now = System.nanoTime();
        if (!publish.retain()) delays.add(now, now - madeAt);
    }

    private static long number(byte[] payload, int from) {
        long number = 0;
        for (int i = from; payload[i] != ' '; i++) number = 10 * number + payload[i] - '0';
        return number;
    }

    /** Returns whether it comes too late, though the client was there for it. */
    private static boolean count(Topic topic, int number, boolean madeSince) {
        var isFirst = !topic.numbers.get(number);
        if (!isFirst) topic.repeats++;
        else if (number < topic.last) topic.outOfOrder++;
        else topic.last = number;
        if (isFirst && madeSince) {
            if (number < topic.lastMadeSince) topic.madeSinceOutOfOrder++;
            else topic.lastMadeSince = number;
        }
        topic.numbers.set(number);
        return isFirst && madeSince && number < topic.lastMadeSince;
    }

    private void note(Packet.Publish publish, Topic topic, long madeAt) {
        var now = System.nanoTime();
        disorder.add("%s at %s: number %d behind %d, made %d ms before, %d ms after the subscription"
                .formatted(
                        publish.topicName(),
                        LocalTime.now(),
                        (int) number(publish.payload(), 0),
                        topic.lastMadeSince,
                        (now - madeAt) / 1_000_000,
                        (madeAt - subscribedAt) / 1_000_000));
    }

    /** What came too late, a sentence each. */
    public synchronized List<String> disorder() {
        return List.copyOf(disorder);
    }

    private Topic topic(String name) {
        return topics.getOrDefault(TopicName.of(name), NOTHING);
    }

    /** The numbers of the messages that came on a topic, however often. */
    public synchronized BitSet numbers(String topicName) {
        return (BitSet) topic(topicName).numbers.clone();
    }

    /** How many different messages came on a topic. */
    public synchronized int distinct(String topicName) {
        return topic(topicName).numbers.cardinality();
    }

    /** How many messages came on a topic that had come before. */
    public synchronized int repeats(String topicName) {
        return topic(topicName).repeats;
    }

    /** How many messages came first after one with a higher number. */
    public synchronized int outOfOrder(String topicName) {
        return topic(topicName).outOfOrder;
    }

    /**
     * The same among those that were made while the client had its subscriptions: one that was made before, and is sent again, may find a
     * client without a session that has heard of later ones.
     */
    public synchronized int madeSinceOutOfOrder(String topicName) {
        return topic(topicName).madeSinceOutOfOrder;
    }

    /** The highest number on a topic, 0 if nothing came. */
    public synchronized int last(String topicName) {
        return topic(topicName).last;
    }

    /** All messages of all topics, repeats included. */
    public synchronized int messages() {
        return messages;
    }

    /** How long messages took from their making to here; those that were retained are left out. */
    public AckTimes delays() {
        return delays;
    }
}
