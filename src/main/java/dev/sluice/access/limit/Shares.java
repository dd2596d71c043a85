package dev.sluice.access.limit;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The shares of those who have limits, by who they are. One that no connection holds is remembered until it is as a new one would be, so that
 * nobody gets a new burst by connecting again; of too many of these, the one that was left first is forgotten. Any thread may use it.
 */
public final class Shares {
    /** Shares that are looked at for each one that is asked for, so that idle ones do not stay. */
    private static final int SWEPT = 4;

    private record Key(Scope scope, String name) {}

    private final long burst;
    private final int mostIdle;
    private final Map<Key, Share> held = new HashMap<>();
    /** The one that was left first is the first. */
    private final Map<Key, Share> idle = new LinkedHashMap<>();

    /**
     * @param burst nanoseconds
     * @param mostIdle shares that nobody holds
     */
    public Shares(long burst, int mostIdle) {
        this.burst = burst;
        this.mostIdle = mostIdle;
    }

    /** Holds the share of somebody, with these limits from now on, until it is {@link #leave left}; null if nothing is limited. */
    Share hold(Scope scope, String name, LimitValues values, long now) {
        if (values.isEmpty()) return null;
        var key = new Key(scope, name);
        synchronized (this) {
            sweep(now);
            var share = held.get(key);
            if (share == null) {
                share = idle.remove(key);
                if (share == null) share = new Share(scope);
                held.put(key, share);
            }
            share.users++;
            share.configure(values, burst, now);
            return share;
        }
    }

    void leave(Share share, String name, long now) {
        var key = new Key(share.scope(), name);
        synchronized (this) {
            if (--share.users > 0) return;
            held.remove(key);
            if (share.isFull(now)) return;
            idle.put(key, share);
            if (idle.size() > mostIdle) forgetFirst();
        }
    }

    private void sweep(long now) {
        Iterator<Share> shares = idle.values().iterator();
        for (int i = 0; i < SWEPT && shares.hasNext(); i++) if (shares.next().isFull(now)) shares.remove();
    }

    private void forgetFirst() {
        var first = idle.keySet().iterator();
        first.next();
        first.remove();
    }

    /** How many are remembered, held or not. */
    public synchronized int size() {
        return held.size() + idle.size();
    }
}
