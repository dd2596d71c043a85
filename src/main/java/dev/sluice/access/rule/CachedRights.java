package dev.sluice.access.rule;

import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What one connection may do with the rules in force, and what they have said about its last topics. Confined to the connection's event loop.
 */
public final class CachedRights {
    private static final int TOPICS = 64;

    private final Supplier<Rules> inForce;
    private Requester requester;
    /** The rules that all the rest was made with. */
    private Rules rules;

    private Rights rights;
    private Rights refreshed;
    private final Cache published = new Cache(it -> rights.publish(it));
    private final Cache received = new Cache(it -> rights.receive(it));

    /** Verdicts of topics, the last ones that were asked for. */
    private static final class Cache {
        private final Function<TopicName, TopicVerdict> judge;
        private TopicName lastTopic;
        private TopicVerdict lastVerdict;
        private Map<TopicName, TopicVerdict> known;

        Cache(Function<TopicName, TopicVerdict> judge) {
            this.judge = judge;
        }

        void clear() {
            lastTopic = null;
            known = null;
        }

        TopicVerdict of(TopicName topicName) {
            if (topicName == lastTopic) return lastVerdict;
            if (!topicName.isSmall()) return judge.apply(topicName);
            if (known == null)
                known = new LinkedHashMap<>(4, 0.75f, true) {
                    private static final long serialVersionUID = 1L;

                    @Override
                    protected boolean removeEldestEntry(Map.Entry<TopicName, TopicVerdict> eldest) {
                        return size() > TOPICS;
                    }
                };
            var verdict = known.get(topicName);
            if (verdict == null) {
                verdict = judge.apply(topicName);
                known.put(topicName, verdict);
            }
            lastTopic = topicName;
            lastVerdict = verdict;
            return verdict;
        }
    }

    /** @param inForce the rules; null while there are none to keep, so that everything is allowed */
    public CachedRights(Supplier<Rules> inForce, Requester requester) {
        this.inForce = inForce;
        this.requester = requester;
    }

    /** False while everything is allowed. */
    private boolean areLimited() {
        var now = inForce.get();
        if (now != rules) use(now);
        return now != null;
    }

    private void use(Rules now) {
        rules = now;
        rights = now == null ? null : now.of(requester);
        published.clear();
        received.clear();
    }

    /**
     * The requester is another one from now on: its token was renewed.
     *
     * @see #refresh
     */
    public void become(Requester other) {
        if (requester.equals(other)) return;
        requester = other;
        rules = null;
    }

    /** Takes up the rules in force; false if they say the same to everything as when it was called last. */
    public boolean refresh() {
        var before = refreshed;
        areLimited();
        refreshed = rights;
        if (before == null || rights == null) return before != rights;
        return !before.areAs(rights);
    }

    public boolean mayPublish(TopicName topicName, QoS qos, boolean retained) {
        return !areLimited() || published.of(topicName).allows(qos, retained);
    }

    public boolean mayReceive(TopicName topicName) {
        return !areLimited()
                || !rights.filtersDeliveries()
                || received.of(topicName).isAllowed();
    }

    /** Whether the rules name it as something to be given, whatever was subscribed to. */
    public boolean receives(TopicName topicName) {
        return !areLimited() || received.of(topicName).isAllowed();
    }

    /** @param asked as {@link Rights#subscribe} */
    public Permission subscribe(TopicFilter filter, QoS asked) {
        return areLimited() ? rights.subscribe(filter, asked) : new Permission(asked, null);
    }
}
