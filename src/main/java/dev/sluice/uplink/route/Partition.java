package dev.sluice.uplink.route;

import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Which partition of its Kafka topic a record goes to. Immutable: any thread may use it. */
public sealed interface Partition {
    Partition BY_KEY = new ByKey();
    Partition SPREAD = new Spread();
    Pattern NUMBER = Pattern.compile("\\d{1,6}");

    /** As Kafka hashes the key. */
    record ByKey() implements Partition {
        @Override
        public String toString() {
            return "key";
        }
    }

    /** Any: all records of a moment to the same one, so that batches are full. */
    record Spread() implements Partition {
        @Override
        public String toString() {
            return "spread";
        }
    }

    /** Always this one, counted from 0. */
    record Fixed(int number) implements Partition {
        @Override
        public String toString() {
            return "" + number;
        }
    }

    /** The one that Kafka's hash of the text leads to. */
    record ByText(String text) implements Partition {
        @Override
        public String toString() {
            return "hash of " + text;
        }
    }

    /**
     * Returns the partition that a template asks for, with these values for its names. A word or a number counts only if it was written
     * so in the template, not if it came out of a value.
     *
     * @throws IllegalArgumentException with a sentence that names the mistake
     */
    static Partition of(Template template, UnaryOperator<String> values) {
        if (!template.isLiteral()) return new ByText(template.render(values));
        var text = template.toString();
        if (text.equals("key")) return BY_KEY;
        if (text.equals("spread")) return SPREAD;
        if (NUMBER.matcher(text).matches()) return new Fixed(Integer.parseInt(text));
        throw new IllegalArgumentException(
                "\"" + text + "\" is neither key nor spread, nor a number, nor a template with a {name}");
    }
}
