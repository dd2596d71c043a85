package dev.sluice.uplink.contract;

import java.util.ArrayDeque;
import java.util.regex.Pattern;

/**
 * Reads a regular expression of ECMA 262, the dialect of JSON Schema, and writes it in that of RE2, which matches in linear time. Reads in one
 * pass without recursion, as it may be a client's text. Confined to the call that reads.
 */
final class EcmaPattern {
    /** Characters of a pattern of a contract: a character may become a class of some kB. */
    private static final int LENGTH = 10_000;
    /** Places in it, repetitions counted as often as they are: what a character of a text may cost. */
    private static final long PLACES = 5_000;
    /** Repetitions that RE2 takes. */
    private static final int REPEATS = 1_000;

    private static final Pattern GROUP_NAME = Pattern.compile("<[\\p{L}_$][\\p{L}\\p{N}_$]*>");
    private static final String DOT = CodePoints.LINE_ENDS.inverted().asClass();

    private record Group(int start, long placesBefore) {}

    private final String text;
    private final boolean isTranslated;
    private final StringBuilder out = new StringBuilder();
    private final ArrayDeque<Group> groups = new ArrayDeque<>();
    private int at;
    /** Places of the alternative or group at hand. */
    private long places;
    /** Where in {@code out} the last atom begins, and its places; -1 where nothing can be repeated. */
    private int atom = -1;

    private long atomPlaces;
    /** What RE2 cannot do, as the end of a sentence. */
    private String unsupported;

    private EcmaPattern(String text, boolean isTranslated) {
        this.text = text;
        this.isTranslated = isTranslated;
    }

    /** Whether it is a regular expression of ECMA 262, one with look-around and back-references as well. */
    static boolean isOne(String text) {
        try {
            new EcmaPattern(text, false).read();
            return true;
        } catch (PatternMistake _) {
            return false;
        }
    }

    /** @throws PatternMistake when it is none, or cannot be matched in linear time */
    static String toRe2(String text) {
        if (text.length() > LENGTH)
            throw new PatternMistake(
                    "has " + text.length() + " characters, more than the " + LENGTH + " that it may have");
        var reader = new EcmaPattern(text, true);
        reader.read();
        if (reader.unsupported != null)
            throw new PatternMistake("has " + reader.unsupported
                    + ": patterns are matched in linear time, which leaves out look-around and back-references");
        return reader.out.toString();
    }

    private void read() {
        while (at < text.length()) {
            CheckLimit.check();
            var next = text.codePointAt(at);
            at += Character.charCount(next);
            switch (next) {
                case '(' -> open();
                case ')' -> close();
                case '|' -> noAtom("|");
                case '^' -> noAtom("\\A");
                case '$' -> noAtom("\\z");
                case '.' -> atom(DOT);
                case '[' -> atom(new EcmaClass(text, at, isTranslated));
                case '\\' -> escape();
                case '*' -> repeat(0, -1);
                case '+' -> repeat(1, -1);
                case '?' -> repeat(0, 1);
                case '{' -> counted();
                default -> atom(CodePoints.literal(next));
            }
            if (places > PLACES && isTranslated)
                throw new PatternMistake("repeats too much: written out, it has more than " + PLACES + " places");
        }
        if (!groups.isEmpty()) throw new PatternMistake("has a ( that is not closed");
    }

    private void write(String re2) {
        if (isTranslated) out.append(re2);
    }

    private void noAtom(String re2) {
        write(re2);
        atom = -1;
    }

    private void atom(String re2) {
        atom = out.length();
        atomPlaces = 1;
        places++;
        write(re2);
    }

    private void atom(EcmaClass read) {
        at = read.end();
        atom(read.re2());
    }

