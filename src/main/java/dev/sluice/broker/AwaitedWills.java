package dev.sluice.broker;

import dev.sluice.store.session.Wills;
import dev.sluice.store.session.Wills.DueWill;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** The wills that clients are waiting for, whoever publishes them. Confined to the {@link WillPublisher}'s thread. */
final class AwaitedWills {
    /** A will that another gateway publishes is looked at as often. */
    private static final Duration LOOK = Duration.ofMillis(100);

    /** So many are looked at together, the others with the next looks: a lost remote may come back at once. */
    private static final int LOOKED_AT = 1000;

    private static final Duration LOOK_FOR_KAFKA = Duration.ofSeconds(1);
    /** A will that Kafka does not take in this time, although it is there, stops its client no longer. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Wills wills;
    private final BooleanSupplier isKafkaThere;
    private final Map<Long, List<WillsAhead>> awaited = new HashMap<>();
    /** Those that are to be claimed first. */
    private final Set<Long> wanted = new LinkedHashSet<>();
    /** Those of this round that are still to be looked at. */
    private final ArrayDeque<Long> unseen = new ArrayDeque<>();

    private long lookAt;
    private long forgetAt = System.nanoTime();
    private long kafkaAwayAt = System.nanoTime();

    AwaitedWills(Wills wills, BooleanSupplier isKafkaThere) {
        this.wills = wills;
        this.isKafkaThere = isKafkaThere;
    }

    boolean isEmpty() {
        return awaited.isEmpty();
    }

    void add(WillsAhead some) {
        for (var id : some.unpublished())
            awaited.computeIfAbsent(id, _ -> new ArrayList<>(1)).add(some);
        wanted.addAll(some.untold());
        lookAt = System.nanoTime();
    }

    void told(long id) {
        for (var some : awaited.getOrDefault(id, List.of())) some.told(id);
    }

    void published(long id) {
        var waiting = awaited.remove(id);
        if (waiting != null) for (var some : waiting) some.published(id);
    }

    /** Takes some of those that nobody publishes yet. */
    List<DueWill> claim(Set<Long> underWay, int limit, long bytes, Duration lease) {
        var some = new ArrayList<Long>();
        for (var each = wanted.iterator(); each.hasNext() && some.size() < limit; ) {
            var id = each.next();
            if (underWay.contains(id)) each.remove();
            else some.add(id);
        }
        if (some.isEmpty()) return List.of();
        var claimed = wills.claim(some, limit, bytes, lease);
        if (claimed.isEmpty()) some.forEach(wanted::remove); // others have them
        for (var due : claimed) wanted.remove(due.id());
        return claimed;
    }

    /** Forgets who has given up, each second; also while nothing may be published. */
    void forgetAbandoned() {
        var now = System.nanoTime();
        if (now - forgetAt < 0) return;
        forgetAt = now + LOOK_FOR_KAFKA.toNanos();
        awaited.values().removeIf(them -> them.removeIf(WillsAhead::isAbandoned) && them.isEmpty());
    }

    /** Finds out what has become of wills that are not under way here, and lets those go who have waited too long. */
    void look(Set<Long> underWay) {
        var now = System.nanoTime();
        if (!isKafkaThere.getAsBoolean()) kafkaAwayAt = now;
        if (awaited.isEmpty() || now - lookAt < 0) return;
        if (unseen.isEmpty()) {
            letGo(now);
            unseen.addAll(awaited.keySet());
        }
        var ids = new ArrayList<Long>();
        while (!unseen.isEmpty() && ids.size() < LOOKED_AT) {
            var id = unseen.remove();
            if (awaited.containsKey(id) && !underWay.contains(id) && !wanted.contains(id)) ids.add(id);
        }
        if (!ids.isEmpty()) ask(ids);
        lookAt = now + (unseen.isEmpty() && !areAnyUntold() ? LOOK_FOR_KAFKA : LOOK).toNanos();
    }

    private boolean areAnyUntold() {
        return awaited.values().stream().anyMatch(them -> them.stream().anyMatch(it -> !it.areTold()));
    }

    private void ask(List<Long> ids) {
        var delivered = wills.delivered(ids);
        for (var id : ids) {
            if (!delivered.containsKey(id)) published(id);
            else if (delivered.get(id)) told(id);
            else wanted.add(id); // whoever has leased it may be gone
        }
    }

    private void letGo(long now) {
        awaited.values().removeIf(them -> {
            them.removeIf(it -> it.isAbandoned() || it.hasWaited(PATIENCE, kafkaAwayAt, now));
            return them.isEmpty();
        });
    }
}
