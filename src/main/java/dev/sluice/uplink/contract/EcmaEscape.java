package dev.sluice.uplink.contract;

/**
 * What stands behind a backslash in a regular expression of ECMA 262: one character or a set of them. Immutable.
 *
 * @param members null for one character
 * @param end where the pattern goes on
 */
record EcmaEscape(int codePoint, CodePoints members, int end) {
    private static final CodePoints NONE = new CodePoints();

    /** @param isTranslated whether the members of a set are asked for */
    static EcmaEscape read(String text, int at, boolean isTranslated) {
        var next = text.codePointAt(at);
        var end = at + Character.charCount(next);
        return switch (next) {
            case 'd' -> of(CodePoints.DIGITS, end);
            case 'D' -> of(CodePoints.DIGITS.inverted(), end);
            case 'w' -> of(CodePoints.WORD, end);
            case 'W' -> of(CodePoints.WORD.inverted(), end);
            case 's' -> of(CodePoints.SPACE, end);
            case 'S' -> of(CodePoints.SPACE.inverted(), end);
            case 'p', 'P' -> property(text, end, next == 'P', isTranslated);
            case 't' -> of('\t', end);
            case 'n' -> of('\n', end);
            case 'v' -> of(0x0B, end);
            case 'f' -> of('\f', end);
            case 'r' -> of('\r', end);
            case '0' -> nul(text, end);
            case 'c' -> control(text, end);
            case 'x' -> of(hex(text, end, 2), end + 2);
            case 'u' -> unicode(text, end);
            default -> {
                if (next < 0x80 && Character.isLetterOrDigit(next))
                    throw new PatternMistake("has \\" + (char) next + ", which ECMA 262 does not have");
                yield of(next, end);
            }
        };
    }

    private static EcmaEscape of(int codePoint, int end) {
        return new EcmaEscape(codePoint, null, end);
    }

    private static EcmaEscape of(CodePoints members, int end) {
        return new EcmaEscape(0, members, end);
    }

    private static EcmaEscape property(String text, int at, boolean isInverted, boolean isTranslated) {
        var end = text.indexOf('}', at);
        if (end < 0 || text.charAt(at) != '{' || end - at > 100)
            throw new PatternMistake("has a \\p without a property in braces");
        var expression = text.substring(at + 1, end);
        if (!isTranslated) {
            UnicodeProperty.predicate(expression);
            return of(NONE, end + 1);
        }
        var members = UnicodeProperty.of(expression);
        return of(isInverted ? members.inverted() : members, end + 1);
    }

    private static EcmaEscape nul(String text, int at) {
        if (at < text.length() && Character.digit(text.charAt(at), 10) >= 0)
            throw new PatternMistake("has an octal escape, which ECMA 262 does not have");
        return of(0, at);
    }

    private static EcmaEscape control(String text, int at) {
        var letter = at < text.length() ? text.charAt(at) : 0;
        if (letter >= 0x80 || !Character.isLetter(letter)) throw new PatternMistake("has a \\c without a letter");
        return of(letter % 32, at + 1);
    }

    private static EcmaEscape unicode(String text, int at) {
        if (at < text.length() && text.charAt(at) == '{') {
            var end = text.indexOf('}', at);
            var codePoint = end < 0 || end - at > 9 ? -1 : hex(text, at + 1, end - at - 1);
            if (!Character.isValidCodePoint(codePoint)) throw new PatternMistake("has a \\u{ without a code point");
            return of(codePoint, end + 1);
        }
        var high = hex(text, at, 4);
        var isPair =
                Character.isHighSurrogate((char) high) && text.startsWith("\\u", at + 4) && at + 10 <= text.length();
        var low = isPair ? hex(text, at + 6, 4) : 0;
        return isPair && Character.isLowSurrogate((char) low)
                ? of(Character.toCodePoint((char) high, (char) low), at + 10)
                : of(high, at + 4);
    }

    private static int hex(String text, int at, int digits) {
        var end = at + digits;
        var hex = end > text.length() ? "" : text.substring(at, end);
        if (!hex.matches("[0-9A-Fa-f]+")) throw new PatternMistake("has an escape without its hexadecimal digits");
        return Integer.parseUnsignedInt(hex, 16);
    }
}
