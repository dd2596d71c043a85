package dev.sluice.broker;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Divides what is told to other gateways, so that no letter is larger than a record of Kafka may be. Stateless. */
final class LetterParts {
    /** In characters, of three bytes at most: a part and what comes with it stay below Kafka's 1 MB. */
    private static final int MOST = 256 * 1024;
    /** What an entry takes besides its text, at most. */
    private static final int ENTRY = 64;

    private LetterParts() {}

    /** @param length of an entry's text, in characters, below 65,536 */
    static <T> List<List<T>> of(List<T> all, ToIntFunction<T> length) {
        var parts = new ArrayList<List<T>>(1);
        var begin = 0;
        var size = 0;
        for (int i = 0; i < all.size(); i++) {
            var next = length.applyAsInt(all.get(i)) + ENTRY;
            if (i > begin && size + next > MOST) {
                parts.add(all.subList(begin, i));
                begin = i;
                size = 0;
            }
            size += next;
        }
        if (begin < all.size()) parts.add(all.subList(begin, all.size()));
        return parts;
    }
}
