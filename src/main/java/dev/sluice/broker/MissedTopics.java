package dev.sluice.broker;

import dev.sluice.session.QueueMemory;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Owns the names of topics of which one client has missed a retained message, and what they weigh in the memory of what waits for clients.
 * Confined to the connection's event loop.
 */
final class MissedTopics {
    /** Of a name: the objects around it. Its bytes count twice, as its text may be decoded. */
    private static final int OVERHEAD = 128;

    private final QueueMemory memory;
    private final int most;
    private final long mostBytes;
    private Set<TopicName> names = Set.of();
    private long bytes;

    /**
     * @param most names with which it is {@link #isFull full}
     * @param mostBytes that they may weigh
     */
    MissedTopics(QueueMemory memory, int most, long mostBytes) {
        this.memory = memory;
        this.most = most;
        this.mostBytes = mostBytes;
    }

    /** Takes it in any case: somebody has to know of it until {@link RetainedTransfers} has found another way. */
    void add(TopicName name) {
        if (names.isEmpty()) names = new LinkedHashSet<>();
        if (!names.add(name)) return;
        weighs(weight(name));
    }

    /** Whether it is not to be given more than it must. It leaves memory to messages, without which no name would go. */
    boolean isFull() {
        return names.size() >= most || bytes >= mostBytes || memory.isScarce();
    }

    private void weighs(long more) {
        bytes += more;
        memory.add(more);
    }

    void remove(TopicName name) {
        if (names.isEmpty() || !names.remove(name)) return;
        weighs(-weight(name));
    }

    boolean contains(TopicName name) {
        return names.contains(name);
    }

    /** Gives away those that a filter matches. */
    MissedTopics take(TopicFilter filter) {
        var taken = new MissedTopics(memory, most, mostBytes);
        for (var name : List.copyOf(names)) {
            if (!filter.matches(name)) continue;
            remove(name);
            taken.add(name);
        }
        return taken;
    }

    /** Gives away the first ones. */
    Collection<TopicName> take(int count) {
        var taken = new ArrayList<TopicName>();
        for (var each = names.iterator(); each.hasNext() && taken.size() < count; ) taken.add(each.next());
        taken.forEach(this::remove);
        return taken;
    }

    void clear() {
        take(names.size());
    }

    private static long weight(TopicName name) {
        return OVERHEAD + 2L * name.utf8().length;
    }
}
