package dev.sluice.broker;

import dev.sluice.packet.Message;
import dev.sluice.session.QueueMemory;
import dev.sluice.topic.TopicName;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Owns the page of a {@link RetainedTransfer}: the topics that are asked for, the messages that were read of them and wait for the client, and
 * what has become of these by newer ones. Confined to the connection's event loop, except {@link #ask}.
 */
final class RetainedPage {
    private final QueueMemory memory;
    private volatile Set<TopicName> asked = Set.of();
    private boolean reading;
    /** Topics of which the client gets a newer message as it comes. */
    private final Set<TopicName> overtaken = new HashSet<>();
    /** Messages that have come while the page is read, and take the place of those that are found. */
    private final Map<TopicName, Message> newer = new HashMap<>();

    private final Map<TopicName, Message> waiting = new LinkedHashMap<>();
    /** What of the page is charged. */
    private long charged;
    /** Whether what waits is given back one by one. */
    private boolean isCharged = true;

    RetainedPage(QueueMemory memory) {
        this.memory = memory;
    }

    /** A page is about to be read; the one before has gone. */
    void begin() {
        reading = true;
        isCharged = true;
        asked = Set.of();
        overtaken.clear();
    }

    /** From here on newer messages of these topics are noted; from any thread. */
    void ask(Collection<TopicName> topics) {
        asked = Set.copyOf(topics);
    }

    void failed() {
        reading = false;
        forgetNewer();
    }

    /**
     * Takes what was read.
     *
     * @param covered of what has come meanwhile, this is still wanted
     * @param always whether it is taken even if there is no memory to charge
     * @return whether it was: else it is to be read again
     */
    boolean fill(List<Message> messages, Collection<TopicName> covered, boolean always) {
        var bytes = messages.stream().mapToLong(Message::bytes).sum();
        var hasRoom = bytes == 0 || memory.take(bytes);
        if (!hasRoom && !always) {
            failed();
            return false;
        }
        reading = false;
        isCharged = hasRoom;
        if (isCharged) charged += bytes;
        for (var message : messages) waiting.put(message.topicName(), message);
        for (var name : covered) {
            var message = newer.remove(name);
            var old = message == null ? null : waiting.put(name, message);
            if (old != null) giveBack(old);
        }
        forgetNewer();
        return true;
    }

    private void forgetNewer() {
        newer.values().forEach(this::giveBack);
        newer.clear();
    }

    private void giveBack(Message message) {
        if (!isCharged) return;
        charged -= message.bytes();
        memory.giveBack(message.bytes());
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** The next message; null if the client has got a newer one. */
    Message poll() {
        var first = waiting.entrySet().iterator();
        var message = first.next().getValue();
        first.remove();
        giveBack(message);
        return overtaken.contains(message.topicName()) ? null : message;
    }

    void overtaken(TopicName topicName) {
        if (!asked.contains(topicName)) return;
        overtaken.add(topicName);
        var old = newer.remove(topicName);
        if (old != null) giveBack(old);
    }

    boolean isOvertaken(TopicName topicName) {
        return overtaken.contains(topicName);
    }

    /** Whether the client gets a message of this topic from the page, or may get one once it is read. */
    boolean has(TopicName topicName) {
        return reading ? asked.contains(topicName) : waiting.containsKey(topicName);
    }

    /** Puts a newer message in the place of one that the page {@link #has}; not if there is no memory for it, or it would be one too many. */
    boolean replace(Message message) {
        var all = reading ? newer : waiting;
        var old = all.get(message.topicName());
        var others = charged - (old == null ? 0 : old.bytes());
        if (others > RetainedTransfer.PAGE_BYTES || !memory.take(message.bytes())) return false;
        charged += message.bytes();
        all.put(message.topicName(), message);
        if (old != null) giveBack(old);
        overtaken.remove(message.topicName());
        return true;
    }

    /** The topics of what waits. */
    Set<TopicName> topics() {
        return waiting.keySet();
    }

    void drop() {
        waiting.clear();
        newer.clear();
        memory.giveBack(charged);
        charged = 0;
    }
}
