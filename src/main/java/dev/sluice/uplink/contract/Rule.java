package dev.sluice.uplink.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.ExecutionContext;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaContext;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.keyword.BaseKeywordValidator;
import com.networknt.schema.keyword.Keyword;
import com.networknt.schema.keyword.KeywordValidator;
import com.networknt.schema.path.NodePath;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.HashSet;
import java.util.List;
import java.util.function.Predicate;

/**
 * A keyword of JSON Schema that looks at one value, in place of the library's own, which takes {@code 1e400} for infinite, or takes
 * quadratic time. Immutable: any thread may use it.
 */
record Rule(String name, Kind kind) implements Keyword {
    static final List<Rule> ALL = List.of(
            new Rule("pattern", (said, _) -> pattern(said.asText())),
            new Rule("enum", (said, _) -> isOneOf(said)),
            new Rule("const", (said, _) -> value -> JsonEquality.text(value).equals(JsonEquality.text(said))),
            new Rule("uniqueItems", (said, _) -> value -> !said.asBoolean() || !value.isArray() || areUnique(value)),
            new Rule("multipleOf", (said, _) -> number(it -> isMultiple(it, said.decimalValue()))),
            new Rule("maximum", (said, schema) -> bound(said, schema, "exclusiveMaximum", 1)),
            new Rule("minimum", (said, schema) -> bound(said, schema, "exclusiveMinimum", -1)),
            new Rule("exclusiveMaximum", (said, _) -> number(it -> it.compareTo(said.decimalValue()) < 0)),
            new Rule("exclusiveMinimum", (said, _) -> number(it -> it.compareTo(said.decimalValue()) > 0)));

    /** Makes the test of a value from what the keyword says, and the schema around it. */
    @FunctionalInterface
    interface Kind {
        Predicate<JsonNode> test(JsonNode said, JsonNode schema);
    }

    @Override
    public String getValue() {
        return name;
    }

    @Override
    public KeywordValidator newValidator(SchemaLocation location, JsonNode said, Schema parent, SchemaContext context) {
        return new Test(this, said, location, parent, context, kind.test(said, parent.getSchemaNode()));
    }

    private static final class Test extends BaseKeywordValidator {
        private final Predicate<JsonNode> test;

        private Test(
                Keyword keyword,
                JsonNode said,
                SchemaLocation location,
                Schema parent,
                SchemaContext context,
                Predicate<JsonNode> test) {
            super(keyword, said, location, parent, context);
            this.test = test;
        }

        @Override
        public void validate(ExecutionContext context, JsonNode value, JsonNode root, NodePath location) {
            if (!test.test(value))
                context.addError(error().instanceNode(value)
                        .instanceLocation(location)
                        .evaluationPath(context.getEvaluationPath())
                        .message("breaks {0}")
                        .arguments(getKeyword())
                        .build());
        }
    }

    private static Predicate<JsonNode> pattern(String ecma) {
        var pattern = LinearPattern.of(ecma);
        return value -> !value.isTextual() || pattern.matches(value.textValue());
    }

    private static Predicate<JsonNode> isOneOf(JsonNode allowed) {
        var texts = new HashSet<String>();
        allowed.forEach(it -> texts.add(JsonEquality.text(it)));
        return value -> texts.contains(JsonEquality.text(value));
    }

    private static boolean areUnique(JsonNode items) {
        var texts = new HashSet<String>();
        for (var item : items) if (!texts.add(JsonEquality.text(item))) return false;
        return true;
    }

    private static Predicate<JsonNode> number(Predicate<BigDecimal> test) {
        return value -> !value.isNumber() || test.test(value.decimalValue());
    }

    /** In draft 4, the keyword for an exclusive bound says true or false. */
    private static Predicate<JsonNode> bound(JsonNode said, JsonNode schema, String exclusive, int outside) {
        var bound = said.decimalValue();
        var isExclusive =
                schema.path(exclusive).isBoolean() && schema.path(exclusive).booleanValue();
        return number(it -> {
            var compared = it.compareTo(bound) * outside;
            return isExclusive ? compared < 0 : compared <= 0;
        });
    }

    /** Without ever writing out the zeros of an exponent. */
    static boolean isMultiple(BigDecimal value, BigDecimal divisor) {
        var digits = value.unscaledValue();
        if (digits.signum() == 0) return true;
        var of = divisor.unscaledValue().abs();
        var zeros = (long) divisor.scale() - value.scale();
        if (zeros >= 0)
            return digits.mod(of)
                            .multiply(BigInteger.TEN.modPow(BigInteger.valueOf(zeros), of))
                            .mod(of)
                            .signum()
                    == 0;
        // A number with fewer digits than that does not end in as many zeros.
        if (-zeros >= value.precision()) return false;
        return digits.mod(of.multiply(BigInteger.TEN.pow((int) -zeros))).signum() == 0;
    }
}
