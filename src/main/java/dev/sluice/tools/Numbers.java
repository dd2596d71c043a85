package dev.sluice.tools;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeMap;

/** A set of numbers above 0 that takes next to no memory where they follow each other; for one thread. */
final class Numbers {
    private static final int CHUNK = 4096;
    private static final BitSet FULL = new BitSet(CHUNK);

    static {
        FULL.set(0, CHUNK);
    }

    /** The numbers of the first run, which most sets consist of. */
    private long first;

    private long last = -1;
    private long highest;
    /** The numbers outside of the run as it was when they came, in bits; null while there are none. */
    private TreeMap<Long, BitSet> rest;

    /** Numbers that are missing: both ends included. */
    record Gap(long from, long to) {
        long size() {
            return to - from + 1;
        }

        @Override
        public String toString() {
            return from == to ? Long.toString(from) : from + " to " + to;
        }
    }

    /** False if the number is there already. */
    boolean add(long number) {
        if (contains(number)) {
            return false;
        }
        highest = Math.max(highest, number);
        if (last < 0) {
            first = number;
            last = number;
        } else if (number == last + 1) {
            last = number;
            while (rest != null && isInRest(last + 1)) {
                last++;
            }
        } else {
            addToRest(number);
        }
        return true;
    }

    private void addToRest(long number) {
        if (rest == null) {
            rest = new TreeMap<>();
        }
        var bits = rest.computeIfAbsent(number / CHUNK, _ -> new BitSet());
        bits.set((int) (number % CHUNK));
        if (bits.length() == CHUNK && bits.nextClearBit(0) == CHUNK) {
            rest.put(number / CHUNK, FULL);
        }
    }

    /** 0 in an empty set. */
    long highest() {
        return highest;
    }

    /** 0 in an empty set. */
    long lowest() {
        return next(1);
    }

    private boolean contains(long number) {
        return number >= first && number <= last || rest != null && isInRest(number);
    }

    private boolean isInRest(long number) {
        var bits = rest.get(number / CHUNK);
        return bits != null && bits.get((int) (number % CHUNK));
    }

    boolean intersects(Numbers other) {
        for (var number = next(1); number > 0; number = next(number + 1)) {
            var theirs = other.next(number);
            if (theirs == number) {
                return true;
            }
            if (theirs == 0) {
                return false;
            }
            number = theirs - 1;
        }
        return false;
    }

    void addAll(Numbers others) {
        for (var number = others.next(1); number > 0; number = others.next(number + 1)) {
            add(number);
        }
    }

    /** What is missing from a number on, below the highest. */
    List<Gap> gaps(long from) {
        var gaps = new ArrayList<Gap>();
        for (var number = from; number <= highest; ) {
            if (number >= first && number <= last) {
                number = last + 1;
            } else if (contains(number)) {
                number++;
            } else {
                var end = next(number);
                gaps.add(new Gap(number, end - 1));
                number = end;
            }
        }
        return gaps;
    }

    /** The lowest number that is there and not below this one; 0 if there is none. */
    private long next(long number) {
        if (number > highest) {
            return 0;
        }
        var inRun = number > last ? 0 : Math.max(number, first);
        var inRest = rest == null ? 0 : nextInRest(number);
        return inRun == 0 || inRest == 0 ? inRun + inRest : Math.min(inRun, inRest);
    }

    private long nextInRest(long number) {
        var from = (int) (number % CHUNK);
        for (var chunk : rest.tailMap(number / CHUNK).entrySet()) {
            var bit = chunk.getValue().nextSetBit(chunk.getKey() == number / CHUNK ? from : 0);
            if (bit >= 0) {
                return chunk.getKey() * CHUNK + bit;
            }
        }
        return 0;
    }
}
