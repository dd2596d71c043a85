package dev.sluice.broker;

import dev.sluice.broker.routing.FleetRouter;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.Routed;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.topic.TopicName;

/**
 * Finds who gets what one client publishes, and remembers who is subscribed to the last topics: a device publishes to the same few again
 * and again, and subscriptions change seldom. Confined to the connection's event loop.
 */
final class RoutedTopics {
    private static final int REMEMBERED = 4;

    private record Remembered(TopicName topic, Routed routed) {}

    private final FleetRouter router;
    private final RetainedTopics retainedTopics;
    private final String publisher;
    private final Remembered[] last = new Remembered[REMEMBERED];
    private int oldest;
    private long version;

    RoutedTopics(FleetRouter router, RetainedTopics retainedTopics, String publisher) {
        this.router = router;
        this.retainedTopics = retainedTopics;
        this.publisher = publisher;
    }

    /** The message with everybody who is owed it; announced if it is to be retained. */
    Publication publication(Packet.Publish publish, long receivedAt) {
        if (publish.retain()) {
            var message = Message.of(publish, receivedAt);
            return retainedTopics.announce(
                    message, stamp -> routed(publish.topicName(), publish.qos()).publication(message, stamp));
        }
        var routed = routed(publish.topicName(), publish.qos());
        return routed.isNobody() ? Publication.NOBODYS : routed.publication(Message.of(publish, receivedAt), 0);
    }

    /** What was announced is not going to be retained. */
    void unannounce(Publication publication) {
        if (publication != null && publication.stamp() > 0)
            retainedTopics.settled(publication.message(), publication.stamp(), false);
    }

    Routed routed(TopicName topic, QoS qos) {
        var now = router.version();
        if (now != version) {
            for (int i = 0; i < REMEMBERED; i++) last[i] = null;
            version = now;
        }
        for (var remembered : last) if (remembered != null && remembered.topic == topic) return remembered.routed;
        var routed = router.route(topic, publisher, qos);
        if (topic.isSmall() && routed.isLasting()) {
            last[oldest] = new Remembered(topic, routed);
            oldest = (oldest + 1) % REMEMBERED;
        }
        return routed;
    }
}
