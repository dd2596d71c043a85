package dev.sluice.support;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** When acknowledgements, or messages, came and how long they took, in nanoseconds; any thread. */
public final class AckTimes {
    /** Nothing came from one reading of {@link System#nanoTime()} on, for so many nanoseconds. */
    public record Pause(long from, long nanos) {}

    private long[] at = new long[1024];
    private long[] took = new long[1024];
    private int size;

    synchronized void add(long acknowledgedAt, long nanos) {
        if (size == at.length) {
            at = Arrays.copyOf(at, 2 * size);
            took = Arrays.copyOf(took, 2 * size);
        }
        at[size] = acknowledgedAt;
        took[size++] = nanos;
    }

    /** The times taken by what was acknowledged between two readings of {@link System#nanoTime()}. */
    public synchronized long[] between(long from, long to) {
        var found = new long[size];
        int count = 0;
        for (int i = 0; i < size; i++) if (at[i] - from >= 0 && at[i] - to < 0) found[count++] = took[i];
        return Arrays.copyOf(found, count);
    }

    /** The longest between two readings of {@link System#nanoTime()}. */
    public synchronized Pause longestPause(long from, long to) {
        var longest = new Pause(from, 0);
        var last = from;
        for (int i = 0; i <= size; i++) {
            var next = i == size || at[i] - to > 0 ? to : at[i];
            if (next - last > longest.nanos) longest = new Pause(last, next - last);
            if (next - last > 0) last = next;
        }
        return longest;
    }

    /** A percentile in milliseconds, of all publishers together; 0 of nothing. */
    public static double percentile(double share, Iterable<Publisher> publishers, long from, long to) {
        var times = new ArrayList<AckTimes>();
        for (var publisher : publishers) times.add(publisher.ackTimes());
        return percentile(share, times, from, to);
    }

    /** A percentile in milliseconds of all together; 0 of nothing. */
    public static double percentile(double share, List<AckTimes> times, long from, long to) {
        var all = times.stream()
                .flatMapToLong(some -> Arrays.stream(some.between(from, to)))
                .sorted()
                .toArray();
        return all.length == 0 ? 0 : all[(int) (share * (all.length - 1))] / 1e6;
    }
}
