package dev.sluice.cluster;

import java.util.Collection;

/** Knows which gateways live, as PostgreSQL has said lately. Any thread may ask; no call blocks. */
public interface Gateways {
    /** This one. */
    Gateway self();

    /** The others whose lease lasts. */
    Collection<Gateway> others();

    /** The living one of this name, this one included; null if there is none. */
    Gateway find(String id);

    /** Whether no other one lives. A volatile read: it may be asked for each message. */
    boolean isAlone();

    /** Whether no other one has been known since this one came. */
    boolean hasAlwaysBeenAlone();

    /**
     * Changes whenever this gateway begins to serve anew: as another run, or after a time in which others need not have counted on it. A
     * volatile read.
     */
    long period();

    /** Somebody has written who is not known here: asks PostgreSQL soon. Never blocks. */
    default void refresh() {}
}
