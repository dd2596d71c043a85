package dev.sluice.uplink.record;

import java.util.Arrays;

/**
 * The numbers of one client's records of one route, from 1 in each epoch. Confined to the client's event loop. It goes on when the route
 * is changed: what a consumer counts is the route by its name.
 */
public final class Sequence {
    private final String route;
    private final byte[] prefix;
    private long last;

    /** @param prefix the epoch and the slash, in ASCII */
    public Sequence(String route, byte[] prefix) {
        this.route = route;
        this.prefix = prefix;
    }

    public String route() {
        return route;
    }

    /** The value of {@code mqtt-seq} for the next record, {@code epoch/n}; the same until {@link #use}. */
    public byte[] next() {
        var number = last + 1;
        var digits = 1;
        for (var rest = number; rest >= 10; rest /= 10) digits++;
        var seq = Arrays.copyOf(prefix, prefix.length + digits);
        for (int i = seq.length - 1; i >= prefix.length; i--) {
            seq[i] = (byte) ('0' + number % 10);
            number /= 10;
        }
        return seq;
    }

    /** A record with the next number is on its way; returns that number. */
    public long use() {
        return ++last;
    }

    /** There will be no record with this number: the next one takes it, unless later ones are on their way. */
    public void giveBack(long number) {
        if (last == number) last--;
    }
}
