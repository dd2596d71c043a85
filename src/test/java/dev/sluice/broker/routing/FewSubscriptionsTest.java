package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.HashMap;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FewSubscriptionsTest {
    private static final Subscriber CLIENT = new Subscriber("client", 1, (_, _) -> {});

    private static LiveSubscription subscription(String filter, int identifier) {
        var stored = new StoredSubscription(filter, QoS.AT_LEAST_ONCE, false, false, 0, identifier);
        return LiveSubscription.of(CLIENT, TopicFilter.of(filter), stored, null);
    }

    /** From none to several and back, as a map of the library does. */
    @Test
    void itIsAMap() {
        var random = new Random(7);
        var few = new Subscriber.Subscriptions();
        var model = new HashMap<TopicFilter, LiveSubscription>();
        for (int i = 0; i < 10_000; i++) {
            var subscription = subscription("f" + random.nextInt(1 + i % 5), i);
            var filter = subscription.filter();
            if (random.nextBoolean())
                assertThat(few.put(filter, subscription)).isSameAs(model.put(filter, subscription));
            else assertThat(few.remove(filter)).isSameAs(model.remove(filter));
            assertThat(few.size()).isEqualTo(model.size());
            assertThat(few.isEmpty()).isEqualTo(model.isEmpty());
            assertThat(few.get(filter)).isSameAs(model.get(filter));
            assertThat(few.containsKey(filter)).isEqualTo(model.containsKey(filter));
            assertThat(few.keySet()).isEqualTo(model.keySet());
            assertThat(few.values().stream()
                            .mapToInt(LiveSubscription::identifier)
                            .sum())
                    .isEqualTo(model.values().stream()
                            .mapToInt(LiveSubscription::identifier)
                            .sum());
        }
    }
}
