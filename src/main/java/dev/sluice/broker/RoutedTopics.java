package dev.sluice.broker;

import dev.sluice.broker.routing.Match;
import dev.sluice.broker.routing.Router;
import dev.sluice.topic.TopicName;
import java.util.List;

/**
 * Remembers who is subscribed to the last topics that one client has published to: a device publishes to the same few again and again, and
 * subscriptions change seldom. Confined to the connection's event loop.
 */
final class RoutedTopics {
    private static final int REMEMBERED = 4;
    /** Each publisher remembers by itself, and what it remembers is counted nowhere. */
    private static final int MOST_MATCHES = 16;

    private record Routed(TopicName topic, List<Match> matches) {}

    private final Router router;
    private final String publisher;
    private final Routed[] last = new Routed[REMEMBERED];
    private int oldest;
    private long version;

    RoutedTopics(Router router, String publisher) {
        this.router = router;
        this.publisher = publisher;
    }

    List<Match> matches(TopicName topic) {
        var now = router.version();
        if (now != version) {
            for (int i = 0; i < REMEMBERED; i++) last[i] = null;
            version = now;
        }
        for (var routed : last) if (routed != null && routed.topic == topic) return routed.matches;
        var matches = router.route(topic, publisher);
        if (topic.isSmall() && isLasting(matches)) {
            last[oldest] = new Routed(topic, matches);
            oldest = (oldest + 1) % REMEMBERED;
        }
        return matches;
    }

    /** Whose turn it is in a Shared Subscription changes with each message. */
    private static boolean isLasting(List<Match> matches) {
        if (matches.size() > MOST_MATCHES) return false;
        for (int i = 0; i < matches.size(); i++) if (matches.get(i).share() != null) return false;
        return true;
    }
}
