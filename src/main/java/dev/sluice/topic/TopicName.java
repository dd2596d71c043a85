package dev.sluice.topic;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A Topic Name as it came: its UTF-8 bytes, and the text decoded once it is asked for. Immutable except for that cache;
 * equal names may be used from any thread.
 */
public final class TopicName {
    /** The name of a PUBLISH that says its topic by alias. */
    public static final TopicName EMPTY = new TopicName(new byte[0]);

    /** The beginning of topics to which only the server publishes. */
    public static final String SERVERS = "$SYS/";
    /** Why a client may not publish to one of them. */
    public static final String SERVERS_OWN = "the topics below $SYS/ are the server's own";

    /** Where a client publishes a newer token of its own; nobody else gets it. */
    public static final TopicName RENEWAL = of("$SYS/auth");

    private static final byte[] SERVERS_UTF8 = SERVERS.getBytes(StandardCharsets.US_ASCII);

    private static final int SMALL_BYTES = 256;

    private final byte[] utf8;
    private final int hash;
    private String text;

    private TopicName(byte[] utf8) {
        this.utf8 = utf8;
        this.hash = Arrays.hashCode(utf8);
    }

    /** Takes over bytes that are known to be well-formed UTF-8. */
    public static TopicName ofUtf8(byte[] utf8) {
        return utf8.length == 0 ? EMPTY : new TopicName(utf8);
    }

    public static TopicName of(String text) {
        return ofUtf8(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The bytes themselves, not a copy: not to be changed. */
    public byte[] utf8() {
        return utf8;
    }

    public boolean isEmpty() {
        return utf8.length == 0;
    }

    /** Returns whether it has more levels than that. Most names have fewer bytes, so that they need not be looked at. */
    public boolean hasMoreLevelsThan(int most) {
        if (utf8.length < most) return false;
        var levels = 1;
        for (byte b : utf8) if (b == '/' && ++levels > most) return true;
        return levels > most;
    }

    /** Returns whether a connection may remember it, and what was made of it. */
    public boolean isSmall() {
        return utf8.length <= SMALL_BYTES;
    }

    /** Returns whether only the server may publish to it: {@link #SERVERS_OWN}. */
    public boolean isServers() {
        return utf8.length >= SERVERS_UTF8.length
                && Arrays.equals(utf8, 0, SERVERS_UTF8.length, SERVERS_UTF8, 0, SERVERS_UTF8.length);
    }

    @Override
    public boolean equals(Object other) {
        return this == other || other instanceof TopicName that && hash == that.hash && Arrays.equals(utf8, that.utf8);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        var known = text;
        if (known != null) return known;
        known = new String(utf8, StandardCharsets.UTF_8);
        if (isSmall()) text = known; // a topic alias may stand for a long one for as long as the connection lasts
        return known;
    }
}
