package dev.sluice.topic;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A Topic Filter over names that are ordered by their bytes: says where the next name may be that it matches. Immutable. */
final class NameMatch {
    private static final byte[] NONE = {};
    private static final byte[] ONE_LEVEL = {'+'};
    /** The byte after the slash: with it begins what follows on everything below a level. */
    private static final byte AFTER_SLASH = '/' + 1;

    private final byte[][] levels;
    /** Whether the last level is {@code #}, which is not one of the levels here. */
    private final boolean endsInAll;

    private final byte[] first;

    NameMatch(TopicFilter filter) {
        var text = filter.toString().split("/", -1);
        this.endsInAll = text[text.length - 1].equals("#");
        this.levels = new byte[endsInAll ? text.length - 1 : text.length][];
        for (int i = 0; i < levels.length; i++) levels[i] = text[i].getBytes(StandardCharsets.UTF_8);
        this.first = literals();
    }

    private byte[] literals() {
        var begin = new ByteArrayOutputStream();
        for (int i = 0; i < levels.length && !isOneLevel(levels[i]); i++) {
            if (i > 0) begin.write('/');
            begin.writeBytes(levels[i]);
        }
        return begin.toByteArray();
    }

    /** No name before this matches. */
    byte[] first() {
        return first;
    }

    private static boolean isOneLevel(byte[] level) {
        return Arrays.equals(level, ONE_LEVEL);
    }

    /**
     * Null if the name matches; else a place behind it, in the order of bytes, before which no name matches; empty if no name behind it
     * does.
     */
    byte[] next(byte[] name) {
        // [MQTT-4.7.2-1]
        var startsWildly = levels.length == 0 || isOneLevel(levels[0]);
        if (startsWildly && name.length > 0 && name[0] == '$') return new byte[] {'$' + 1};
        var start = 0;
        var lastWildEnd = -1; // where the level ends in the name that the last + has matched
        for (int i = 0; i < levels.length; i++) {
            if (start > name.length) return below(name, i);
            var end = end(name, start);
            if (isOneLevel(levels[i])) {
                lastWildEnd = end;
            } else {
                var level = levels[i];
                if (!Arrays.equals(name, start, end, level, 0, level.length))
                    return afterMismatch(name, start, level, i, lastWildEnd);
            }
            start = end + 1;
        }
        if (endsInAll || start > name.length) return null;
        return behindAllBelow(name, lastWildEnd); // it has more levels than the filter
    }

    private static int end(byte[] name, int start) {
        for (int i = start; i < name.length; i++) if (name[i] == '/') return i;
        return name.length;
    }

    /** The name ends where the filter goes on. */
    private byte[] below(byte[] name, int level) {
        // "a!/b" comes between "a" and "a/b", and + matches both.
        if (isOneLevel(levels[level - 1])) return Arrays.copyOf(name, name.length + 1);
        return join(name, name.length, new byte[] {'/'}, isOneLevel(levels[level]) ? NONE : levels[level]);
    }

    private byte[] afterMismatch(byte[] name, int start, byte[] level, int number, int lastWildEnd) {
        if (Arrays.compareUnsigned(name, start, name.length, level, 0, level.length) < 0)
            return join(name, start, level, NONE);
        // "a!b" comes between "a" and "a/b".
        var goesOn = number < levels.length - 1 || endsInAll;
        if (goesOn) {
            var below = Arrays.copyOf(level, level.length + 1);
            below[level.length] = '/';
            if (Arrays.compareUnsigned(name, start, name.length, below, 0, below.length) < 0)
                return join(name, start, below, NONE);
        }
        return behindAllBelow(name, lastWildEnd);
    }

    private static byte[] behindAllBelow(byte[] name, int lastWildEnd) {
        return lastWildEnd < 0 ? NONE : join(name, lastWildEnd, new byte[] {AFTER_SLASH}, NONE);
    }

    private static byte[] join(byte[] name, int length, byte[] then, byte[] last) {
        var joined = Arrays.copyOf(name, length + then.length + last.length);
        System.arraycopy(then, 0, joined, length, then.length);
        System.arraycopy(last, 0, joined, length + then.length, last.length);
        return joined;
    }
}
