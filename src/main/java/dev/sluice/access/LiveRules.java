package dev.sluice.access;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleJson;
import dev.sluice.access.rule.RuleMistakes;
import dev.sluice.access.rule.RuleMistakes.Mistake;
import dev.sluice.access.rule.Rules;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.clock.Repeating;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.store.route.Following;
import dev.sluice.store.route.RouteListener;
import dev.sluice.store.rule.RuleStore;
import dev.sluice.store.rule.StoredRules;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Keeps the rules in force the ones that PostgreSQL holds, over those of the rules file. Any virtual thread may call; whoever puts rules in
 * force waits for its turn. One virtual thread looks at the file.
 */
@ApplicationScoped
public class LiveRules {
    private static final Logger LOG = Logger.getLogger(LiveRules.class);

    private static final Duration LOOK = Duration.ofMillis(500);

    private final RulesInForce inForce;
    private final boolean enforced;
    private final RuleStore store;
    private final RouteListener listener;
    private final Optional<RulesFile> file;
    private final Repeating looking = Repeating.onVirtualThread("sluice-rules-file");
    private final ReentrantLock turn = new ReentrantLock();
    /** Version of the last set that is known to be kept in PostgreSQL; the listener's. */
    private long kept;
    /** The last failure that was logged; the listener's. */
    private final Following following = new Following(LOG, "rules");

    private volatile State state;

    /**
     * The rules that there are, and those that serve here.
     *
     * @param stored as they were read last
     * @param rejection why they are not in force
     * @param ofTheStore the stored ones in force
     * @param inForce their version
     * @param ofTheFile the last ones that were right, by name
     * @param fileRejection why the rules file is not in force
     * @param rules in force, or what would be, were they kept
     */
    public record State(
            StoredRules stored,
            Optional<RuleMistakes> rejection,
            List<Rule> ofTheStore,
            long inForce,
            SortedMap<String, Rule> ofTheFile,
            Optional<RuleMistakes> fileRejection,
            Rules rules) {
        State withFile(SortedMap<String, Rule> right) {
            return new State(
                    stored, rejection, ofTheStore, inForce, right, Optional.empty(), merged(ofTheStore, right));
        }

        State withWrongFile(RuleMistakes wrong) {
            return new State(stored, rejection, ofTheStore, inForce, ofTheFile, Optional.of(wrong), rules);
        }

        /** @param ofTheStore those of this version, which may be an earlier one than the stored set's */
        State withStored(StoredRules stored, Optional<RuleMistakes> rejection, List<Rule> ofTheStore, long version) {
            var merged = version == inForce ? rules : merged(ofTheStore, ofTheFile);
            return new State(stored, rejection, ofTheStore, version, ofTheFile, fileRejection, merged);
        }

        private Rules merged(List<Rule> ofTheStore, SortedMap<String, Rule> ofTheFile) {
            var merged = new TreeMap<>(ofTheFile);
            for (var rule : ofTheStore) merged.put(rule.name(), rule);
            return rules.with(merged.values());
        }

        boolean isWrong() {
            return rejection.isPresent() || fileRejection.isPresent();
        }
    }

    LiveRules(RulesInForce inForce, RulesConfig config, RuleStore store, RouteListener listener, MeterRegistry meters) {
        this.inForce = inForce;
        this.enforced = config.authorization() == RulesConfig.Authorization.RULES;
        this.store = store;
        this.listener = listener;
        this.file = config.rulesFile().map(Path::of).map(RulesFile::new);
        var overlappingDeny = OverlappingDeny.valueOf(config.overlappingDeny().name());
        var none = Rules.of(List.of(), overlappingDeny);
        use(new State(StoredRules.NONE, Optional.empty(), List.of(), 0, new TreeMap<>(), Optional.empty(), none));
        Gauge.builder("sluice.rules.version", this, it -> it.state.inForce)
                .description("Version of the stored rules in force")
                .register(meters);
        Gauge.builder("sluice.rules.rejected", this, it -> it.state.isWrong() ? 1 : 0)
                .description("1 while the stored rules or the rules file are wrong, so that earlier ones stay in force")
                .register(meters);
    }

    /** @throws RuleMistakes when the rules file is wrong: there are no earlier rules to go on with */
    void start(@Observes @Priority(StartOrder.RULES) StartupEvent event) {
        if (file.isPresent()) use(state.withFile(byName(file.get().read())));
        refresh(); // nobody is let in before: a stored rule may deny what the file allows
        if (enforced && state.rules.all().isEmpty())
            LOG.warn(
                    "there is no rule, so that no client may do anything: name a file in sluice.access.rules-file, or PUT"
                            + " /admin/access/rules; sluice.access.authorization=off allows everybody everything");
        listener.rules(this::follow);
        if (file.isPresent())
            looking.start(() -> {
                look();
                return LOOK;
            });
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        looking.stop();
    }

