package dev.sluice.uplink.contract;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import com.networknt.schema.SchemaException;
import com.networknt.schema.regex.RegularExpression;

/** A pattern of a contract, matched in time linear in the text, whatever the text. Immutable: any thread may use it. */
final class LinearPattern implements RegularExpression {
    /** Characters that need no look at the clock. */
    private static final int SHORT = 64;

    private final Pattern pattern;

    private LinearPattern(Pattern pattern) {
        this.pattern = pattern;
    }

    /** A mistake in a pattern, as the library of JSON Schema hands it on. */
    static final class Unusable extends SchemaException {
        private static final long serialVersionUID = 1L;

        private Unusable(String pattern, String why) {
            super("the pattern \"" + pattern + "\" " + why);
        }
    }

    /** @throws Unusable with a sentence */
    static LinearPattern of(String ecma) {
        try {
            return new LinearPattern(Pattern.compile(EcmaPattern.toRe2(ecma)));
        } catch (PatternMistake | PatternSyntaxException e) {
            throw new Unusable(ecma, e.getMessage());
        } catch (StackOverflowError _) {
            throw new Unusable(ecma, "has too many groups within each other");
        }
    }

    /** Whether it is found somewhere in the text. */
    @Override
    public boolean matches(String text) {
        return pattern.matcher(text.length() <= SHORT ? text : new Watched(text))
                .find();
    }

    /** A text that looks at the clock while it is read. */
    private record Watched(String text) implements CharSequence {
        @Override
        public char charAt(int index) {
            if (index % SHORT == 0) CheckLimit.check();
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
