package dev.sluice.cluster.node;

import dev.sluice.cluster.Gateway;
import dev.sluice.store.node.NodeLease.Other;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Owns which other gateways live, as PostgreSQL has said lately. One thread tells it, any may ask. */
final class Others {
    private volatile Map<String, Gateway> living = Map.of();
    private volatile boolean hasHadAny;
    /** Of those, who had not renewed their leases for a while; of the thread that tells. */
    private Set<Gateway> silent = Set.of();

    /**
     * Takes in what PostgreSQL says. Whose lease is over lives until somebody declares it dead; but none that was silent already when this
     * gateway came. And who was silent, and is gone, lives until the next look: it was declared dead, and may not have heard of it. Until then
     * it acknowledges what it sends to others, and its clients count on what they get from here.
     */
    void know(List<Other> found) {
        var now = new HashMap<String, Gateway>();
        for (var gone : silent) now.put(gone.id(), gone);
        var nowSilent = new HashSet<Gateway>();
        for (var other : found) {
            var gateway = new Gateway(other.id(), other.run(), other.mailbox());
            now.remove(other.id());
            if (!other.lasts() && !gateway.equals(living.get(other.id()))) continue;
            now.put(other.id(), gateway);
            if (!other.renews()) nowSilent.add(gateway);
        }
        if (!now.isEmpty()) hasHadAny = true;
        silent = nowSilent;
        living = Map.copyOf(now);
    }

    Collection<Gateway> all() {
        return living.values();
    }

    /** Null if there is none of this name. */
    Gateway find(String id) {
        return living.get(id);
    }

    boolean isEmpty() {
        return living.isEmpty();
    }

    boolean hasHadAny() {
        return hasHadAny;
    }
}