    private void follow(long version) {
        following.look(() -> {
            if (version != state.stored.version()) refresh();
            keep();
        });
    }

    /** On the listener's thread, which has time, and comes back if it is in vain. */
    private void keep() {
        var now = state;
        if (now.rejection.isPresent() || now.inForce <= kept) return;
        if (store.keep(now.inForce)) kept = now.inForce;
    }

    private void look() {
        if (!file.get().hasChanged()) return;
        turn.lock();
        try {
            use(state.withFile(byName(file.get().read())));
            LOG.infof("%d rules of the rules file are in force", state.ofTheFile.size());
        } catch (RuleMistakes wrong) {
            state = state.withWrongFile(wrong);
            LOG.errorf("the rules file is wrong, and what was in force stays so: %s", inLine(wrong));
        } finally {
            turn.unlock();
        }
    }

    private static SortedMap<String, Rule> byName(List<Rule> rules) {
        var byName = new TreeMap<String, Rule>();
        for (var rule : rules) byName.put(rule.name(), rule);
        return byName;
    }

    public State state() {
        return state;
    }

    /** Whether the rules decide anything: else everything is allowed. */
    public boolean areEnforced() {
        return enforced;
    }

    /** Reads the stored rules, and puts them in force if they are new; blocks. */
    public State refresh() {
        turn.lock();
        try {
            // Read in turn, so that nobody puts in force what is older.
            var stored = store.read();
            if (stored.version() != state.stored.version()) use(stored);
            return state;
        } finally {
            turn.unlock();
        }
    }

    /**
     * Changes the stored rules, and puts them in force here; blocks. Nobody else changes them meanwhile.
     *
     * @param change gets the stored rules, and returns those that are to be stored, as JSON by name
     * @throws RuleMistakes when the rules would be wrong; then nothing has changed
     */
    public RuleStore.Changed<List<Rule>> change(String actor, Function<StoredRules, Map<String, JsonNode>> change) {
        var changed = store.change(actor, before -> read(change.apply(before)), LiveRules::specs);
        turn.lock();
        try {
            if (changed.after().version() > state.stored.version()) use(changed.after());
            return changed;
        } finally {
            turn.unlock();
        }
    }

    private static Map<String, ObjectNode> specs(List<Rule> rules) {
        var specs = new TreeMap<String, ObjectNode>();
        for (var rule : rules) specs.put(rule.name(), RuleJson.write(rule));
        return specs;
    }

    /** @throws RuleMistakes with every mistake */
    private static List<Rule> read(Map<String, ? extends JsonNode> specs) {
        var mistakes = new ArrayList<Mistake>();
        var rules = new ArrayList<Rule>();
        specs.forEach((name, spec) -> RuleJson.read(name, spec, mistakes).ifPresent(rules::add));
        if (!mistakes.isEmpty()) throw new RuleMistakes(mistakes);
        return rules;
    }

    private void use(StoredRules stored) {
        try {
            use(state.withStored(stored, Optional.empty(), read(stored.specs()), stored.version()));
            LOG.infof("rules of version %d are in force", stored.version());
        } catch (RuleMistakes wrong) {
            reject(stored, wrong);
        }
    }

    private void use(State other) {
        state = other;
        if (enforced && inForce.rules() != other.rules) inForce.use(other.rules);
    }

    /** Goes on with the last good set, which another gateway, or an earlier run of this one, may have kept. */
    private void reject(StoredRules stored, RuleMistakes wrong) {
        var rejection = Optional.of(wrong);
        var good = store.good().filter(it -> it.version() > state.inForce && it.version() != stored.version());
        if (good.isEmpty()) {
            use(state.withStored(stored, rejection, state.ofTheStore, state.inForce));
        } else {
            var specs = new TreeMap<String, JsonNode>();
            good.get().rules().properties().forEach(it -> specs.put(it.getKey(), it.getValue()));
            use(state.withStored(stored, rejection, read(specs), good.get().version()));
        }
        LOG.errorf(
                "the rules of version %d in PostgreSQL are wrong (in force: %s): %s. Correct them in the table access_rule, or"
                        + " by PUT /admin/access/rules",
                stored.version(),
                state.inForce == 0 ? "those of the rules file alone" : "the last good set, version " + state.inForce,
                inLine(wrong));
    }

    private static String inLine(RuleMistakes wrong) {
        return wrong.getMessage().replace("\n", "; ");
    }
}
