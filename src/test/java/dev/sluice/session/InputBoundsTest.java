package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.InputBounds;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.topic.TopicName;
import java.util.EnumMap;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a client gets that sends more than {@link SessionRig#BOUNDS}. */
class InputBoundsTest {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String DEEP = "a/b/c/d/e";
    private static final String TOO_DEEP = "the topic has more than 4 levels (sluice.mqtt.topic-levels-maximum)";
    private static final Effect COUNTED = new Effect.Exceeded(InputBounds.TOPIC_LEVELS);
    private static final Properties TOO_MANY =
            Properties.exceeding(new EnumMap<>(Property.class), new Properties.Excess("key", "too many"));

    private static Packet.Publish publish(QoS qos, int packetId, String topic, Properties properties) {
        return SessionRig.publish(qos, packetId, topic, properties);
    }

    @Test
    void aTopicWithTooManyLevelsIsRefusedAndTheConnectionStays() {
        var rig = SessionRig.online(V5);
        assertThat(rig.receives(publish(QoS.AT_MOST_ONCE, 0, DEEP, Properties.NONE)))
                .containsExactly(COUNTED);
        assertThat(rig.receives(publish(QoS.AT_LEAST_ONCE, 1, DEEP, Properties.NONE)))
                .containsExactly(
                        COUNTED,
                        SessionRig.send(
                                new Packet.PubAck(1, ReasonCode.TOPIC_NAME_INVALID, SessionRig.reason(TOO_DEEP))));
        assertThat(rig.receives(publish(QoS.EXACTLY_ONCE, 2, DEEP, Properties.NONE)))
                .containsExactly(
                        COUNTED,
                        SessionRig.send(
                                new Packet.PubRec(2, ReasonCode.TOPIC_NAME_INVALID, SessionRig.reason(TOO_DEEP))));
        assertThat(rig.receives(publish(QoS.AT_LEAST_ONCE, 1, "a/b/c/d", Properties.NONE)))
                .hasAtLeastOneElementOfType(Effect.Forward.class);
    }

    /** Its PUBACK cannot say no. */
    @Test
    void anMqtt3ClientIsClosedForATopicWithTooManyLevels() {
        var rig = SessionRig.online(ProtocolVersion.V3_1_1);
        assertThat(SessionRig.ends(rig.receives(publish(QoS.AT_LEAST_ONCE, 1, DEEP, Properties.NONE))))
                .containsExactly(ReasonCode.TOPIC_NAME_INVALID);
    }

    @Test
    void answersKeepTheirOrderAroundAMessageThatIsRefused() {
        var rig = SessionRig.online(V5);
        rig.receivesQoS1(1);
        assertThat(rig.receives(publish(QoS.AT_LEAST_ONCE, 2, "t", TOO_MANY)))
                .containsExactly(new Effect.Exceeded("key"));
        assertThat(rig.forwarded(QoS.AT_LEAST_ONCE, 1))
                .containsExactly(
                        SessionRig.pubAck(1),
                        SessionRig.send(
                                new Packet.PubAck(2, ReasonCode.QUOTA_EXCEEDED, SessionRig.reason("too many"))));
    }

    @Test
    void theTopicsBehindAliasesAreBounded() {
        var rig = SessionRig.online(V5);
        var first = Properties.NONE.with(Property.TOPIC_ALIAS, 1);
        assertThat(rig.receives(publish(QoS.AT_MOST_ONCE, 0, "t".repeat(40), first)))
                .hasSize(1);
        assertThat(rig.receives(publish(QoS.AT_MOST_ONCE, 0, "u".repeat(40), first)))
                .hasSize(1); // in its place
        var effects = rig.receives(publish(QoS.AT_MOST_ONCE, 0, "v", Properties.NONE.with(Property.TOPIC_ALIAS, 2)));
        assertThat(effects).contains(new Effect.Exceeded(InputBounds.TOPIC_ALIAS_BYTES));
        assertThat(SessionRig.ends(effects)).containsExactly(ReasonCode.QUOTA_EXCEEDED, ReasonCode.QUOTA_EXCEEDED);
    }

    @Test
    void aWillWithTooManyLevelsIsRefused() {
        for (var version : ProtocolVersion.values()) {
            var will = new Will(TopicName.of(DEEP), QoS.AT_MOST_ONCE, false, Properties.NONE, new byte[0]);
            var effects = new SessionRig(version)
                    .connects(new Packet.Connect(version, true, 0, "c", will, null, null, Properties.NONE));
            assertThat(effects).contains(COUNTED);
            assertThat(SessionRig.ends(effects)).containsOnly(ReasonCode.TOPIC_NAME_INVALID);
        }
    }

    @Test
    void aClientWithUnansweredSubscribesIsNotRead() {
        var rig = SessionRig.online(V5);
        var to = new Subscription("t", QoS.AT_MOST_ONCE, false, false, 0);
        rig.receives(new Packet.Subscribe(1, List.of(to), Properties.NONE));
        assertThat(rig.session.wantsMore()).isTrue();
        rig.receives(new Packet.Unsubscribe(2, List.of("t"), Properties.NONE));
        assertThat(rig.session.wantsMore()).isFalse();
        rig.on(new Event.Subscribed(1, List.of(ReasonCode.SUCCESS), null));
        assertThat(rig.session.wantsMore()).isTrue();
    }

    @Test
    void aSubAckSaysWhyAFilterIsRefused() {
        var rig = SessionRig.online(V5);
        var to = new Subscription("t", QoS.AT_MOST_ONCE, false, false, 0);
        rig.receives(new Packet.Subscribe(1, List.of(to), Properties.NONE));
        var reasons = List.of(ReasonCode.QUOTA_EXCEEDED);
        assertThat(rig.on(new Event.Subscribed(1, reasons, "too many")))
                .containsExactly(SessionRig.send(new Packet.SubAck(1, reasons, SessionRig.reason("too many"))));
    }

    /** Rows of a time with wider bounds: they are done with, so that they do not come again. */
    @Test
    void whatIsAboveTheBoundsIsNotSent() {
        var rig = SessionRig.durable(V5);
        var deep = Mail.message(1, DEEP, Properties.NONE, Message.NEVER, 1);
        var many = Mail.message(2, "t", TOO_MANY, Message.NEVER, 1);
        var seq = 0;
        for (var message : List.of(deep, many)) {
            var row = new Delivery(message, QoS.AT_LEAST_ONCE, false, List.of(), null, ++seq, false, false);
            assertThat(rig.on(new Event.Deliver(row)))
                    .containsExactly(new Effect.Drop(row, Effect.Why.ABOVE_BOUNDS), new Effect.Acknowledge(seq, 0));
        }
    }

    /** A queue of 1000 bytes has no room for what takes more on the heap. */
    @Test
    void propertiesCountInTheQueueOfASlowClient() {
        var rig = SessionRig.online(V5);
        rig.room = false;
        var properties = Properties.NONE;
        for (int i = 0; i < 10; i++) properties = properties.withUserProperty("", "");
        var message = Mail.message(1, "t", properties, Message.NEVER, 1);
        var delivery = Mail.of(message, QoS.AT_MOST_ONCE);
        assertThat(rig.on(new Event.Deliver(delivery)))
                .containsExactly(new Effect.Drop(delivery, Effect.Why.QUEUE_FULL));
    }
}
