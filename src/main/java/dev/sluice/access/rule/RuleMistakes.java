package dev.sluice.access.rule;

import java.util.List;
import java.util.stream.Collectors;

/** Everything that is wrong with a set of rules. Immutable. */
public final class RuleMistakes extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final transient List<Mistake> mistakes;

    /**
     * One mistake.
     *
     * @param rule null when it is not about one rule
     * @param field of the rule; empty for the rule itself
     * @param sentence says what is wrong, without its subject
     */
    public record Mistake(String rule, String field, String sentence) {
        @Override
        public String toString() {
            if (rule == null) return "the rules: " + sentence;
            return "rule " + rule + (field.isEmpty() ? "" : ", " + field) + ": " + sentence;
        }
    }

    public RuleMistakes(List<Mistake> mistakes) {
        super(mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n")));
        this.mistakes = List.copyOf(mistakes);
    }

    public List<Mistake> mistakes() {
        return mistakes;
    }
}
