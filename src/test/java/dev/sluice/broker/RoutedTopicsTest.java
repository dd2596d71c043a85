package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Member;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RoutedTopicsTest {
    private static final TopicName TOPIC = TopicName.of("room");

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay relay = new LocalRelay(board, "here");
    private final LocalRelay other = new LocalRelay(board, "there");
    private final Router router = new Router();
    private final RemoteRouting remote =
            RemoteRouting.join(relay, relay, router, new Deliveries(10), null, new SimpleMeterRegistry());
    private final RoutedTopics routed = new RoutedTopics(remote.router(), null, "publisher");

    @AfterEach
    void close() {
        relay.close();
        other.close();
    }

    private void subscribe(int clients) {
        for (int i = 0; i < clients; i++)
            router.restore(
                    "c" + i, 1, 0, List.of(new StoredSubscription("room", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
    }

    private Publication publication(TopicName topic, QoS qos) {
        return routed.publication(new Packet.Publish(false, qos, false, topic, 0, Properties.NONE, new byte[0]), 0);
    }

    private void join() {
        relay.join();
        other.join();
    }

    private void wants(String filter, Reach reach) throws InterruptedException {
        told(new Interest(List.of(new Wanted(filter, reach))));
    }

    private void told(RelayMessage.ToAll message) throws InterruptedException {
        other.announce(message, () -> {});
        var taken = new CountDownLatch(1);
        relay.execute(taken::countDown);
        taken.await();
    }

    @Test
    void fewMatchesAreLookedUpOnce() {
        subscribe(3);
        assertThat(publication(TOPIC, QoS.AT_LEAST_ONCE).copies()).hasSize(3);
        assertThat(routed.routed(TOPIC, QoS.AT_LEAST_ONCE)).isSameAs(routed.routed(TOPIC, QoS.AT_MOST_ONCE));
        subscribe(4);
        assertThat(publication(TOPIC, QoS.AT_LEAST_ONCE).copies()).hasSize(4);
    }

    /** Ten thousand clients that publish to one topic, and are subscribed to it, would keep a hundred million. */
    @Test
    void aLongListOfMatchesIsKeptByNoPublisher() {
        subscribe(17);
        assertThat(publication(TOPIC, QoS.AT_LEAST_ONCE).copies()).hasSize(17);
        assertThat(routed.routed(TOPIC, QoS.AT_LEAST_ONCE)).isNotSameAs(routed.routed(TOPIC, QoS.AT_LEAST_ONCE));
    }

    @Test
    void whatOthersWantIsKnownAtOnce() throws InterruptedException {
        join();
        assertThat(publication(TOPIC, QoS.AT_LEAST_ONCE)).isSameAs(Publication.NOBODYS);
        wants("+", Reach.AT_MOST_ONCE);
        assertThat(remote.deliveries().isOwed(publication(TOPIC, QoS.AT_LEAST_ONCE)))
                .isFalse();
        assertThat(remote.deliveries().isOwed(publication(TOPIC, QoS.AT_MOST_ONCE)))
                .isTrue();
        assertThat(routed.routed(TOPIC, QoS.AT_LEAST_ONCE)).isSameAs(routed.routed(TOPIC, QoS.AT_MOST_ONCE));
        wants("+", Reach.ALL);
        assertThat(remote.deliveries().isOwed(publication(TOPIC, QoS.AT_LEAST_ONCE)))
                .isTrue();
        wants("+", Reach.NONE);
        assertThat(publication(TOPIC, QoS.AT_LEAST_ONCE)).isSameAs(Publication.NOBODYS);
    }

    /** Whose turn it is differs from message to message, and so does who is asked at all. */
    @Test
    void sharedSubscriptionsElsewhereAreLookedUpForEachMessage() throws InterruptedException {
        join();
        told(new Members(List.of(new Member("member", 1, "$share/g/room", Reach.AT_MOST_ONCE))));
        assertThat(publication(TOPIC, QoS.AT_LEAST_ONCE).hasSubscribers()).isFalse();
        assertThat(publication(TOPIC, QoS.AT_MOST_ONCE).hasSubscribers()).isTrue();
    }

    /** All telemetry goes this way. */
    @Test
    void aMessageThatNobodyWantsMakesNoGarbage() throws InterruptedException {
        assertThat(allocated()).isZero();
        join();
        wants("elsewhere/#", Reach.ALL);
        assertThat(allocated()).isZero();
    }

    private long allocated() {
        var publish = new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TOPIC, 1, Properties.NONE, new byte[0]);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            var before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 1000; i++) routed.publication(publish, 0);
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return least / 1000;
    }
}
