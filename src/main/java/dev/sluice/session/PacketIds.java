package dev.sluice.session;

/**
 * A set of packet identifiers, 0 to 65,535; confined to the connection's event loop. All of them together take 8 kB, and few of them few
 * bytes.
 */
final class PacketIds {
    private static final int PAGE = 4096;

    /** Null while it is empty. */
    private long[][] pages;

    private int size;

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    boolean contains(int packetId) {
        if (pages == null) return false;
        var page = pages[packetId / PAGE];
        return page != null && (page[packetId % PAGE / 64] & 1L << packetId) != 0;
    }

    void add(int packetId) {
        if (contains(packetId)) return;
        if (pages == null) pages = new long[65_536 / PAGE][];
        var page = packetId / PAGE;
        if (pages[page] == null) pages[page] = new long[PAGE / 64];
        pages[page][packetId % PAGE / 64] |= 1L << packetId;
        size++;
    }

    /** Returns whether it was there. */
    boolean remove(int packetId) {
        if (!contains(packetId)) return false;
        pages[packetId / PAGE][packetId % PAGE / 64] &= ~(1L << packetId);
        if (--size == 0) pages = null;
        return true;
    }
}
