package dev.sluice.uplink;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Text with <code>{name}</code> where a value goes. A brace always belongs to a placeholder: there is no escape.
 * Immutable: any thread may use it.
 */
public final class Template {
    private final String text;
    private final List<Part> parts;

    private sealed interface Part {
        record Literal(String text) implements Part {}

        record Placeholder(String name) implements Part {}
    }

    private Template(String text, List<Part> parts) {
        this.text = text;
        this.parts = List.copyOf(parts);
    }

    /** @throws IllegalArgumentException with a sentence that names the mistake, also when a name is not known */
    public static Template of(String text, Collection<String> knownNames) {
        var parts = new ArrayList<Part>();
        var at = 0;
        while (at < text.length()) {
            var open = text.indexOf('{', at);
            var end = open < 0 ? text.length() : open;
            var literal = text.substring(at, end);
            if (literal.contains("}")) throw mistake(text, "has a } without its {");
            if (!literal.isEmpty()) parts.add(new Part.Literal(literal));
            if (open < 0) break;
            var close = text.indexOf('}', open);
            if (close < 0) throw mistake(text, "has an unclosed {");
            parts.add(placeholder(text, text.substring(open + 1, close), knownNames));
            at = close + 1;
        }
        return new Template(text, parts);
    }

    private static Part placeholder(String text, String name, Collection<String> knownNames) {
        if (!knownNames.contains(name)) {
            var known = knownNames.stream().map(it -> "{" + it + "}").collect(Collectors.joining(", "));
            throw mistake(text, "asks for {" + name + "}, but what there is here is " + known);
        }
        return new Part.Placeholder(name);
    }

    private static IllegalArgumentException mistake(String text, String mistake) {
        return new IllegalArgumentException("\"" + text + "\" " + mistake);
    }

    /** Whether it renders to the same text always. */
    public boolean isLiteral() {
        return parts.stream().allMatch(Part.Literal.class::isInstance);
    }

    /** Its own text, all that is known before there are values. */
    String literalText() {
        return render(_ -> "");
    }

    /** @param values gives the value of each known name */
    public String render(UnaryOperator<String> values) {
        var out = new StringBuilder();
        for (var part : parts) {
            out.append(
                    switch (part) {
                        case Part.Literal(var literal) -> literal;
                        case Part.Placeholder(var name) -> values.apply(name);
                    });
        }
        return out.toString();
    }

    /** The template as it was written. */
    @Override
    public String toString() {
        return text;
    }
}
