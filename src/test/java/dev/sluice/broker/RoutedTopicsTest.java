package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.routing.Router;
import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import org.junit.jupiter.api.Test;

class RoutedTopicsTest {
    private static final TopicName TOPIC = TopicName.of("room");

    private final Router router = new Router();
    private final RoutedTopics routed = new RoutedTopics(router, "publisher");

    private void subscribe(int clients) {
        for (int i = 0; i < clients; i++)
            router.restore("c" + i, 1, new StoredSubscription("room", QoS.AT_LEAST_ONCE, false, false, 0, 0));
    }

    @Test
    void fewMatchesAreLookedUpOnce() {
        subscribe(3);
        assertThat(routed.matches(TOPIC)).hasSize(3).isSameAs(routed.matches(TOPIC));
        subscribe(4);
        assertThat(routed.matches(TOPIC)).hasSize(4);
    }

    /** Ten thousand clients that publish to one topic, and are subscribed to it, would keep a hundred million. */
    @Test
    void aLongListOfMatchesIsKeptByNoPublisher() {
        subscribe(17);
        assertThat(routed.matches(TOPIC)).hasSize(17).isNotSameAs(routed.matches(TOPIC));
    }
}
