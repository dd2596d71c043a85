package dev.sluice.access.rule;

import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.packet.QoS;
import dev.sluice.tools.ToolLog;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** Prints what decisions cost, in nanoseconds, with few and with many rules; started by hand. */
public final class RightsBenchmark {
    private static final int TOPICS = 1000;
    private static final int ROUNDS = 2_000_000;

    private RightsBenchmark() {}

    public static void main(String[] arguments) {
        ToolLog.start();
        for (int round = 0; round < 3; round++) {
            print("50 rules", rules(50));
            print("10,000 rules", rules(10_000));
        }
    }

    /** A tenth for everybody, the others for users and groups. */
    private static Rules rules(int count) {
        var rules = new ArrayList<Rule>();
        for (int i = 0; i < count; i++) {
            var subject =
                    switch (i % 10) {
                        case 0 -> Subject.ALL;
                        case 1, 2, 3 -> Subject.group("group-" + i % 100);
                        default -> Subject.user("user-" + i);
                    };
            var filter = i == 0 ? "fleet/{clientId}/#" : "site-" + i + "/+/x/#";
            var deny = i % 7 == 6;
            rules.add(new Rule(
                    "rule-" + i,
                    subject,
                    deny ? Rule.Effect.DENY : Rule.Effect.ALLOW,
                    Set.of(Action.PUBLISH, Action.SUBSCRIBE),
                    RuleFilter.of(filter),
                    QoS.EXACTLY_ONCE,
                    true,
                    deny ? 10 : 0));
        }
        return Rules.of(rules, OverlappingDeny.REFUSE);
    }

    private static void print(String what, Rules rules) {
        var requester =
                new Requester("truck-7", "user-4", Set.of("group-1", "group-2"), Map.of("tenant", "acme"), List.of());
        var names = new TopicName[TOPICS];
        for (int i = 0; i < TOPICS; i++) names[i] = TopicName.of("fleet/truck-7/telemetry/" + i);
        var rights = rules.of(requester);
        var cached = new CachedRights(() -> rules, requester);
        var filter = TopicFilter.of("fleet/truck-7/#");
        System.out.printf(
                "%-13s cached topic %5.1f ns, new topic %6.1f ns, subscription %6.1f ns, new connection %6.1f ns%n",
                what,
                nanos(i -> cached.mayPublish(names[i % 8], QoS.AT_LEAST_ONCE, false)),
                nanos(i -> rights.publish(names[i % TOPICS]).allows(QoS.AT_LEAST_ONCE, false)),
                nanos(_ -> rights.subscribe(filter, QoS.AT_LEAST_ONCE).isAllowed()),
                nanos(_ -> !rules.of(requester).filtersDeliveries()));
    }

    private static double nanos(IntPredicate work) {
        var begin = System.nanoTime();
        for (int i = 0; i < ROUNDS; i++) if (!work.test(i)) throw new IllegalStateException("it is allowed");
        return (System.nanoTime() - begin) / (double) ROUNDS;
    }
}
