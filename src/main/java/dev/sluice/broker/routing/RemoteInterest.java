package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.topic.SubscriptionIndex;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Owns what the clients that are connected to other gateways want, as these have announced it. Any thread may ask, without waiting; changes
 * come on the relay's thread.
 *
 * <p>A filter costs its place in the index and nothing else, unless several gateways want it.
 */
public final class RemoteInterest {
    private final SubscriptionIndex<RemoteWant> index = new SubscriptionIndex<>();
    private final Map<Gateway, RemoteWant.Source> sources = new HashMap<>();
    /** Those that are about to tell their whole interest anew, which count until they have. */
    private final Map<Gateway, RemoteWant.Source> outdated = new HashMap<>();

    private final Predicate<Gateway> lives;
    private final Executor executor;
    private volatile long version;

    /**
     * @param lives whether a gateway is there
     * @param executor takes away what gateways have left that are gone: that takes a while
     */
    RemoteInterest(Predicate<Gateway> lives, Executor executor) {
        this.lives = lives;
        this.executor = executor;
    }

    /** A gateway wants more or less from now on. */
    void changed(Gateway from, Interest interest) {
        var source = sources.computeIfAbsent(from, RemoteWant.Source::new);
        for (var change : interest.changes()) {
            var filter = TopicFilter.ofWellFormed(change.filter());
            var want = source.want(change.reach());
            if (change.reach() == Reach.NONE) index.remove(filter, want);
            else index.add(filter, want);
        }
        version = version + 1;
    }

    /** It is gone, or is about to tell its whole interest anew: all that it has announced counts no more, or until {@link #restated}. */
    void forget(Gateway gateway) {
        var source = sources.remove(gateway);
        forget(lives.test(gateway) && source != null ? outdated.put(gateway, source) : source);
        for (var each : List.copyOf(outdated.keySet())) if (!lives.test(each)) forget(outdated.remove(each));
    }

    /** It has told its whole interest. */
    void restated(Gateway gateway) {
        forget(outdated.remove(gateway));
    }

    private void forget(RemoteWant.Source source) {
        if (source == null) return;
        source.forget();
        version = version + 1;
        executor.execute(() -> index.removeIf(want -> want.source() == source));
    }

    /** Whether no other gateway wants anything. */
    public boolean isEmpty() {
        return index.isEmpty();
    }

    /** Changes with every change, after it. */
    long version() {
        return version;
    }

    /** Filters that other gateways want, one that two of them want counted twice. */
    long size() {
        return index.size();
    }

    /** Who wants messages of a topic; null if nobody does. */
    RemoteWants find(TopicName topicName) {
        var found = new Found();
        index.forEachMatch(topicName, found);
        return found.wants;
    }

    private static final class Found implements Consumer<RemoteWant> {
        private RemoteWants wants;

        @Override
        public void accept(RemoteWant want) {
            if (want.source().isForgotten()) return;
            if (wants == null) wants = new RemoteWants();
            wants.add(want);
        }
    }
}
