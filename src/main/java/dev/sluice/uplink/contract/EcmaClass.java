package dev.sluice.uplink.contract;

/** A character class of a regular expression of ECMA 262. Confined to the call that reads. */
final class EcmaClass {
    private final String text;
    private final boolean isTranslated;
    private final boolean isInverted;
    private final CodePoints members = new CodePoints();
    private int at;

    /** @param at behind the opening bracket */
    EcmaClass(String text, int at, boolean isTranslated) {
        this.text = text;
        this.isTranslated = isTranslated;
        this.isInverted = text.startsWith("^", at);
        this.at = isInverted ? at + 1 : at;
        while (!takes(']')) member();
    }

    int end() {
        return at;
    }

    /** As RE2 has it; empty where no translation is asked for. */
    String re2() {
        if (!isTranslated) return "";
        return (isInverted ? members.inverted() : members).asClass();
    }

    private boolean takes(char expected) {
        if (at >= text.length()) throw new PatternMistake("has a [ that is not closed");
        if (text.charAt(at) != expected) return false;
        at++;
        return true;
    }

    private void member() {
        CheckLimit.check();
        var first = next();
        var isRange = first.members() == null
                && at + 1 < text.length()
                && text.charAt(at) == '-'
                && text.charAt(at + 1) != ']';
        if (!isRange) {
            add(first);
            return;
        }
        at++;
        var last = next();
        if (last.members() != null) {
            add(first);
            add(new EcmaEscape('-', null, at));
            add(last);
            return;
        }
        if (last.codePoint() < first.codePoint()) throw new PatternMistake("has a range the wrong way round");
        if (isTranslated) members.add(first.codePoint(), last.codePoint());
    }

    private void add(EcmaEscape read) {
        if (!isTranslated) return;
        if (read.members() != null) members.addAll(read.members());
        else members.add(read.codePoint(), read.codePoint());
    }

    private EcmaEscape next() {
        var codePoint = text.codePointAt(at);
        at += Character.charCount(codePoint);
        if (codePoint != '\\') return new EcmaEscape(codePoint, null, at);
        if (at == text.length()) throw new PatternMistake("ends with a \\");
        if (text.charAt(at) == 'b') return new EcmaEscape('\b', null, ++at);
        var escape = EcmaEscape.read(text, at, isTranslated);
        at = escape.end();
        return escape;
    }
}
