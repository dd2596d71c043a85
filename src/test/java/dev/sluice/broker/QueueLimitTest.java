package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How much may wait for a client by its own limits, in PostgreSQL. */
@Tag("postgres")
class QueueLimitTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Test
    void holdsForAClientThatIsAwayWhicheverGatewayTheMessagesComeThrough() {
        try (var both = new TwoBrokers(SERVER, Map.of("sluice.limits.per.client.queue-count", "2"))) {
            var subscriber = both.here.connect("subscriber", true);
            subscriber.subscribe(1, QoS.AT_LEAST_ONCE, "t").next(Packet.SubAck.class);
            subscriber.leave();
            await().until(() -> SERVER.value("SELECT connected FROM session").equals("f"));

            var publisher = both.there.connect("publisher", false);
            for (int i = 1; i <= 5; i++) {
                publisher.publish(i, QoS.AT_LEAST_ONCE, false, "t", Integer.toString(i));
                publisher.next(Packet.PubAck.class);
            }
            await().untilAsserted(() -> assertThat(SERVER.value("SELECT messages FROM v_queue_depth"))
                    .isEqualTo("2"));

            var back = both.there.resume("subscriber");
            assertThat(back.next(Packet.Publish.class).payload()).asString().isEqualTo("4");
            assertThat(back.next(Packet.Publish.class).payload()).asString().isEqualTo("5");
            back.hasGotNothing();
        }
    }

    /** They come as the client acknowledges those before them, instead of pushing each other out. */
    @Test
    void retainedMessagesWaitForRoom() {
        try (var both = new TwoBrokers(SERVER, Map.of("sluice.limits.per.client.queue-count", "2"))) {
            var publisher = both.here.connect("publisher", false);
            for (int i = 1; i <= 5; i++) {
                publisher.publish(i, QoS.AT_LEAST_ONCE, true, "t/" + i, "retained");
                publisher.next(Packet.PubAck.class);
            }
            var subscriber = both.here.connect("subscriber", true);
            subscriber.subscribe(1, QoS.AT_LEAST_ONCE, "t/#").next(Packet.SubAck.class);
            var topics = new TreeSet<String>();
            for (int i = 1; i <= 5; i++) {
                var publish = subscriber.next(Packet.Publish.class);
                assertThat(Integer.parseInt(SERVER.value("SELECT messages FROM v_queue_depth")))
                        .isBetween(1, 2);
                topics.add(publish.topicName().toString());
                subscriber.send(new Packet.PubAck(publish.packetId()));
            }
            assertThat(topics).containsExactly("t/1", "t/2", "t/3", "t/4", "t/5");
            subscriber.leave();
        }
    }
}
