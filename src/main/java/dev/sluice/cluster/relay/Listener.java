package dev.sluice.cluster.relay;

/** How far another gateway has taken in this one's announcements. One thread writes, any reads. */
final class Listener {
    private volatile long seen;
    private volatile boolean gone;

    void sees(long number) {
        if (number > seen) seen = number;
    }

    void goes() {
        gone = true;
    }

    /** Whether nobody has to wait for it any more. */
    boolean hasSeen(long number) {
        return gone || seen >= number;
    }
}
