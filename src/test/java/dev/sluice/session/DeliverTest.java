package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Messages in memory for a client that answers. */
class DeliverTest {
    private final SessionRig v5 = SessionRig.online(ProtocolVersion.V5);

    private static List<Effect> deliver(SessionRig rig, Delivery delivery) {
        return rig.on(new Event.Deliver(delivery));
    }

    @ParameterizedTest
    @EnumSource
    void qos0IsSentAndForgotten(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var mail = Mail.qos0(1);
        var message = mail.message();
        var publish = new Packet.Publish(
                false, QoS.AT_MOST_ONCE, false, message.topicName(), 0, Properties.NONE, message.payload());
        assertThat(deliver(rig, mail)).containsExactly(SessionRig.send(publish));
        assertThat(rig.session.isWaiting()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void qos1IsSentAndDoneWithAfterPubAck(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var publish = Mail.publishes(deliver(rig, Mail.qos1(1))).getFirst();
        assertThat(publish.qos()).isEqualTo(QoS.AT_LEAST_ONCE);
        assertThat(publish.packetId()).isPositive();
        assertThat(publish.dup()).isFalse();
        assertThat(rig.receives(new Packet.PubAck(publish.packetId()))).isEmpty();
        assertThat(rig.receives(new Packet.PubAck(publish.packetId()))).isEmpty();
    }

    /** [MQTT-4.3.3-4] */
    @ParameterizedTest
    @EnumSource
    void qos2IsReleasedAfterPubRec(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var packetId = Mail.publishes(deliver(rig, Mail.qos2(1))).getFirst().packetId();
        var pubRel = SessionRig.send(new Packet.PubRel(packetId));
        assertThat(rig.receives(new Packet.PubRec(packetId))).containsExactly(pubRel);
        assertThat(rig.receives(new Packet.PubRec(packetId))).containsExactly(pubRel);
        assertThat(rig.receives(new Packet.PubComp(packetId))).isEmpty();
        assertThat(rig.receives(new Packet.PubComp(packetId))).isEmpty();
    }

    @Test
    void theRetainFlagIsWhatTheDeliverySays() {
        var mail = Mail.qos0(1);
        var retained = new Delivery(mail.message(), mail.qos(), true, List.of(), null, 0, false, false);
        assertThat(Mail.publishes(deliver(v5, retained)).getFirst().retain()).isTrue();
    }

    /** [MQTT-3.3.4-9], and for MQTT 3 the server's own bound. */
    @ParameterizedTest
    @EnumSource
    void noMoreThanTheQuotaIsUnanswered(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        for (int number = 1; number <= SessionRig.SEND_QUOTA; number++)
            assertThat(Mail.numbers(deliver(rig, Mail.qos1(number)))).containsExactly(number);
        assertThat(rig.session.isReady()).isFalse();
        assertThat(deliver(rig, Mail.qos1(50))).isEmpty();
        assertThat(deliver(rig, Mail.qos2(51))).isEmpty();
        assertThat(Mail.numbers(rig.receives(new Packet.PubAck(2)))).containsExactly(50);
        assertThat(Mail.numbers(rig.receives(new Packet.PubAck(1)))).containsExactly(51);
        assertThat(rig.session.isReady()).isFalse();
        rig.receives(new Packet.PubAck(3));
        assertThat(rig.session.isReady()).isTrue();
    }

    @Test
    void theReceiveMaximumOfTheClientIsKept() {
        var rig = SessionRig.online(ProtocolVersion.V5, Properties.NONE.with(Property.RECEIVE_MAXIMUM, 1));
        assertThat(Mail.numbers(deliver(rig, Mail.qos2(1)))).containsExactly(1);
        assertThat(deliver(rig, Mail.qos1(2))).isEmpty();
        rig.receives(new Packet.PubRec(1));
        assertThat(Mail.numbers(rig.receives(new Packet.PubComp(1)))).containsExactly(2);
    }

    /** Section 4.9 */
    @Test
    void aPubRecWithAnErrorGivesTheQuotaBack() {
        var rig = SessionRig.online(ProtocolVersion.V5, Properties.NONE.with(Property.RECEIVE_MAXIMUM, 1));
        deliver(rig, Mail.qos2(1));
        deliver(rig, Mail.qos2(2));
        var refusal = new Packet.PubRec(1, ReasonCode.QUOTA_EXCEEDED, Properties.NONE);
        assertThat(Mail.numbers(rig.receives(refusal))).containsExactly(2);
    }

    /** [MQTT-4.6.0-5] asks for order within a QoS only. */
    @Test
    void qos0NeedNotWaitForTheQuota() {
        for (int number = 1; number <= SessionRig.SEND_QUOTA + 1; number++) deliver(v5, Mail.qos1(number));
        assertThat(Mail.numbers(deliver(v5, Mail.qos0(50)))).containsExactly(50);
    }

    /** [MQTT-2.2.1-4] */
    @Test
    void aPacketIdentifierInUseIsSkipped() {
        var held = Mail.publishes(deliver(v5, Mail.qos1(1))).getFirst().packetId();
        var seen = new HashSet<Integer>();
        for (int i = 0; i < 65_535; i++) {
            var packetId = Mail.publishes(deliver(v5, Mail.qos1(2))).getFirst().packetId();
            assertThat(packetId).isBetween(1, 65_535).isNotEqualTo(held);
            seen.add(packetId);
            v5.receives(new Packet.PubAck(packetId));
        }
        assertThat(seen).hasSize(65_534);
    }

    @Test
    void anUnknownPubRecIsAnsweredAsTheVersionCan() {
        assertThat(v5.receives(new Packet.PubRec(9)))
                .containsExactly(
                        SessionRig.send(new Packet.PubRel(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, Properties.NONE)));
        assertThat(SessionRig.online(ProtocolVersion.V3_1_1).receives(new Packet.PubRec(9)))
                .containsExactly(SessionRig.send(new Packet.PubRel(9)));
    }

    @Test
    void otherUnknownAnswersAreLateAndMeanNothing() {
        assertThat(v5.receives(new Packet.PubAck(9))).isEmpty();
        assertThat(v5.receives(new Packet.PubComp(9))).isEmpty();
    }

    static List<List<Packet>> answersOutOfPlace() {
        return List.of(
                List.of(new Packet.PubRec(1)),
                List.of(new Packet.PubComp(1)),
                List.of(new Packet.PubAck(2)),
                List.of(new Packet.PubComp(2)),
                List.of(new Packet.PubRec(2), new Packet.PubAck(2)));
    }

    @ParameterizedTest
    @MethodSource("answersOutOfPlace")
    void anAnswerOfTheWrongTypeIsAProtocolError(List<Packet> answers) {
        deliver(v5, Mail.qos1(1));
        deliver(v5, Mail.qos2(2));
        for (var answer : answers.subList(0, answers.size() - 1)) v5.receives(answer);
        assertThat(SessionRig.ends(v5.receives(answers.getLast())))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
    }

    /** [MQTT-4.8.2-4] [MQTT-4.8.2-5] */
    @ParameterizedTest
    @EnumSource
    void whatASharedSubscriptionChoseItForIsReturnedAtTheEnd(ProtocolVersion version) {
        for (var end : List.of(
                new Event.TransportClosed(),
                new Event.Received(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE)),
                new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "elsewhere"))) {
            var rig = SessionRig.online(version);
            var mail = List.of(
                    Mail.shared(Mail.qos1(1)),
                    Mail.shared(Mail.qos1(2)),
                    Mail.qos1(3),
                    Mail.shared(Mail.qos2(4)),
                    Mail.shared(Mail.qos1(5)),
                    Mail.shared(Mail.qos2(6)),
                    Mail.qos1(7));
            mail.forEach(delivery -> deliver(rig, delivery));
            rig.receives(new Packet.PubAck(1)); // number 5 is sent
            var effects = rig.on(end);
            assertThat(effects).contains(new Effect.Return(List.of(mail.get(1), mail.get(4), mail.get(5))));
            var ended = IntStream.range(0, effects.size())
                    .filter(i -> effects.get(i) instanceof Effect.EndSession)
                    .findFirst();
            if (ended.isPresent()) assertThat(effects.get(ended.getAsInt() + 1)).isInstanceOf(Effect.Return.class);
        }
    }

    @Test
    void nothingIsReturnedWithoutSharedSubscription() {
        deliver(v5, Mail.qos1(1));
        assertThat(v5.on(new Event.TransportClosed())).hasExactlyElementsOfTypes(Effect.EndSession.class);
    }

    @Test
    void aRowOfAnEarlierSessionIsNotForOneWithoutQueue() {
        assertThat(deliver(v5, Mail.row(1))).isEmpty();
        assertThat(v5.on(new Event.QueueLoaded(List.of(), false))).isEmpty();
        assertThat(v5.on(new Event.QueueFailed())).isEmpty();
        assertThat(v5.on(new Event.Marked(1))).isEmpty();
    }
}
