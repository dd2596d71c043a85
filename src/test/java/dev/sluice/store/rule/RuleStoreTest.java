package dev.sluice.store.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.access.rule.Action;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleFilter;
import dev.sluice.access.rule.RuleJson;
import dev.sluice.access.rule.Subject;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.PostgresResource;
import dev.sluice.store.StoreHealth;
import dev.sluice.support.Stopwatch;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rules as Quarkus and PostgreSQL keep them: versions, the account of changes, and the last good set. */
@Tag("postgres")
@QuarkusTest
@QuarkusTestResource(PostgresResource.class)
class RuleStoreTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Inject
    RuleStore store;

    @Inject
    StoreHealth health;

    @BeforeEach
    void empty() {
        await().until(health::available);
        SERVER.execute("DELETE FROM access_rule");
        SERVER.execute("DELETE FROM audit");
    }

    private static Rule rule(String name, Rule.Effect effect, String filter, int priority) {
        return new Rule(
                name,
                Subject.group("drivers"),
                effect,
                Set.of(Action.PUBLISH, Action.SUBSCRIBE),
                RuleFilter.of(filter),
                effect == Rule.Effect.ALLOW ? QoS.AT_LEAST_ONCE : QoS.EXACTLY_ONCE,
                effect == Rule.Effect.DENY,
                priority);
    }

    private StoredRules put(Rule... rules) {
        return store.change("ann", _ -> rules, RuleStoreTest::specs).after();
    }

    private static Map<String, ObjectNode> specs(Rule... rules) {
        return Arrays.stream(rules).collect(Collectors.toMap(Rule::name, RuleJson::write));
    }

    @Test
    void aRuleComesBackAsItWas() {
        var allow = rule("allow", Rule.Effect.ALLOW, "fleet/{clientId}/#", -7);
        var deny = rule("deny", Rule.Effect.DENY, "fleet/+/secret", 1_000_000);
        var stored = put(allow, deny);
        assertThat(stored.rules().keySet()).containsExactly("allow", "deny");
        assertThat(stored.rules().get("allow").updatedBy()).isEqualTo("ann");
        for (var rule : List.of(allow, deny)) {
            var read =
                    RuleJson.read(rule.name(), stored.rules().get(rule.name()).spec(), new ArrayList<>());
            assertThat(read).contains(rule);
            assertThat(SERVER.value("SELECT access_rule_json(r) = '" + RuleJson.write(rule)
                            + "'::jsonb FROM access_rule r WHERE name = '" + rule.name() + "'"))
                    .isEqualTo("t");
        }
    }

    @Test
    void whatMakesNoDifferenceIsNotWritten() {
        var one = rule("one", Rule.Effect.ALLOW, "a", 0);
        var version = put(one).version();
        assertThat(put(one).version()).isEqualTo(version);
        var two = put(one, rule("two", Rule.Effect.ALLOW, "b", 0));
        assertThat(two.version()).isEqualTo(version + 1);
        assertThat(two.rules().get("one").version()).isEqualTo(version);
        assertThat(store.history(null, Long.MAX_VALUE, 10))
                .extracting(RuleStore.Change::rule)
                .containsExactly("two", "one");
    }

    @Test
    void everyChangeIsAccountedFor() {
        put(rule("one", Rule.Effect.ALLOW, "a", 0));
        put(rule("one", Rule.Effect.ALLOW, "b", 0));
        SERVER.execute("DELETE FROM access_rule");
        var changes = store.history("one", Long.MAX_VALUE, 10);
        assertThat(changes).extracting(RuleStore.Change::action).containsExactly("delete", "change", "create");
        assertThat(changes.getFirst().after()).isNull();
        assertThat(changes.get(1).before().get("filter").textValue()).isEqualTo("a");
        assertThat(changes.get(1).after().get("filter").textValue()).isEqualTo("b");
        assertThat(changes.getLast().actor()).isEqualTo("ann");
        assertThat(changes.getLast().at()).isNotNull();
    }

    @Test
    void aChangeThatFailsChangesNothing() {
        var before = put(rule("one", Rule.Effect.ALLOW, "a", 0));
        assertThatThrownBy(() -> store.change(
                        "ann",
                        _ -> {
                            throw new IllegalArgumentException("wrong");
                        },
                        _ -> Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("wrong");
        assertThat(store.read()).isEqualTo(before);
    }

    @Test
    void theLastGoodSetIsKept() {
        var good = put(rule("one", Rule.Effect.ALLOW, "a", 3));
        await().until(() -> store.keep(good.version())); // the gateway of this test may be keeping it
        SERVER.execute("UPDATE access_rule SET subject = 'nobody'");
        await().until(() -> store.keep(good.version()));
        var kept = store.good().orElseThrow();
        assertThat(kept.version()).isEqualTo(good.version());
        assertThat(kept.rules().get("one")).isEqualTo(good.rules().get("one").spec());
    }

    @Test
    void tenThousandRulesAreChangedInOneTransaction() throws Exception {
        var many = IntStream.range(0, 10_000)
                .mapToObj(i -> rule("rule-" + i, Rule.Effect.ALLOW, "site-" + i + "/#", 0))
                .toArray(Rule[]::new);
        Stopwatch.inTime(() -> assertThat(put(many).rules()).hasSize(10_000)); // which PostgreSQL bounds
        many[5000] = rule("rule-5000", Rule.Effect.DENY, "b", 0);
        var begin = System.nanoTime();
        var changed = put(many);
        assertThat(changed.rules().values().stream().filter(it -> it.version() == changed.version()))
                .hasSize(1);
        System.out.println("one of 10,000 rules changed in " + (System.nanoTime() - begin) / 1_000_000 + " ms");
    }

    @Test
    void nobodyWritesWhatNoRuleIs() {
        assertThatThrownBy(() -> SERVER.execute("TRUNCATE access_rule"))
                .hasStackTraceContaining("DELETE FROM access_rule");
        assertThatThrownBy(
                        () -> SERVER.execute(
                                "INSERT INTO access_rule (name, subject, effect, actions, filter) VALUES ('a', 'all', 'may', 'publish', 'a')"))
                .hasStackTraceContaining("effect");
    }
}
