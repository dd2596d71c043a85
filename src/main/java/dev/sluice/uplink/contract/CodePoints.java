package dev.sluice.uplink.contract;

import java.util.Arrays;
import java.util.function.IntPredicate;

/** A set of Unicode code points, built up by its ranges. Confined to the thread that reads a pattern, unless nobody adds to it. */
final class CodePoints {
    static final CodePoints DIGITS = new CodePoints().add('0', '9');
    static final CodePoints WORD =
            new CodePoints().addAll(DIGITS).add('A', 'Z').add('_', '_').add('a', 'z');
    /** WhiteSpace and LineTerminator of ECMA 262. */
    static final CodePoints SPACE = new CodePoints()
            .add('\t', '\r')
            .add(' ', ' ')
            .add(0xA0, 0xA0)
            .add(0x1680, 0x1680)
            .add(0x2000, 0x200A)
            .add(0x2028, 0x2029)
            .add(0x202F, 0x202F)
            .add(0x205F, 0x205F)
            .add(0x3000, 0x3000)
            .add(0xFEFF, 0xFEFF);
    /** What {@code .} does not match. */
    static final CodePoints LINE_ENDS =
            new CodePoints().add('\n', '\n').add('\r', '\r').add(0x2028, 0x2029);

    /** First and last of each range, in the order added. */
    private int[] ranges = new int[8];

    private int length;

    static CodePoints of(IntPredicate isMember) {
        var members = new CodePoints();
        for (int from = 0; from <= Character.MAX_CODE_POINT; from++) {
            if (!isMember.test(from)) continue;
            var to = from;
            while (to < Character.MAX_CODE_POINT && isMember.test(to + 1)) to++;
            members.add(from, to);
            from = to;
        }
        return members;
    }

    CodePoints add(int first, int last) {
        if (length == ranges.length) ranges = Arrays.copyOf(ranges, 2 * length);
        ranges[length++] = first;
        ranges[length++] = last;
        return this;
    }

    CodePoints addAll(CodePoints others) {
        for (int i = 0; i < others.length; i += 2) add(others.ranges[i], others.ranges[i + 1]);
        return this;
    }

    CodePoints inverted() {
        var sorted = new long[length / 2];
        for (int i = 0; i < length; i += 2) sorted[i / 2] = (long) ranges[i] << 32 | ranges[i + 1];
        Arrays.sort(sorted);
        var inverted = new CodePoints();
        var next = 0;
        for (var range : sorted) {
            var first = (int) (range >>> 32);
            if (first > next) inverted.add(next, first - 1);
            next = Math.max(next, (int) range + 1);
        }
        if (next <= Character.MAX_CODE_POINT) inverted.add(next, Character.MAX_CODE_POINT);
        return inverted;
    }

    /** As a character class of RE2. */
    String asClass() {
        if (length == 0) return "[^\\x{0}-\\x{10FFFF}]";
        var text = new StringBuilder("[");
        for (int i = 0; i < length; i += 2) {
            text.append(literal(ranges[i]));
            if (ranges[i + 1] > ranges[i]) text.append('-').append(literal(ranges[i + 1]));
        }
        return text.append(']').toString();
    }

    static String literal(int codePoint) {
        return "\\x{" + Integer.toHexString(codePoint) + '}';
    }
}
