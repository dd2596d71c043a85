package dev.sluice.uplink.route;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Text with <code>{name}</code> where a value goes. A brace always belongs to a placeholder: there is no escape.
 * Immutable: any thread may use it.
 */
public final class Template {
    private final String text;
    private final List<Part> parts;
    private final boolean isLiteral;

    private sealed interface Part {
        record Literal(String text) implements Part {}

        record Placeholder(String name) implements Part {}
    }

    private Template(String text, List<Part> parts) {
        this.text = text;
        this.parts = List.copyOf(parts);
        this.isLiteral = parts.stream().allMatch(Part.Literal.class::isInstance);
    }

    /** @throws IllegalArgumentException with a sentence that names the mistake */
    public static Template of(String text) {
        var parts = new ArrayList<Part>();
        var at = 0;
        while (at < text.length()) {
            var open = text.indexOf('{', at);
            var literal = text.substring(at, open < 0 ? text.length() : open);
            if (literal.contains("}")) throw mistake(text, "has a } without its {");
            if (!literal.isEmpty()) parts.add(new Part.Literal(literal));
            if (open < 0) break;
            var close = text.indexOf('}', open);
            var nested = text.indexOf('{', open + 1);
            if (close < 0 || nested >= 0 && nested < close) throw mistake(text, "has an unclosed {");
            parts.add(new Part.Placeholder(text.substring(open + 1, close)));
            at = close + 1;
        }
        return new Template(text, parts);
    }

    private static IllegalArgumentException mistake(String text, String mistake) {
        return new IllegalArgumentException("\"" + text + "\" " + mistake);
    }

    /** The same template, once it is clear that there will be a value for every name in it. */
    public Template requireKnown(Collection<String> names) {
        for (var part : parts) {
            if (!(part instanceof Part.Placeholder(var name)) || names.contains(name)) continue;
            var known = names.stream().map(it -> "{" + it + "}").collect(Collectors.joining(", "));
            throw mistake(text, "asks for {" + name + "}, but what there is here is " + known);
        }
        return this;
    }

    /** The names in it. */
    public List<String> names() {
        return parts.stream()
                .filter(Part.Placeholder.class::isInstance)
                .map(part -> ((Part.Placeholder) part).name())
                .toList();
    }

    /** Whether it renders to the same text always. */
    public boolean isLiteral() {
        return isLiteral;
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

    /** Whether some values make this text of it. */
    public boolean couldMake(String made) {
        return Pattern.matches(
                parts.stream()
                        .map(part -> part instanceof Part.Literal(var literal) ? Pattern.quote(literal) : ".*")
                        .collect(Collectors.joining()),
                made);
    }

    /** The template as it was written. */
    @Override
    public String toString() {
        return text;
    }
}
