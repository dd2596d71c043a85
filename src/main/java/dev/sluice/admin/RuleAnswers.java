package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.LiveRules;
import dev.sluice.access.rule.RuleJson;
import dev.sluice.access.rule.RuleMistakes;
import dev.sluice.store.rule.RuleStore;
import dev.sluice.store.rule.StoredRules;
import dev.sluice.uplink.route.RouteJson;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** The answers of the API about rules, and how they are made. Stateless. */
final class RuleAnswers {
    private static final String FILE = "file";
    private static final String DATABASE = "database";

    private RuleAnswers() {}

    /** What a rule may say, for the description of the API; {@link RuleJson} reads it. */
    @Schema(
            name = "AccessRule",
            description = "Highest priority first, deny before allow, and what no rule names is denied")
    record Spec(
            @Schema(
                    required = true,
                    examples = "group:drivers",
                    description =
                            "all, anonymous, user:<name>, group:<name>, client:<client id> or claim:<name>=<value>")
            String subject,

            @Schema(
                    required = true,
                    enumeration = {"allow", "deny"})
            String effect,

            @Schema(
                    required = true,
                    description = "publish, subscribe and receive; a rule for subscribe speaks for receive, too")
            List<String> actions,

            @Schema(
                    required = true,
                    examples = "fleet/{clientId}/#",
                    description =
                            "A Topic Filter; {clientId}, {username} or {claim.<name>} may be a level, or a part of one")
            String filter,

            @Schema(description = "The highest QoS, of a rule that allows to publish or subscribe; 2 without")
            Integer qos,

            @Schema(description = "Whether what is published may be retained, of a rule that allows to; true without")
            Boolean retain,

            @Schema(description = "Rules with a higher one stand above others; 0 without")
            Integer priority) {}

    @Schema(name = "AccessRuleEntry", description = "A rule and where it comes from")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Entry(
            @Schema(examples = "drivers-own") String name,

            @Schema(
                    description = "Whether it stands in the rules file or in PostgreSQL",
                    enumeration = {FILE, DATABASE})
            String source,

            @Schema(description = "Version of the set that its last change made; not of a rule of the file")
            Long version,

            @Schema(description = "When it was changed last")
            Instant updatedAt,

            @Schema(description = "Who changed it last") String updatedBy,

            @Schema(implementation = Spec.class) JsonNode spec) {
        String tag() {
            return Precondition.tag(version == null ? FILE : version);
        }
    }

    @Schema(name = "AccessRuleSet", description = "All rules")
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record All(
            @Schema(description = "Version of the stored rules")
            long version,

            @Schema(
                    description =
                            "Version in force on this gateway; it differs from the other only while the stored rules are wrong")
            long inForce,

            @Schema(description = "False if sluice.access.authorization is off, so that everything is allowed")
            @JsonInclude
            boolean enforced,

            @Schema(description = "Why the stored rules, or those of the file, are not in force")
            List<Problem.Mistake> rejected,

            @JsonInclude List<Entry> rules) {}

    @Schema(
            name = "AccessRuleChanged",
            description = "A change that is in force on the gateway that answers, and within a second on all others")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Changed(
            @Schema(description = "Version of the stored rules, in force here")
            long version,

            @Schema(description = "The rule as it is now; of a deleted one, that of the rules file, if there is one")
            Entry rule) {}

    @Schema(name = "AccessRuleHistory", description = "Changes of rules, the latest first")
    record History(List<Change> changes) {}

    @Schema(name = "AccessRuleChange", description = "One change of one rule")
    record Change(
            @Schema(description = "For the parameter before of the next page")
            long id,

            Instant at,

            @Schema(description = "Who did it: X-Sluice-Actor, else the address of the caller, else the database user")
            String actor,

            @Schema(enumeration = {"create", "change", "delete"})
            String action,

            String rule,

            @Schema(implementation = Spec.class, nullable = true, description = "null where there was none")
            JsonNode before,

            @Schema(implementation = Spec.class, nullable = true, description = "null if there is none any more")
            JsonNode after) {}

    static All all(LiveRules.State state, boolean enforced) {
        var names = new TreeSet<>(state.ofTheFile().keySet());
        names.addAll(state.stored().rules().keySet());
        var rejected = new ArrayList<Problem.Mistake>();
        state.rejection().ifPresent(it -> rejected.addAll(mistakes(it, null)));
        state.fileRejection().ifPresent(it -> rejected.addAll(mistakes(it, null)));
        return new All(
                state.stored().version(),
                state.inForce(),
                enforced,
                rejected,
                names.stream().map(name -> entry(name, state.stored(), state)).toList());
    }

    /** @return null when there is no such rule */
    static Entry entry(String name, StoredRules stored, LiveRules.State state) {
        var own = stored.rules().get(name);
        if (own != null) return new Entry(name, DATABASE, own.version(), own.updatedAt(), own.updatedBy(), own.spec());
        var rule = state.ofTheFile().get(name);
        return rule == null ? null : new Entry(name, FILE, null, null, null, RuleJson.write(rule));
    }

    static Change change(RuleStore.Change change) {
        return new Change(
                change.id(),
                change.at(),
                change.actor(),
                change.action(),
                change.rule(),
                change.before(),
                change.after());
    }

    /** @param only the rule that the document is; null if it holds a set of them */
    static List<Problem.Mistake> mistakes(RuleMistakes wrong, String only) {
        return wrong.mistakes().stream()
                .map(it -> new Problem.Mistake(pointer(it, only), null, it.toString()))
                .toList();
    }

    private static String pointer(RuleMistakes.Mistake mistake, String only) {
        if (mistake.rule() == null || only != null && !only.equals(mistake.rule())) return null;
        var rule = only == null ? "/rules/" + RouteJson.escape(mistake.rule()) : "";
        return mistake.field().isEmpty() ? rule : rule + "/" + RouteJson.escape(mistake.field());
    }

    /** The request that holds a set of rules, for the description of the API. */
    @Schema(name = "AccessRules", description = "Rules by name")
    record Set(@Schema(required = true) Map<String, Spec> rules) {}
}