    private void open() {
        groups.push(new Group(out.length(), places));
        places = 0;
        if (!takes("?")) {
            // without a capture, which is dear and nobody asks for
        } else if (takes("=") || takes("!")) {
            unsupported = "a look-ahead";
        } else if (takes("<=") || takes("<!")) {
            unsupported = "a look-behind";
        } else if (takes("i:")) {
            noAtom("(?i:");
            return;
        } else if (takes("-i:")) {
            noAtom("(?-i:");
            return;
        } else if (!takes(":")) {
            var name = GROUP_NAME.matcher(text).region(at, text.length());
            if (!name.lookingAt()) throw new PatternMistake("has a group (? that ECMA 262 does not have");
            at = name.end();
        }
        noAtom("(?:");
    }

    private void close() {
        if (groups.isEmpty()) throw new PatternMistake("has a ) without its (");
        var group = groups.pop();
        write(")");
        atom = group.start;
        atomPlaces = places;
        places += group.placesBefore;
    }

    private boolean takes(String expected) {
        if (!text.startsWith(expected, at)) return false;
        at += expected.length();
        return true;
    }

    private void counted() {
        var end = text.indexOf('}', at);
        var counts = end < 0 ? "" : text.substring(at, Math.min(end, at + 30));
        if (!counts.matches("\\d{1,9}(,\\d{0,9})?"))
            throw new PatternMistake("has a { that is neither escaped nor a count");
        at = end + 1;
        var comma = counts.indexOf(',');
        var least = Integer.parseInt(comma < 0 ? counts : counts.substring(0, comma));
        var most =
                comma < 0 ? least : comma == counts.length() - 1 ? -1 : Integer.parseInt(counts.substring(comma + 1));
        if (most >= 0 && most < least) throw new PatternMistake("has a count {" + counts + "} the wrong way round");
        repeat(least, most);
    }

    /** @param most -1 for no bound */
    private void repeat(int least, int most) {
        if (atom < 0) throw new PatternMistake("repeats nothing");
        takes("?"); // as few as possible: the same texts match
        places += atomPlaces * (Math.max(1, Math.max(most, least)) - 1);
        if (isTranslated && places <= PLACES) {
            var repeated = out.substring(atom);
            out.setLength(atom);
            out.append("(?:");
            repeated(repeated, least, most);
            out.append(')');
        }
        atom = -1;
    }

    /** In parts that RE2 takes, such that hardly ever more than two of them are under way. */
    private void repeated(String atom, int least, int most) {
        var rest = least;
        for (; rest > REPEATS; rest -= REPEATS)
            out.append(atom).append('{').append(REPEATS).append('}');
        if (most < 0) {
            out.append(atom).append('{').append(rest).append(",}");
            return;
        }
        if (rest > 0) out.append(atom).append('{').append(rest).append('}');
        var optional = most - least;
        var open = 0;
        for (; optional > REPEATS; optional -= REPEATS, open++)
            out.append("(?:")
                    .append(atom)
                    .append("{0,")
                    .append(REPEATS - 1)
                    .append("}|")
                    .append(atom)
                    .append('{')
                    .append(REPEATS)
                    .append('}');
        out.append(atom).append("{0,").append(optional).append('}').repeat(")", open);
    }

    private void escape() {
        if (at == text.length()) throw new PatternMistake("ends with a \\");
        var next = text.charAt(at);
        if (next == 'b' || next == 'B') {
            at++;
            noAtom("\\" + next);
        } else if (next >= '1' && next <= '9') {
            while (at < text.length() && Character.digit(text.charAt(at), 10) >= 0) at++;
            backReference();
        } else if (next == 'k') {
            var name = GROUP_NAME.matcher(text).region(at + 1, text.length());
            if (!name.lookingAt()) throw new PatternMistake("has a \\k without the name of a group");
            at = name.end();
            backReference();
        } else {
            var escape = EcmaEscape.read(text, at, isTranslated);
            at = escape.end();
            atom(escape.members() != null ? escape.members().asClass() : CodePoints.literal(escape.codePoint()));
        }
    }

    private void backReference() {
        unsupported = "a back-reference";
        atom("");
    }
}
