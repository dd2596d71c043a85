package dev.sluice.access.rule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.access.rule.Rule.Effect;
import dev.sluice.access.rule.RuleMistakes.Mistake;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** A rule as JSON, or as YAML that was read into the same tree. Confined to the call that reads. */
public final class RuleJson {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,255}");
    private static final int MOST_PRIORITY = 1_000_000;
    private static final List<String> FIELDS =
            List.of("subject", "effect", "actions", "filter", "qos", "retain", "priority");
    /** What a right of a token has not: its subject is the token's, and rules with a priority stand above it. */
    private static final Set<String> NOT_OF_A_RIGHT = Set.of("subject", "priority");

    private final String name;
    private final JsonNode json;
    private final boolean isRight;
    private final List<Mistake> mistakes;

    private RuleJson(String name, JsonNode json, boolean isRight, List<Mistake> mistakes) {
        this.name = name;
        this.json = json;
        this.isRight = isRight;
        this.mistakes = mistakes;
    }

    /**
     * Reads rules by name.
     *
     * @throws RuleMistakes with every mistake
     */
    public static List<Rule> rules(JsonNode byName) {
        if (!byName.isObject())
            throw new RuleMistakes(List.of(new Mistake(null, "", "must be an object of rules by name")));
        var mistakes = new ArrayList<Mistake>();
        var rules = new TreeMap<String, Rule>();
        byName.properties().forEach(it -> read(it.getKey(), it.getValue(), mistakes)
                .ifPresent(rule -> rules.put(rule.name(), rule)));
        if (!mistakes.isEmpty()) throw new RuleMistakes(mistakes);
        return List.copyOf(rules.values());
    }

    /** @param mistakes gets one for each that is found; without one, there is a rule */
    public static Optional<Rule> read(String name, JsonNode json, List<Mistake> mistakes) {
        return new RuleJson(name, json, false, mistakes).read();
    }

    /**
     * Reads the rights that a token brings: rules without a subject and a priority, whose priority is 0.
     *
     * @param claim a list of them
     * @throws RuleMistakes with every mistake
     */
    public static List<Rule> rights(JsonNode claim) {
        if (!claim.isArray()) throw new RuleMistakes(List.of(new Mistake(null, "", "must be a list of rights")));
        var mistakes = new ArrayList<Mistake>();
        var rights = new ArrayList<Rule>();
        for (int i = 0; i < claim.size(); i++)
            new RuleJson("token-" + (i + 1), claim.get(i), true, mistakes)
                    .read()
                    .ifPresent(rights::add);
        if (!mistakes.isEmpty()) throw new RuleMistakes(mistakes);
        return rights;
    }

    public static ObjectNode write(Rule rule) {
        var json = JSON.createObjectNode();
        json.put("subject", rule.subject().toString());
        json.put("effect", text(rule.effect()));
        var actions = json.putArray("actions");
        rule.actions().stream().sorted().forEach(it -> actions.add(text(it)));
        json.put("filter", rule.filter().toString());
        if (hasQoS(rule.effect(), rule.actions()))
            json.put("qos", rule.highestQoS().ordinal());
        if (hasRetain(rule.effect(), rule.actions())) json.put("retain", rule.retain());
        json.put("priority", rule.priority());
        return json;
    }

    private static boolean hasQoS(Effect effect, Set<Action> actions) {
        return effect == Effect.ALLOW && (actions.contains(Action.PUBLISH) || actions.contains(Action.SUBSCRIBE));
    }

    private static boolean hasRetain(Effect effect, Set<Action> actions) {
        return effect == Effect.ALLOW && actions.contains(Action.PUBLISH);
    }

    private static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private Optional<Rule> read() {
        var before = mistakes.size();
        if (!NAME.matcher(name).matches())
            wrong("", "has a name that is not made of 1 to 255 letters, digits, - and _");
        if (!json.isObject()) {
            wrong("", "is not an object");
            return Optional.empty();
        }
        json.fieldNames().forEachRemaining(it -> {
            if (!FIELDS.contains(it))
                wrong(it, "is not a field of a rule; the fields are " + String.join(", ", FIELDS));
            else if (isRight && NOT_OF_A_RIGHT.contains(it)) wrong(it, "cannot be said by a token");
        });
        var subject = subject();
        var effect = effect();
        var actions = actions();
        var filter = filter();
        var qos = number("qos", 2, 0, 2);
        var retain = truth("retain");
        var priority = number("priority", 0, -MOST_PRIORITY, MOST_PRIORITY);
        if (mistakes.size() > before) return Optional.empty();
        if (json.hasNonNull("qos") && !hasQoS(effect, actions))
            wrong("qos", "means something only of a rule that allows to publish or to subscribe");
        if (json.hasNonNull("retain") && !hasRetain(effect, actions))
            wrong("retain", "means something only of a rule that allows to publish");
        if (mistakes.size() > before) return Optional.empty();
        return Optional.of(new Rule(name, subject, effect, actions, filter, QoS.values()[qos], retain, priority));
    }

    private Subject subject() {
        if (isRight) return Subject.ALL;
        var text = text("subject");
        if (text == null) return null;
        try {
            return Subject.of(text);
        } catch (IllegalArgumentException mistake) {
            wrong("subject", mistake.getMessage());
            return null;
        }
    }

    private Effect effect() {
        var text = text("effect");
        if (text == null) return null;
        for (var effect : Effect.values()) if (text(effect).equals(text)) return effect;
        wrong("effect", "is \"" + text + "\", but may be allow or deny");
        return null;
    }

    private Set<Action> actions() {
        var given = json.path("actions");
        var actions = EnumSet.noneOf(Action.class);
        if (given.isTextual()) addAction(given.textValue(), actions);
        else if (given.isArray() && !given.isEmpty())
            given.forEach(it -> addAction(it.isTextual() ? it.textValue() : it.toString(), actions));
        else wrong("actions", "must be one or several of publish, subscribe and receive");
        return actions;
    }

    private void addAction(String text, Set<Action> actions) {
        for (var action : Action.values())
            if (text(action).equals(text)) {
                actions.add(action);
                return;
            }
        wrong("actions", "has \"" + text + "\", but may have publish, subscribe and receive");
    }

    private RuleFilter filter() {
        var text = text("filter");
        if (text == null) return null;
        try {
            return RuleFilter.of(text);
        } catch (IllegalArgumentException mistake) {
            wrong("filter", mistake.getMessage());
            return null;
        }
    }

    /** Null where there is none, which is a mistake. */
    private String text(String field) {
        var value = json.path(field);
        if (value.isTextual()) return value.textValue();
        wrong(field, value.isMissingNode() || value.isNull() ? "is required" : "is not a text");
        return null;
    }

    private int number(String field, int standard, int least, int most) {
        var value = json.path(field);
        if (value.isMissingNode() || value.isNull()) return standard;
        if (value.isIntegralNumber()
                && value.canConvertToInt()
                && value.intValue() >= least
                && value.intValue() <= most) return value.intValue();
        wrong(field, "is not a number from " + least + " to " + most);
        return standard;
    }

    /** True where it is left out. */
    private boolean truth(String field) {
        var value = json.path(field);
        if (value.isMissingNode() || value.isNull()) return true;
        if (!value.isBoolean()) wrong(field, "is not true or false");
        return value.booleanValue();
    }

    private void wrong(String field, String sentence) {
        mistakes.add(new Mistake(name, field, sentence));
    }
}
