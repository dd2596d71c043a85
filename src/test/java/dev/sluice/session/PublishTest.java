package dev.sluice.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PublishTest {
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final SessionRig v5 = SessionRig.online(ProtocolVersion.V5);

    @ParameterizedTest
    @EnumSource
    void qos0IsForwardedAndNotAnswered(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var publish = SessionRig.publish(QoS.AT_MOST_ONCE, 0);
        assertThat(rig.receives(publish)).containsExactly(SessionRig.forward(publish));
        assertThat(rig.session.isWaiting()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void qos1IsAcknowledgedOnceKafkaHasIt(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var publish = SessionRig.publish(ONE, 7);
        assertThat(rig.receives(publish)).containsExactly(SessionRig.forward(publish));
        assertThat(rig.session.isWaiting()).isTrue();
        assertThat(rig.forwarded(ONE, 7)).containsExactly(SessionRig.pubAck(7));
        assertThat(rig.session.isWaiting()).isFalse();
    }

    /** [MQTT-4.6.0-2] */
    @Test
    void acknowledgementsKeepTheOrderOfThePublishes() {
        v5.receivesQoS1(1);
        v5.receivesQoS1(2);
        v5.receivesQoS1(3);
        assertThat(v5.forwarded(ONE, 3)).isEmpty();
        assertThat(v5.forwarded(ONE, 2)).isEmpty();
        assertThat(v5.forwarded(ONE, 1))
                .containsExactly(SessionRig.pubAck(1), SessionRig.pubAck(2), SessionRig.pubAck(3));
    }

    private static Effect accept(int packetId) {
        return new Effect.Accept(SessionRig.publish(TWO, packetId), SessionRig.NOW, "id" + packetId);
    }

    /** [MQTT-4.6.0-3] */
    @Test
    void theJournalIsAskedAndTheClientAnsweredInTheOrderOfThePublishes() {
        v5.receivesQoS2(1);
        v5.receivesQoS2(2);
        v5.receivesQoS2(3);
        assertThat(v5.forwarded(TWO, 2)).isEmpty();
        assertThat(v5.forwarded(TWO, 1)).containsExactly(accept(1), accept(2));
        assertThat(v5.accepted(2)).isEmpty();
        assertThat(v5.forwarded(TWO, 3)).containsExactly(accept(3));
        assertThat(v5.accepted(1)).containsExactly(SessionRig.pubRec(1), SessionRig.pubRec(2));
        assertThat(v5.accepted(3)).containsExactly(SessionRig.pubRec(3));
    }

    @Test
    void aRefusalByKafkaKeepsItsPlaceAndIsNotAccepted() {
        v5.receivesQoS2(1);
        v5.receivesQoS2(2);
        v5.receivesQoS2(3);
        var refused = ReasonCode.QUOTA_EXCEEDED;
        assertThat(v5.refused(TWO, 2, refused, "why")).isEmpty();
        assertThat(v5.forwarded(TWO, 3)).isEmpty();
        assertThat(v5.forwarded(TWO, 1)).containsExactly(accept(1), accept(3));
        assertThat(v5.accepted(3)).isEmpty();
        assertThat(v5.accepted(1))
                .containsExactly(
                        SessionRig.pubRec(1),
                        SessionRig.send(new Packet.PubRec(2, refused, SessionRig.reason("why"))),
                        SessionRig.pubRec(3));
    }

    @Test
    void aRepeatIsAbsorbedWhileItsFirstIsUnderWay() {
        v5.receivesQoS1(1);
        assertThat(v5.receivesQoS1(1)).isEmpty();
        assertThat(v5.forwarded(ONE, 1)).containsExactly(SessionRig.pubAck(1));
    }

    /** [MQTT-4.3.3-10] */
    @Test
    void eachRepeatAtQoS2GetsAPubRecOnceItsFirstHasOne() {
        v5.receivesQoS2(2);
        assertThat(v5.receivesQoS2(2)).isEmpty();
        assertThat(v5.forwarded(TWO, 2)).containsExactly(accept(2));
        assertThat(v5.receivesQoS2(2)).isEmpty();
        assertThat(v5.accepted(2)).containsExactly(SessionRig.pubRec(2), SessionRig.pubRec(2), SessionRig.pubRec(2));
    }

    /** [MQTT-4.3.3-9] */
    @Test
    void aRepeatOfAMessageThatIsRefusedIsTriedAnew() {
        v5.receivesQoS2(2);
        v5.receivesQoS2(2);
        assertThat(v5.refused(TWO, 2, ReasonCode.QUOTA_EXCEEDED, null))
                .containsExactly(
                        SessionRig.send(new Packet.PubRec(2, ReasonCode.QUOTA_EXCEEDED, Properties.NONE)),
                        SessionRig.forward(SessionRig.publish(TWO, 2)));
    }

    /** [MQTT-4.3.3-10] */
    @Test
    void aRepeatBeforePubRelIsAnsweredAndNotForwarded() {
        v5.receivesQoS2(1);
        v5.taken(1);
        assertThat(v5.receivesQoS2(1)).containsExactly(SessionRig.pubRec(1));
        assertThat(v5.receives(new Packet.PubRel(1))).containsExactly(SessionRig.pubComp(1));
        assertThat(v5.receivesQoS2(1)).hasExactlyElementsOfTypes(Effect.Forward.class);
    }

    @ParameterizedTest
    @EnumSource
    void qos2OfADurableSessionWaitsForTheJournal(ProtocolVersion version) {
        var rig = SessionRig.durable(version);
        rig.receivesQoS2(1);
        assertThat(rig.forwarded(TWO, 1)).containsExactly(accept(1));
        assertThat(rig.session.isWaiting()).isTrue();
        assertThat(rig.accepted(1)).containsExactly(SessionRig.pubRec(1));
        assertThat(rig.receives(new Packet.PubRel(1))).containsExactly(new Effect.Forget(1));
        assertThat(rig.receives(new Packet.PubRel(1))).isEmpty();
        assertThat(rig.on(new Event.Forgotten(1))).containsExactly(SessionRig.pubComp(1));
        assertThat(rig.session.isWaiting()).isFalse();
    }

    /** The client is early: it reuses an identifier before it has its PUBCOMP. */
    @ParameterizedTest
    @EnumSource
    void anIdentifierThatComesAgainBeforePubCompIsANewMessage(ProtocolVersion version) {
        var rig = SessionRig.durable(version);
        rig.receivesQoS2(1);
        rig.taken(1);
        assertThat(rig.receives(new Packet.PubRel(1))).containsExactly(new Effect.Forget(1));
        assertThat(rig.receivesQoS2(1)).isEmpty();
        assertThat(rig.receivesQoS1(2)).as("keeps its place behind it").isEmpty();
        assertThat(rig.receives(new Packet.PingReq())).containsExactly(SessionRig.send(new Packet.PingResp()));
        assertThat(rig.on(new Event.Forgotten(1)))
                .containsExactly(
                        SessionRig.pubComp(1),
                        SessionRig.forward(SessionRig.publish(TWO, 1)),
                        SessionRig.forward(SessionRig.publish(ONE, 2)));
        rig.forwarded(TWO, 1);
        assertThat(rig.accepted(1)).containsExactly(SessionRig.pubRec(1));
    }

    @ParameterizedTest
    @EnumSource
    void qos2WithoutARecordIsAcceptedForItsSubscribers(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        rig.receivesQoS2(1);
        var unmatched = ReasonCode.NO_MATCHING_SUBSCRIBERS;
        assertThat(rig.on(new Event.Forwarded(1, TWO, unmatched, null, null)))
                .containsExactly(new Effect.Accept(SessionRig.publish(TWO, 1), SessionRig.NOW, null));
        assertThat(rig.on(new Event.Accepted(1, unmatched)))
                .containsExactly(SessionRig.send(new Packet.PubRec(1, unmatched, Properties.NONE)));
        assertThat(rig.receives(new Packet.PubRel(1))).containsExactly(SessionRig.pubComp(1));
    }

    /** [MQTT-4.3.3-10] */
    @Test
    void aResumedIdentifierIsStillHeld() {
        var rig = SessionRig.durable(ProtocolVersion.V5, 5, 6);
        assertThat(rig.receivesQoS2(5)).containsExactly(SessionRig.pubRec(5));
        assertThat(rig.receives(new Packet.PubRel(6))).containsExactly(new Effect.Forget(6));
        assertThat(rig.receivesQoS2(7)).hasExactlyElementsOfTypes(Effect.Forward.class);
    }

    /** A client that keeps its session and has lost what it knew of it gives the identifier to another message. */
    @ParameterizedTest
    @EnumSource
    void anotherMessageUnderAResumedIdentifierIsForwarded(ProtocolVersion version) {
        var earlier = publish("earlier", false);
        var notes = new TreeMap<>(Map.of(5, Repeat.note(null, earlier), 6, "of an earlier version"));
        var opened = new Event.SessionOpened(true, true, notes, 0, false);
        var rig = SessionRig.durable(version, opened);
        assertThat(rig.receives(earlier)).as("some do not say DUP").containsExactly(SessionRig.pubRec(5));
        assertThat(rig.receives(publish("earlier", true))).containsExactly(SessionRig.pubRec(5));
        assertThat(rig.receivesQoS2(6)).containsExactly(SessionRig.pubRec(6));
        assertThat(rig.receives(publish("another", true)))
                .as("its first attempt was lost on the way")
                .hasExactlyElementsOfTypes(Effect.Forward.class);
        rig.taken(5);
        assertThat(rig.receives(publish("a third", false)))
                .as("a repeat on this connection")
                .containsExactly(SessionRig.pubRec(5));
        assertThat(rig.receives(new Packet.PubRel(5))).containsExactly(new Effect.Forget(5));
    }

    private static Packet.Publish publish(String payload, boolean dup) {
        return new Packet.Publish(dup, TWO, false, TopicName.of("t"), 5, Properties.NONE, payload.getBytes(UTF_8));
    }

    /** Section 4.9: the Receive Maximum begins anew with each connection. */
    @Test
    void resumedIdentifiersLeaveTheReceiveMaximumWhole() {
        var rig = SessionRig.durable(ProtocolVersion.V5, 101, 102, 103);
        rig.receives(new Packet.PubRel(101));
        for (int id = 1; id <= SessionRig.RECEIVE_MAXIMUM; id++)
            assertThat(rig.receivesQoS1(id)).hasExactlyElementsOfTypes(Effect.Forward.class);
        rig.on(new Event.Forgotten(101));
        assertThat(rig.receivesQoS1(99)).isEmpty();
    }

    @Test
    void anAnswerMakesRoomAgain() {
        for (int id = 1; id <= SessionRig.RECEIVE_MAXIMUM; id++) v5.receivesQoS2(id);
        v5.taken(1);
        v5.receives(new Packet.PubRel(1));
        assertThat(v5.receivesQoS2(9)).hasExactlyElementsOfTypes(Effect.Forward.class);
    }

    @Test
    void anUnknownPubRelIsAnsweredAsTheVersionCan() {
        assertThat(v5.receives(new Packet.PubRel(9)))
                .containsExactly(SessionRig.send(
                        new Packet.PubComp(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, Properties.NONE)));
        assertThat(SessionRig.online(ProtocolVersion.V3_1_1).receives(new Packet.PubRel(9)))
                .containsExactly(SessionRig.pubComp(9));
    }

    @Test
    void aPubRelBeforeItsPubRecIsAProtocolError() {
        v5.receivesQoS2(1);
        assertThat(SessionRig.ends(v5.receives(new Packet.PubRel(1)))).contains(ReasonCode.PROTOCOL_ERROR);
    }

    @Test
    void aRefusalIsToldInVersion5AndFreesTheIdentifier() {
        v5.receivesQoS2(1);
        assertThat(v5.refused(TWO, 1, ReasonCode.QUOTA_EXCEEDED, "too large"))
                .containsExactly(SessionRig.send(
                        new Packet.PubRec(1, ReasonCode.QUOTA_EXCEEDED, SessionRig.reason("too large"))));
        assertThat(v5.receivesQoS2(1)).hasExactlyElementsOfTypes(Effect.Forward.class); // [MQTT-4.3.3-9]
        v5.receivesQoS1(2);
        assertThat(v5.refused(ONE, 2, ReasonCode.NOT_AUTHORIZED, null))
                .containsExactly(SessionRig.send(new Packet.PubAck(2, ReasonCode.NOT_AUTHORIZED, Properties.NONE)));
    }

    @ParameterizedTest
    @CsvSource({"V3_1,AT_LEAST_ONCE", "V3_1,EXACTLY_ONCE", "V3_1_1,AT_LEAST_ONCE", "V3_1_1,EXACTLY_ONCE"})
    void aRefusalClosesWhereTheVersionCannotTellIt(ProtocolVersion version, QoS qos) {
        var rig = SessionRig.online(version);
        rig.receives(SessionRig.publish(qos, 1));
        rig.receives(SessionRig.publish(qos, 2));
        assertThat(rig.refused(qos, 2, ReasonCode.QUOTA_EXCEEDED, "too large")).isEmpty();
        var first = qos == ONE ? SessionRig.pubAck(1) : SessionRig.pubRec(1);
        var answers = rig.forwarded(qos, 1);
        assertThat(qos == ONE ? answers : rig.accepted(1))
                .containsExactly(
                        first,
                        new Effect.EndSession(0, ReasonCode.QUOTA_EXCEEDED, 0, true),
                        new Effect.Close(ReasonCode.QUOTA_EXCEEDED, "too large"));
    }

    @ParameterizedTest
    @EnumSource
    void aMessageThatNobodyWantsIsAcknowledged(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        rig.receivesQoS1(1);
        var reason = ReasonCode.NO_MATCHING_SUBSCRIBERS;
        assertThat(rig.refused(ONE, 1, reason, null))
                .containsExactly(SessionRig.send(new Packet.PubAck(1, reason, Properties.NONE)));
    }

    private static Packet.Publish aliased(String topic, int alias) {
        return SessionRig.publish(QoS.AT_MOST_ONCE, 0, topic, Properties.NONE.with(Property.TOPIC_ALIAS, alias));
    }

    /** [MQTT-3.3.2-7] */
    @Test
    void aTopicAliasStandsForTheNameThatItWasSetTo() {
        var first = SessionRig.forward(SessionRig.publish(QoS.AT_MOST_ONCE, 0, "a", Properties.NONE));
        assertThat(v5.receives(aliased("a", 1))).usingRecursiveComparison().isEqualTo(java.util.List.of(first));
        assertThat(v5.receives(aliased("", 1))).usingRecursiveComparison().isEqualTo(java.util.List.of(first));
        var second = SessionRig.forward(SessionRig.publish(QoS.AT_MOST_ONCE, 0, "b", Properties.NONE));
        assertThat(v5.receives(aliased("b", 1))).usingRecursiveComparison().isEqualTo(java.util.List.of(second));
        assertThat(v5.receives(aliased("", 1))).usingRecursiveComparison().isEqualTo(java.util.List.of(second));
    }

    /** [MQTT-3.3.2-9] */
    @Test
    void anAliasAboveTheMaximumEndsTheConnection() {
        var reason = ReasonCode.TOPIC_ALIAS_INVALID;
        assertThat(SessionRig.ends(v5.receives(aliased("a", SessionRig.TOPIC_ALIAS_MAXIMUM + 1))))
                .containsExactly(reason, reason);
    }

    @Test
    void anAliasThatWasNeverSetIsAProtocolError() {
        assertThat(SessionRig.ends(v5.receives(aliased("", 2)))).contains(ReasonCode.PROTOCOL_ERROR);
    }

    private static Packet.Publish claimingText(QoS qos, int packetId, int... payload) {
        var bytes = new byte[payload.length];
        for (int i = 0; i < payload.length; i++) bytes[i] = (byte) payload[i];
        var properties = Properties.NONE.with(Property.PAYLOAD_FORMAT_INDICATOR, 1);
        return new Packet.Publish(false, qos, false, TopicName.of("t"), packetId, properties, bytes);
    }

    /** Section 3.3.2.3.2 */
    @Test
    void aPayloadThatIsNotTheTextItClaimsToBeIsRefusedInOrder() {
        v5.receivesQoS1(1);
        assertThat(v5.receives(claimingText(ONE, 2, 'a', 0xFF))).isEmpty();
        v5.receivesQoS2(3);
        assertThat(v5.receives(claimingText(TWO, 4, 0xC3))).isEmpty();
        var reason = ReasonCode.PAYLOAD_FORMAT_INVALID;
        var why = SessionRig.reason(PayloadFormat.NOT_TEXT);
        assertThat(v5.forwarded(ONE, 1))
                .containsExactly(SessionRig.pubAck(1), SessionRig.send(new Packet.PubAck(2, reason, why)));
        v5.forwarded(TWO, 3);
        assertThat(v5.accepted(3))
                .containsExactly(SessionRig.pubRec(3), SessionRig.send(new Packet.PubRec(4, reason, why)));
        assertThat(v5.session.isWaiting()).isFalse();
        assertThat(SessionRig.ends(v5.receives(claimingText(QoS.AT_MOST_ONCE, 0, 0x80))))
                .containsExactly(reason, reason);
    }

    @Test
    void aPayloadOfTextMayHoldAnyCharacter() {
        var publish = claimingText(ONE, 1, 0, 'a', 0xC3, 0xBC);
        assertThat(v5.receives(publish)).containsExactly(SessionRig.forward(publish));
    }

    @Test
    void aPayloadIsNotCheckedWhereThatIsSwitchedOff() {
        var rig = SessionRig.online(ProtocolVersion.V5, SessionRig.unchecked());
        var publish = claimingText(ONE, 1, 0xFF);
        assertThat(rig.receives(publish)).containsExactly(SessionRig.forward(publish));
    }
}
