package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the router makes of what others tell of sessions, in whatever order it comes. */
class StoredSessionsTest {
    private final Router router = new Router();

    private static StoredSubscription to(String filter) {
        return new StoredSubscription(filter, QoS.AT_LEAST_ONCE, false, false, 0, 0);
    }

    private static List<StoredSubscription> all(String... filters) {
        return List.of(filters).stream().map(StoredSessionsTest::to).toList();
    }

    private List<String> clients(String topicName) {
        return router.route(TopicName.of(topicName), null, QoS.EXACTLY_ONCE).matches().stream()
                .map(match -> match.subscriber().clientId())
                .toList();
    }

    @Test
    void newsInOrderIsApplied() {
        assertThat(router.restore("c", 1, 1, all("a", "b"))).isTrue();
        assertThat(router.remove("c", 1, 1, List.of("a"))).isTrue();
        assertThat(router.restore("c", 1, 5, all("c"))).isTrue();
        assertThat(clients("a")).isEmpty();
        assertThat(clients("b")).containsExactly("c");
        assertThat(clients("c")).containsExactly("c");
        assertThat(router.remove("c", 1, 6, List.of("b", "c"))).isTrue();
        assertThat(router.find("c")).isNull();
    }

    @Test
    void newsOfAnEarlierConnectionIsForPostgresqlToSettle() {
        router.restore("c", 1, 5, all("b"));
        assertThat(router.restore("c", 1, 4, all("a"))).isFalse();
        assertThat(router.remove("c", 1, 4, List.of("b"))).isFalse();
        assertThat(clients("a")).isEmpty();
        assertThat(clients("b")).containsExactly("c");
    }

    @Test
    void anEarlierSessionIsOver() {
        router.restore("c", 7, 7, all("b"));
        assertThat(router.restore("c", 1, 4, all("a"))).isTrue();
        assertThat(router.remove("c", 1, 4, List.of("b"))).isTrue();
        router.replace("c", 1, 4, all("a"));
        router.forget("c", 1);
        assertThat(clients("a")).isEmpty();
        assertThat(clients("b")).containsExactly("c");
        router.restore("c", 8, 8, all("c"));
        assertThat(clients("b")).isEmpty();
        assertThat(clients("c")).containsExactly("c");
    }

    @Test
    void whatPostgresqlHasReplacesWhatIsKnown() {
        router.restore("c", 1, 5, all("a", "b"));
        router.replace("c", 1, 5, all("b", "c"));
        assertThat(clients("a")).isEmpty();
        assertThat(clients("b")).containsExactly("c");
        assertThat(clients("c")).containsExactly("c");
        router.replace("c", 1, 4, all("a"));
        assertThat(clients("a")).as("of an earlier connection").isEmpty();
        router.replace("c", 1, 5, List.of());
        assertThat(router.find("c")).isNull();
        router.replace("unknown", 2, 5, List.of());
        assertThat(router.find("unknown")).isNull();
    }

    /** It has read what earlier ones have written, and lives on what it hears itself. */
    @Test
    void aConnectionHereIsNotToldOfEarlierOnes() {
        var here = new LivingMember("c"); // session 1, epoch 1
        router.attach(here, true, true, all("a"));
        assertThat(router.remove("c", 1, 1, List.of("a"))).isTrue();
        router.replace("c", 1, 1, List.of());
        assertThat(clients("a")).containsExactly("c");
        assertThat(router.find("c").recipient()).isSameAs(here);
    }

    /** The client has gone on elsewhere, and the connection here has not heard of it. */
    @Test
    void aConnectionThatWasOvertakenChangesNothing() {
        var here = new LivingMember("c"); // session 1, epoch 1
        router.restore("c", 2, 2, all("new"));
        assertThat(router.subscribe(here, true, TopicFilter.of("old"), to("old")))
                .isFalse();
        router.attach(here, true, true, all("old"));
        assertThat(clients("old")).isEmpty();
        assertThat(clients("new")).containsExactly("c");
    }

    @Test
    void aSessionThatEndsElsewhereIsForgottenWithItsConnection() {
        var here = new LivingMember("c");
        router.attach(here, true, true, all("a"));
        router.forget("c", 1);
        assertThat(router.find("c").recipient()).isSameAs(here);
        router.detach(here, false);
        assertThat(router.find("c")).isNull();
        assertThat(router.totals().count()).isZero();
    }

    /** A group has it once, whoever holds the session. */
    @Test
    void aMemberOfAGroupMayBeAnywhere() {
        router.restore("c", 1, 0, all("$share/g/a"));
        assertThat(router.route(TopicName.of("a"), null, QoS.EXACTLY_ONCE).matches())
                .hasSize(1);
        router.attach(new LivingMember("c"), true, true, all("$share/g/a"));
        router.detach(router.find("c").recipient(), false);
        router.restore("c", 1, 3, all("$share/g/a"));
        assertThat(router.route(TopicName.of("a"), null, QoS.EXACTLY_ONCE).matches())
                .hasSize(1);
        router.remove("c", 1, 3, List.of("$share/g/a"));
        assertThat(router.route(TopicName.of("a"), null, QoS.EXACTLY_ONCE).matches())
                .isEmpty();
        assertThat(router.shares().find("$share/g/a")).isNull();
    }
}
