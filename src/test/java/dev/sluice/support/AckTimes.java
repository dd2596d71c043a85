package dev.sluice.support;

import java.util.Arrays;

/** When acknowledgements came and how long they took, in nanoseconds; any thread. */
public final class AckTimes {
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

    /** A percentile in milliseconds, of all publishers together; 0 of nothing. */
    public static double percentile(double share, Iterable<Publisher> publishers, long from, long to) {
        var all = new long[0];
        for (var publisher : publishers) {
            var some = publisher.ackTimes().between(from, to);
            var start = all.length;
            all = Arrays.copyOf(all, start + some.length);
            System.arraycopy(some, 0, all, start, some.length);
        }
        Arrays.sort(all);
        return all.length == 0 ? 0 : all[(int) (share * (all.length - 1))] / 1e6;
    }
}
