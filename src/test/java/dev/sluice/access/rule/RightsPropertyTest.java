package dev.sluice.access.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.access.rule.Rule.Effect;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What the tries decide is what a reading of the sentence rule by rule, and name by name, decides. */
class RightsPropertyTest {
    private static final Requester DEVICE = new Requester("a", "b", Set.of("g"), Map.of("x", "a"), List.of());
    /** Levels of filters; z, which no filter names, stands for all the levels that a + matches besides. */
    private static final List<String> FILTER_LEVELS = List.of("a", "a", "b", "+", "+", "", "$x");

    private static final List<String> NAME_LEVELS = List.of("a", "b", "", "$x", "z");
    /** One level more than a filter has: deeper ones are like these. */
    private static final List<String> NAMES = names(4);

    private static List<String> names(int most) {
        var names = new ArrayList<String>();
        var shorter = List.of("");
        for (int i = 1; i <= most; i++) {
            var first = i == 1;
            shorter = shorter.stream()
                    .flatMap(begin -> NAME_LEVELS.stream().map(level -> first ? level : begin + "/" + level))
                    .toList();
            names.addAll(shorter);
        }
        names.remove("");
        return names;
    }

    private static String filter(Random random) {
        var levels = new ArrayList<String>();
        for (int i = random.nextInt(4); i > 0; i--) levels.add(FILTER_LEVELS.get(random.nextInt(FILTER_LEVELS.size())));
        if (levels.isEmpty() || random.nextInt(3) == 0) levels.add("#");
        var filter = String.join("/", levels);
        return filter.isEmpty() ? "+" : filter;
    }

    private static Rule rule(Random random, int i) {
        return new Rule(
                "r" + i,
                Subject.ALL,
                random.nextInt(3) == 0 ? Effect.DENY : Effect.ALLOW,
                Set.of(Action.SUBSCRIBE),
                RuleFilter.of(filter(random)),
                QoS.values()[random.nextInt(3)],
                true,
                random.nextInt(3));
    }

    @Test
    void aSubscriptionIsGrantedExactlyWhatAllItsNamesAreGranted() {
        var random = new Random(14);
        var granted = 0;
        for (int i = 0; i < 2_500; i++) {
            var rules = IntStream.rangeClosed(0, random.nextInt(6))
                    .mapToObj(it -> rule(random, it))
                    .toList();
            var naive = new NaiveRules(rules);
            var asked = TopicFilter.of(filter(random));
            var expected = NAMES.stream()
                    .filter(asked::matches)
                    .mapToInt(name -> naive.subscribeQoS(DEVICE, name))
                    .min()
                    .orElse(-1);
            var verdict = Rules.of(rules, OverlappingDeny.REFUSE).of(DEVICE).subscribe(asked, QoS.EXACTLY_ONCE);
            assertThat(verdict.isAllowed() ? verdict.qos().ordinal() : -1)
                    .describedAs("%s under %s", asked, rules)
                    .isEqualTo(expected);
            if (expected >= 0) granted++;
        }
        assertThat(granted).isBetween(250, 2_250);
    }

    @Test
    void aSubscriptionThatIsFilteredIsNamedWholly() {
        var random = new Random(15);
        for (int i = 0; i < 1_000; i++) {
            var rules = IntStream.rangeClosed(0, random.nextInt(6))
                    .mapToObj(it -> rule(random, it))
                    .toList();
            var asked = TopicFilter.of(filter(random));
            var rights = Rules.of(rules, OverlappingDeny.FILTER).of(DEVICE);
            var names = NAMES.stream().filter(asked::matches).toList();
            if (!rights.subscribe(asked, QoS.AT_MOST_ONCE).isAllowed()) continue;
            var allows = rules.stream().filter(Rule::allows).toList();
            assertThat(names).allSatisfy(name -> assertThat(new NaiveRules(allows).subscribeQoS(DEVICE, name))
                    .isNotNegative());
            if (rights.filtersDeliveries()) continue;
            assertThat(names)
                    .allMatch(name -> rights.receive(TopicName.of(name)).isAllowed());
        }
    }

    private static final List<String> VALUES = List.of("", "a", "b", "a/b", "+", "#", "$x", "a+", "dev-a");
    private static final List<String> TEMPLATES =
            List.of("a", "b", "+", "", "{clientId}", "{username}", "{claim.x}", "dev-{clientId}", "$x", "{claim.y}-b");

    @Test
    void tenThousandDecisionsAgree() {
        var random = new Random(16);
        var allowed = 0;
        for (int i = 0; i < 1_000; i++) {
            var rules =
                    IntStream.range(0, 12).mapToObj(it -> anyRule(random, it)).toList();
            var naive = new NaiveRules(rules);
            var compiled = Rules.of(rules, OverlappingDeny.REFUSE);
            for (int j = 0; j < 10; j++) {
                var requester = requester(random);
                var rights = compiled.of(requester);
                var topic = NAMES.get(random.nextInt(j < 5 ? 155 : NAMES.size()));
                var qos = QoS.values()[random.nextInt(3)];
                var retained = random.nextBoolean();
                var name = TopicName.of(topic);
                var verdict = rights.publish(name).allows(qos, retained);
                assertThat(verdict)
                        .describedAs("%s publishes %s under %s", requester, topic, rules)
                        .isEqualTo(naive.mayPublish(requester, topic, qos, retained))
                        .isEqualTo(rights.publish(name).verdict(qos, retained).isAllowed());
                assertThat(rights.receive(name).isAllowed())
                        .describedAs("%s is given %s under %s", requester, topic, rules)
                        .isEqualTo(naive.mayReceive(requester, topic));
                if (verdict) allowed++;
            }
        }
        assertThat(allowed).isBetween(500, 9_500);
    }

    private static Rule anyRule(Random random, int i) {
        var levels = new ArrayList<String>();
        for (int j = 1 + random.nextInt(3); j > 0; j--) levels.add(TEMPLATES.get(random.nextInt(TEMPLATES.size())));
        if (random.nextBoolean()) levels.add("#");
        var filter = String.join("/", levels);
        var actions = EnumSet.of(Action.values()[random.nextInt(3)], Action.PUBLISH);
        return new Rule(
                "r" + i,
                subject(random),
                random.nextInt(4) == 0 ? Effect.DENY : Effect.ALLOW,
                actions,
                RuleFilter.of(filter.isEmpty() ? "#" : filter),
                QoS.values()[random.nextInt(3)],
                random.nextBoolean(),
                random.nextInt(3));
    }

    private static Subject subject(Random random) {
        return switch (random.nextInt(8)) {
            case 0 -> Subject.ANONYMOUS;
            case 1 -> Subject.user(random.nextBoolean() ? "a" : "b");
            case 2 -> Subject.group("g");
            case 3 -> Subject.client("a");
            case 4 -> Subject.claim("x", "a");
            default -> Subject.ALL;
        };
    }

    private static Requester requester(Random random) {
        return new Requester(
                value(random),
                value(random),
                random.nextBoolean() ? Set.of("g", "h") : Set.of(),
                random.nextBoolean() ? Map.of("x", value(random), "y", value(random)) : Map.of(),
                List.of());
    }

    private static String value(Random random) {
        return VALUES.get(random.nextInt(VALUES.size()));
    }
}
