package dev.sluice.uplink.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import com.networknt.schema.ExecutionContext;
import com.networknt.schema.SchemaContext;
import com.networknt.schema.format.Format;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Formats of JSON Schema whose check takes linear time. Stateless. */
final class Formats {
    /** Characters of a text in a format that has none so long. */
    private static final int LONGEST = 1_024;
    /** Those without a longest text; the library's own take stack for each character. */
    private static final Map<String, Predicate<String>> LINEAR = Map.of(
            "regex", EcmaPattern::isOne,
            "json-pointer", linear("(?:/(?:[^/~]|~[01])*)*"),
            "relative-json-pointer", linear("(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^/~]|~[01])*)*)"),
            "uri-template",
                    linear("(?:[^\\x{0}-\\x{20}\\x{7f}\"'%<>\\\\^`{|}]|%[0-9A-Fa-f]{2}"
                            + "|\\{[+#./;?&=,!@|]?VAR(?:,VAR)*\\})*"
                                    .replace(
                                            "VAR",
                                            "(?:\\w|%[0-9A-Fa-f]{2})"
                                                    + "(?:\\.?(?:\\w|%[0-9A-Fa-f]{2}))*(?::[1-9][0-9]{0,3}|\\*)?")));
    /** Those that the JDK reads in linear time. */
    private static final Set<String> LINEAR_ALREADY = Set.of("uri", "uri-reference", "iri", "iri-reference");

    private Formats() {}

    private static Predicate<String> linear(String re2) {
        return Pattern.compile(re2)::matches;
    }

    /** A format that agrees with this one as far as that can be. */
    static Format bounded(Format format) {
        if (LINEAR_ALREADY.contains(format.getName())) return format;
        var linear = LINEAR.get(format.getName());
        return new Bounded(
                format,
                linear != null
                        ? (_, text) -> linear.test(text)
                        : (rest, text) -> text.length() <= LONGEST && rest.test(text));
    }

    @FunctionalInterface
    private interface Check {
        boolean test(Predicate<String> library, String text);
    }

    private record Bounded(Format format, Check check) implements Format {
        @Override
        public String getName() {
            return format.getName();
        }

        @Override
        public String getMessageKey() {
            return format.getMessageKey();
        }

        @Override
        public boolean matches(ExecutionContext context, SchemaContext schema, JsonNode value) {
            return !value.isTextual() || check.test(text -> format.matches(context, schema, text), value.textValue());
        }
    }
}
