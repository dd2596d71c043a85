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
final class FewSubscriptions extends AbstractMap<TopicFilter, LiveSubscription> {
    /** Null, one subscription, or a map of several. */
    private volatile Object held;

    @SuppressWarnings("unchecked")
    private static Map<TopicFilter, LiveSubscription> several(Object held) {
        return held instanceof Map<?, ?> several ? (Map<TopicFilter, LiveSubscription>) several : null;
    }

    @Override
    public int size() {
        var now = held;
        var several = several(now);
        if (several != null) return several.size();
        return now == null ? 0 : 1;
    }

    @Override
    public LiveSubscription get(Object filter) {
        var now = held;
        if (now instanceof LiveSubscription one) return one.filter().equals(filter) ? one : null;
        return now == null ? null : several(now).get(filter);
    }

    @Override
    public boolean containsKey(Object filter) {
        return get(filter) != null;
    }

    @Override
    public LiveSubscription put(TopicFilter filter, LiveSubscription subscription) {
        var several = several(held);
        if (several != null) return several.put(filter, subscription);
        var one = (LiveSubscription) held;
        if (one == null || one.filter().equals(filter)) {
            held = subscription;
            return one;
        }
        several = new ConcurrentHashMap<>(4);
        several.put(one.filter(), one);
        several.put(filter, subscription);
        held = several;
        return null;
    }

    @Override
    public LiveSubscription remove(Object filter) {
        var several = several(held);
        if (several != null) return several.remove(filter);
        var one = (LiveSubscription) held;
        if (one == null || !one.filter().equals(filter)) return null;
        held = null;
        return one;
    }

    @Override
    public Set<Map.Entry<TopicFilter, LiveSubscription>> entrySet() {
        var now = held;
        if (now instanceof LiveSubscription one) return Set.of(Map.entry(one.filter(), one));
        return now == null ? Set.of() : several(now).entrySet();
    }
}
