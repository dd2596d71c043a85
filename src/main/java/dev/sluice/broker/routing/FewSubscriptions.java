package dev.sluice.broker.routing;

import dev.sluice.topic.TopicFilter;
import java.util.AbstractMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Owns the subscriptions of one client. There may be millions of clients with one subscription each, which need no table. Any thread reads; the
 * router writes under its lock.
 */
abstract class FewSubscriptions<S> extends AbstractMap<TopicFilter, S> {
    /** Null, one subscription, or a map of several. */
    private volatile Object held;

    @SuppressWarnings("unchecked")
    private Map<TopicFilter, S> several(Object held) {
        return held instanceof Map<?, ?> several ? (Map<TopicFilter, S>) several : null;
    }

    @SuppressWarnings("unchecked")
    private S one(Object held) {
        return held instanceof Map<?, ?> ? null : (S) held;
    }

    /** What a subscription is found by. */
    abstract TopicFilter filter(S subscription);

    @Override
    public int size() {
        var now = held;
        var several = several(now);
        if (several != null) return several.size();
        return now == null ? 0 : 1;
    }

    @Override
    public S get(Object filter) {
        var now = held;
        var one = one(now);
        if (one != null) return filter(one).equals(filter) ? one : null;
        return now == null ? null : several(now).get(filter);
    }

    @Override
    public boolean containsKey(Object filter) {
        return get(filter) != null;
    }

    @Override
    public S put(TopicFilter filter, S subscription) {
        var several = several(held);
        if (several != null) return several.put(filter, subscription);
        var one = one(held);
        if (one == null || filter(one).equals(filter)) {
            held = subscription;
            return one;
        }
        several = new ConcurrentHashMap<>(4);
        several.put(filter(one), one);
        several.put(filter, subscription);
        held = several;
        return null;
    }

    @Override
    public S remove(Object filter) {
        var several = several(held);
        if (several != null) return several.remove(filter);
        var one = one(held);
        if (one == null || !filter(one).equals(filter)) return null;
        held = null;
        return one;
    }

    @Override
    public Set<Map.Entry<TopicFilter, S>> entrySet() {
        var now = held;
        var one = one(now);
        if (one != null) return Set.of(Map.entry(filter(one), one));
        return now == null ? Set.of() : several(now).entrySet();
    }
}
