package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What clients of two gateways see of each other: two brokers in one JVM, on one PostgreSQL, with no route to Kafka. */
@Tag("postgres")
class AcrossBrokersTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private TwoBrokers both;
    private BrokerRig here;
    private BrokerRig there;

    @BeforeEach
    void start() {
        both = new TwoBrokers(SERVER);
        here = both.here;
        there = both.there;
    }

    @AfterEach
    void stop() {
        both.close();
    }

    private long lives() {
        return here.relay.sent().stream().filter(Live.class::isInstance).count();
    }

    private static String payload(Packet.Publish publish) {
        return new String(publish.payload());
    }

    @Test
    void messagesOfEveryQoSReachALiveSubscriberElsewhere() {
        for (var durable : List.of(false, true)) {
            var subscriber = there.connect("subscriber" + durable, false).subscribe(1, QoS.EXACTLY_ONCE, "t/+");
            assertThat(subscriber.next(Packet.SubAck.class).reasons()).containsExactly(ReasonCode.GRANTED_QOS_2);
            var publisher = here.connect("publisher" + durable, durable);
            publisher.publish(0, QoS.AT_MOST_ONCE, false, "t/0", "0");
            assertThat(subscriber.next(Packet.Publish.class).qos()).isEqualTo(QoS.AT_MOST_ONCE);
            publisher.publish(1, QoS.AT_LEAST_ONCE, false, "t/1", "1");
            assertThat(publisher.next(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            var second = subscriber.next(Packet.Publish.class);
            assertThat(second.qos()).isEqualTo(QoS.AT_LEAST_ONCE);
            publisher.publish(2, QoS.EXACTLY_ONCE, false, "t/2", "2");
            assertThat(publisher.next(Packet.PubRec.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            publisher.send(new Packet.PubRel(2));
            publisher.next(Packet.PubComp.class);
            assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo("2");
            publisher.publish(3, QoS.AT_LEAST_ONCE, false, "elsewhere", "3");
            assertThat(publisher.next(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.NO_MATCHING_SUBSCRIBERS);
            subscriber.leave();
        }
        assertThat(lives()).isEqualTo(6);
    }

    @Test
    void subackWaitsUntilAllGatewaysKnow() {
        for (var durable : List.of(false, true)) {
            var topic = "t" + durable;
            var subscriber = there.connect("subscriber" + durable, durable);
            here.relay.ignore();
            subscriber.subscribe(1, QoS.AT_MOST_ONCE, topic, topic + "/other");
            subscriber.hasGotNothing();
            subscriber.send(new Packet.Unsubscribe(2, List.of(topic + "/other"), Properties.NONE));
            if (!durable) subscriber.next(Packet.UnsubAck.class);
            subscriber.publish(3, QoS.AT_LEAST_ONCE, false, "unknown", "");
            subscriber.next(Packet.PubAck.class);
            here.relay.listen();
            assertThat(subscriber.next(Packet.SubAck.class).packetId()).isEqualTo(1);
            if (durable) subscriber.next(Packet.UnsubAck.class);
            if (!durable) here.relay.ignore();
            var another = there.connect("another" + durable, durable).subscribe(4, QoS.AT_MOST_ONCE, topic);
            assertThat(another.next(Packet.SubAck.class).packetId())
                    .as("all know that")
                    .isEqualTo(4);
            here.relay.listen();
            var publisher = here.connect("publisher" + durable, false);
            publisher.publish(0, QoS.AT_MOST_ONCE, false, topic, "now");
            assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo("now");
            assertThat(payload(another.next(Packet.Publish.class))).isEqualTo("now");
        }
    }

    @Test
    void nothingMoreComesAfterUnsuback() {
        var subscriber = there.connect("subscriber", true).subscribe(1, QoS.AT_LEAST_ONCE, "t");
        subscriber.next(Packet.SubAck.class);
        here.relay.ignore();
        subscriber.send(new Packet.Unsubscribe(2, List.of("t"), Properties.NONE));
        subscriber.hasGotNothing();
        here.relay.listen();
        assertThat(subscriber.next(Packet.UnsubAck.class).packetId()).isEqualTo(2);
        var publisher = here.connect("publisher", false);
        publisher.publish(1, QoS.AT_LEAST_ONCE, false, "t", "");
        assertThat(publisher.next(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.NO_MATCHING_SUBSCRIBERS);
    }

    @Test
    void aClientThatIsGoneBeforeAllKnowIsFine() {
        here.relay.ignore();
        var subscriber = there.connect("subscriber", false).subscribe(1, QoS.AT_MOST_ONCE, "t");
        subscriber.hasGotNothing();
        subscriber.leave();
        here.relay.listen();
        here.settle();
        await().until(() -> {
            here.settle();
            var publisher = here.connect("publisher", false);
            publisher.publish(1, QoS.AT_LEAST_ONCE, false, "t", "");
            return publisher.next(Packet.PubAck.class).reason() == ReasonCode.NO_MATCHING_SUBSCRIBERS;
        });
    }

    @Test
    void theAnswerWaitsUntilKafkaHasTheLetter() {
        there.connect("subscriber", false).subscribe(1, QoS.EXACTLY_ONCE, "t").next(Packet.SubAck.class);
        here.relay.answerLate();
        for (var durable : List.of(false, true)) {
            var publisher = here.connect("publisher" + durable, durable);
            publisher.publish(0, QoS.AT_MOST_ONCE, false, "t", "0");
            publisher.publish(1, QoS.AT_LEAST_ONCE, false, "t", "1");
            publisher.publish(2, QoS.EXACTLY_ONCE, false, "t", "2");
            publisher.publish(3, QoS.EXACTLY_ONCE, false, "for nobody", "3");
            publisher.hasGotNothing();
            assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
            here.relay.answer(true);
            var answers = new ArrayList<Integer>();
            for (int i = 0; i < 3; i++) {
                switch (publisher.next(Packet.class)) {
                    case Packet.PubAck(var packetId, var _, var _) ->
                        assertThat(packetId).isEqualTo(1);
                    case Packet.PubRec(var packetId, var _, var _) -> answers.add(packetId);
                    case Packet other -> throw new AssertionError(other);
                }
            }
            assertThat(answers).as("in the order of the messages").containsExactly(2, 3);
        }
    }

    /** Then the client sends again. */
    @Test
    void aLetterThatKafkaDoesNotTakeEndsTheConnection() {
        there.connect("subscriber", false).subscribe(1, QoS.EXACTLY_ONCE, "t").next(Packet.SubAck.class);
        here.relay.fail(true);
        for (var qos : List.of(QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE)) {
            for (var retain : List.of(false, true)) {
                var publisher = here.connect("publisher" + qos + retain, true);
                publisher.publish(1, qos, retain, "t", "1");
                assertThat(publisher.next(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SERVER_BUSY);
            }
        }
        assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
        var publisher = here.connect("publisher", false);
        publisher.publish(0, QoS.AT_MOST_ONCE, false, "t", "0");
        publisher.hasGotNothing();
        assertThat(here.meters.get("sluice.remote.failed").counter().count()).isEqualTo(5);
    }

    /** They may not have taken it. */
    @Test
    void aGatewayThatWasAwayForTooLongDoesNotAcknowledgeWhatItSentOthers() {
        there.connect("subscriber", false).subscribe(1, QoS.EXACTLY_ONCE, "t").next(Packet.SubAck.class);
        here.relay.answerLate();
        for (var qos : List.of(QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE)) {
            var publisher = here.connect("publisher" + qos, true);
            var before = lives();
            publisher.publish(1, qos, false, "t", "1");
            await().until(() -> lives() > before);
            here.lease.set(false);
            here.relay.answer(true);
            assertThat(publisher.next(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SERVER_BUSY);
            here.lease.set(true);
        }
        assertThat(SERVER.value("SELECT count(*) FROM received")).isEqualTo("0");
    }

    /** Whoever subscribes while it is written finds it, or is known when it is sent. */
    @Test
    void aRetainedMessageGoesElsewhereOnceItIsCommitted() {
        var subscriber = there.connect("subscriber", false).subscribe(1, QoS.EXACTLY_ONCE, "#");
        subscriber.next(Packet.SubAck.class);
        var publisher = here.connect("publisher", true);
        for (var qos : QoS.values()) {
            var topic = "r/" + qos;
            here.relay.answerLate();
            var before = lives();
            publisher.publish(qos == QoS.AT_MOST_ONCE ? 0 : 1, qos, true, topic, "x");
            await().until(() -> lives() > before);
            assertThat(SERVER.value("SELECT count(*) FROM retained WHERE topic = '" + topic + "'"))
                    .isEqualTo("1");
            here.relay.answer(true);
            if (qos == QoS.AT_LEAST_ONCE) publisher.next(Packet.PubAck.class);
            if (qos == QoS.EXACTLY_ONCE) publisher.next(Packet.PubRec.class);
            var published = subscriber.next(Packet.Publish.class);
            assertThat(published.qos()).isEqualTo(qos);
            if (qos == QoS.EXACTLY_ONCE) subscriber.send(new Packet.PubRec(published.packetId()));
        }
        here.relay.answer(true);
    }

    @Test
    void whatFollowsARetainedMessageComesBehindIt() {
        var subscriber = there.connect("subscriber", false).subscribe(1, QoS.AT_MOST_ONCE, "#");
        subscriber.next(Packet.SubAck.class);
        for (var qos : QoS.values()) {
            var publisher = here.connect("publisher" + qos, true);
            var packets = new Packet[5];
            for (int i = 0; i < packets.length; i++) packets[i] = publish(i + 1, qos, i % 3 == 0, "t/" + qos);
            publisher.send(packets);
            for (int i = 0; i < packets.length; i++) {
                assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo("" + (i + 1));
                if (qos == QoS.AT_LEAST_ONCE) publisher.next(Packet.PubAck.class);
                if (qos == QoS.EXACTLY_ONCE) publisher.next(Packet.PubRec.class);
            }
        }
    }

    private static Packet publish(int number, QoS qos, boolean retain, String topic) {
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : number;
        var payload = String.valueOf(number).getBytes();
        return new Packet.Publish(false, qos, retain, TopicName.of(topic), packetId, Properties.NONE, payload);
    }

    /** Its client has come back elsewhere. */
    @Test
    void whatFollowsARetainedMessageThatIsNotCommittedIsSent() {
        var subscriber = there.connect("subscriber", false).subscribe(1, QoS.AT_MOST_ONCE, "t");
        subscriber.next(Packet.SubAck.class);
        var publisher = here.connect("publisher", true);
        SERVER.execute("UPDATE session SET epoch = nextval('session_epoch') WHERE client_id = 'publisher'");
        publisher.send(publish(1, QoS.AT_MOST_ONCE, true, "t"), publish(2, QoS.AT_MOST_ONCE, false, "t"));
        assertThat(publisher.next(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
        assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo("2");
    }

    @Test
    void whatIsRetainedIsReadOnceAllKnowOfTheSubscription() {
        var publisher = here.connect("publisher", false);
        for (var durable : List.of(false, true)) {
            var topic = "r/" + durable;
            publisher.publish(1, QoS.AT_LEAST_ONCE, true, topic, "before");
            publisher.next(Packet.PubAck.class);
            here.relay.ignore();
            var subscriber = there.connect("subscriber" + durable, durable);
            subscriber.subscribe(1, QoS.AT_LEAST_ONCE, topic).hasGotNothing();
            publisher.publish(2, QoS.AT_LEAST_ONCE, true, topic, "after");
            publisher.next(Packet.PubAck.class);
            here.relay.listen();
            subscriber.next(Packet.SubAck.class);
            var retained = subscriber.next(Packet.Publish.class);
            assertThat(payload(retained)).isEqualTo("after");
            assertThat(retained.retain()).isTrue();
        }
    }

    @Test
    void whatIsRetainedElsewhereIsFoundByEveryFilter() {
        var publisher = here.connect("publisher", false);
        for (var topic : List.of("a", "a/b", "a/bc", "ab", "b/b")) {
            publisher.publish(1, QoS.AT_LEAST_ONCE, true, topic, topic);
            publisher.next(Packet.PubAck.class);
        }
        publisher.publish(1, QoS.AT_LEAST_ONCE, true, "a/bc", "");
        publisher.next(Packet.PubAck.class);
        findRetained();
        here.relay.leave();
        findRetained(); // by the one that is left, too
    }

    private void findRetained() {
        for (var durable : List.of(false, true)) {
            assertThat(retained("a/b", durable, 1)).containsExactly("a/b");
            assertThat(retained("a/#", durable, 2)).containsExactlyInAnyOrder("a", "a/b");
            assertThat(retained("+/b", durable, 2)).containsExactlyInAnyOrder("a/b", "b/b");
            assertThat(retained("#", durable, 4)).containsExactlyInAnyOrder("a", "a/b", "ab", "b/b");
        }
    }

    private List<String> retained(String filter, boolean durable, int count) {
        var subscriber = there.connect("subscriber", durable).subscribe(1, QoS.AT_MOST_ONCE, filter);
        subscriber.next(Packet.SubAck.class);
        var topics = new ArrayList<String>();
        for (int i = 0; i < count; i++)
            topics.add(subscriber.next(Packet.Publish.class).topicName().toString());
        subscriber.hasGotNothing();
        return topics;
    }

    @Test
    void whatAMemberLeavesIsGivenToOneElsewhere() {
        var one = here.connect("one", false).subscribe(1, QoS.AT_LEAST_ONCE, "$share/g/t");
        one.next(Packet.SubAck.class);
        var two = there.connect("two", false).subscribe(1, QoS.AT_LEAST_ONCE, "$share/g/t");
        two.next(Packet.SubAck.class);
        var publisher = here.connect("publisher", false);
        publisher.publish(1, QoS.AT_LEAST_ONCE, false, "t", "left");
        publisher.next(Packet.PubAck.class);
        assertThat(payload(one.next(Packet.Publish.class))).isEqualTo("left");
        one.leave();
        assertThat(payload(two.next(Packet.Publish.class))).isEqualTo("left");
    }

    /** They may lie in the mailbox of the subscriber's gateway still. */
    @Test
    void whatAPublisherSentElsewhereComesBeforeWhatItSendsHere() {
        var subscriber = here.connect("subscriber", false).subscribe(1, QoS.EXACTLY_ONCE, "t");
        subscriber.next(Packet.SubAck.class);
        for (var durable : List.of(false, true)) {
            here.relay.ignore();
            var clientId = "publisher" + durable;
            var before = there.connect(clientId, durable);
            before.publish(1, QoS.AT_LEAST_ONCE, false, "t", "elsewhere");
            assertThat(before.next(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            before.leave();
            await().until(() -> SERVER.value(
                            "SELECT count(*) FROM session WHERE connected AND client_id = '" + clientId + "'")
                    .equals("0"));
            var after = here.connect(clientId, durable);
            after.publish(1, QoS.AT_LEAST_ONCE, false, "for nobody", "telemetry");
            after.next(Packet.PubAck.class);
            after.publish(0, QoS.AT_MOST_ONCE, false, "t", "here 0");
            after.publish(2, QoS.AT_LEAST_ONCE, false, "t", "here 1");
            after.publish(3, QoS.EXACTLY_ONCE, false, "t", "here 2");
            after.hasGotNothing();
            subscriber.hasGotNothing();
            here.relay.listen();
            for (var expected : List.of("elsewhere", "here 0", "here 1", "here 2"))
                assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo(expected);
            after.next(Packet.PubAck.class);
            after.next(Packet.PubRec.class);
            here.relay.ignore();
            after.publish(4, QoS.AT_LEAST_ONCE, false, "t", "and again");
            after.next(Packet.PubAck.class);
            assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo("and again");
            var hasty = here.connect("hasty" + durable, durable);
            hasty.publish(0, QoS.AT_MOST_ONCE, false, "t", "hasty");
            hasty.send(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
            subscriber.hasGotNothing();
            here.relay.listen();
            assertThat(payload(subscriber.next(Packet.Publish.class))).isEqualTo("hasty");
        }
    }

    /** What others want is not known before that. */
    @Test
    void nobodyIsServedBeforeTheOthersHaveToldWhatTheyWant() {
        var publisher = here.connect("publisher", false);
        here.relay.ready(false);
        publisher.publish(1, QoS.AT_LEAST_ONCE, false, "t", "");
        var subscriber = there.connect("subscriber", false).subscribe(1, QoS.AT_LEAST_ONCE, "t");
        subscriber.next(Packet.SubAck.class);
        here.settle();
        here.relay.ready(true);
        assertThat(publisher.next(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        subscriber.next(Packet.Publish.class);
    }
}
