package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A client that comes back to a durable queue with rows in it. */
class ResumeTest {
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final SessionRig rig = new SessionRig(ProtocolVersion.V5);
    private final List<Effect> opened = rig.openDurable(queued(100));

    private static Event.SessionOpened queued(long lastSeq) {
        return new Event.SessionOpened(true, true, Collections.emptySortedMap(), lastSeq, true);
    }

    private static Effect load(long afterSeq) {
        return new Effect.LoadQueue(afterSeq, SessionRig.QUEUE_PAGE);
    }

    private List<Effect> loaded(boolean more, Delivery... rows) {
        return rig.on(new Event.QueueLoaded(Arrays.asList(rows), more));
    }

    private static Delivery[] rows(long first, long last) {
        return LongStream.rangeClosed(first, last).mapToObj(Mail::row).toArray(Delivery[]::new);
    }

    private List<Effect> ack(long seq) {
        return rig.receives(new Packet.PubAck(1 + (int) seq));
    }

    private static Effect pubRel(int packetId) {
        return SessionRig.send(new Packet.PubRel(packetId));
    }

    private static Event deliver(Delivery row) {
        return new Event.Deliver(row);
    }

    /** [MQTT-4.4.0-1] [MQTT-3.3.1-1] */
    @ParameterizedTest
    @EnumSource
    void whatMayHaveBeenSentIsSentAgainUnderItsIdentifier(ProtocolVersion version) {
        var client = new SessionRig(version);
        assertThat(client.openDurable(queued(9))).containsExactly(load(0));
        assertThat(client.session.isReady()).isFalse();
        var effects = client.on(new Event.QueueLoaded(
                List.of(
                        Mail.received(Mail.row(5, TWO)),
                        Mail.sent(Mail.row(6)),
                        Mail.sent(Mail.row(7, TWO)),
                        Mail.row(8)),
                false));
        assertThat(effects.getFirst()).isEqualTo(pubRel(6));
        var publishes = Mail.publishes(effects);
        assertThat(publishes).extracting(Packet.Publish::packetId).containsExactly(7, 8, 9);
        assertThat(publishes).extracting(Packet.Publish::dup).containsExactly(true, true, false);
        assertThat(client.receives(new Packet.PubComp(6))).containsExactly(new Effect.Acknowledge(5, 8));
        assertThat(client.receives(new Packet.PubRec(8))).containsExactly(new Effect.MarkReceived(7));
        assertThat(Mail.numbers(client.on(deliver(Mail.row(10))))).containsExactly(10);
    }

    @Test
    void theQueueIsReadPageByPage() {
        assertThat(opened).containsExactly(load(0));
        assertThat(Mail.numbers(loaded(true, rows(1, 5)))).containsExactly(1, 2, 3, 4);
        var acknowledged = new Effect.Acknowledge(2, 4);
        assertThat(ack(2)).hasSize(3).startsWith(acknowledged).endsWith(load(5));
        assertThat(loaded(true, rows(6, 9))).isEmpty();
        assertThat(Mail.numbers(ack(1))).containsExactly(6);
        for (int seq = 3; seq <= 5; seq++) ack(seq);
        assertThat(loaded(false)).isEmpty();
        for (int seq = 6; seq <= 9; seq++) ack(seq);
        assertThat(rig.session.isReady()).isTrue();
        assertThat(Mail.numbers(rig.on(deliver(Mail.row(101))))).containsExactly(101);
    }

    @Test
    void rowsCommittedDuringTheLastLoadNeedNoOther() {
        assertThat(rig.on(deliver(Mail.row(102)))).isEmpty();
        assertThat(rig.on(deliver(Mail.row(101)))).isEmpty();
        assertThat(Mail.numbers(loaded(false, Mail.row(3), Mail.row(101)))).containsExactly(3, 101, 102);
        assertThat(Mail.numbers(rig.on(deliver(Mail.row(103))))).containsExactly(103);
    }

    @Test
    void rowsCommittedWhileOthersWaitAreReadLater() {
        loaded(true, rows(1, 5));
        for (int seq = 101; seq < 120; seq++)
            assertThat(rig.on(deliver(Mail.row(seq)))).isEmpty();
        assertThat(ack(1)).endsWith(load(5));
        assertThat(loaded(false, rows(100, 104))).isEmpty();
        for (int seq = 2; seq <= 5; seq++) assertThat(ack(seq)).hasSize(2);
        assertThat(Mail.numbers(ack(100))).containsExactly(104);
        assertThat(rig.session.isReady()).isFalse();
    }

    @Test
    void moreRowsThanMemoryTakesDuringALoadAreReadByAnother() {
        for (int seq = 101; seq < 120; seq++)
            assertThat(rig.on(deliver(Mail.row(seq)))).isEmpty();
        var effects = loaded(false, rows(99, 100));
        assertThat(Mail.numbers(effects)).containsExactly(99, 100, 101, 102);
        ack(99);
        ack(100);
        assertThat(ack(101)).endsWith(load(105));
        assertThat(loaded(false, rows(106, 110))).isEmpty();
        for (int seq = 102; seq <= 110; seq++)
            assertThat(ack(seq)).doesNotHaveAnyElementsOfTypes(Effect.LoadQueue.class);
        assertThat(rig.session.isReady()).isTrue();
    }

    /** Expired, or dropped because the queue was full. */
    @Test
    void rowsThatAreGoneAreNotWaitedFor() {
        assertThat(loaded(false)).isEmpty();
        assertThat(rig.session.isReady()).isTrue();
        assertThat(Mail.numbers(rig.on(deliver(Mail.row(101))))).containsExactly(101);
    }

    @Test
    void aFailedLoadIsTriedAgainWithTheClock() {
        assertThat(rig.on(new Event.QueueFailed())).isEmpty();
        assertThat(rig.on(deliver(Mail.row(101)))).isEmpty();
        assertThat(rig.receives(new Packet.PubAck(9))).isEmpty();
        assertThat(rig.on(new Event.Drained())).containsExactly(load(0));
        assertThat(Mail.numbers(loaded(false, rows(100, 101)))).containsExactly(100, 101);
    }

    @Test
    void nothingIsReadForASocketThatIsFull() {
        var client = new SessionRig(ProtocolVersion.V5);
        client.room = false;
        assertThat(client.openDurable(queued(9))).isEmpty();
        assertThat(client.on(new Event.Drained())).isEmpty();
        client.room = true;
        assertThat(client.on(new Event.Drained())).containsExactly(load(0));
    }

    /** [MQTT-3.3.4-10], section 4.9 */
    @Test
    void pubRelNeitherCountsNorWaitsForTheQuota() {
        var client = new SessionRig(ProtocolVersion.V5);
        var one = Properties.NONE.with(Property.RECEIVE_MAXIMUM, 1).with(Property.SESSION_EXPIRY_INTERVAL, 60);
        client.open(false, one, queued(9));
        var effects = client.on(new Event.QueueLoaded(
                List.of(Mail.sent(Mail.row(1)), Mail.sent(Mail.row(2)), Mail.received(Mail.row(3, TWO))), false));
        assertThat(Mail.numbers(effects)).containsExactly(1);
        assertThat(effects).contains(pubRel(4));
        assertThat(client.receives(new Packet.PubComp(4))).containsExactly(new Effect.Acknowledge(3, 3));
        assertThat(Mail.numbers(client.receives(new Packet.PubAck(2)))).containsExactly(2);
    }

    @Test
    void aClientThatAnswersNoPubRelIsNotSentThemWithoutBound() {
        var released = 0;
        for (var effects = opened; effects.contains(load(released)); ) {
            var page = new ArrayList<Delivery>();
            for (int i = 0; i < SessionRig.QUEUE_PAGE; i++) page.add(Mail.received(Mail.row(++released, TWO)));
            effects = rig.on(new Event.QueueLoaded(page, true));
        }
        assertThat(released).isLessThanOrEqualTo(SessionRig.SEND_QUOTA + 2 * SessionRig.QUEUE_PAGE);
        assertThat(rig.receives(new Packet.PubComp(2)))
                .containsExactly(new Effect.Acknowledge(1, released), load(released));
    }

    /** A row that is not read yet may have the identifier; it is sent again, and answered again. */
    @Test
    void aPubRecIsNotUnknownBeforeAllRowsAreRead() {
        assertThat(rig.receives(new Packet.PubRec(6))).isEmpty();
        loaded(false, Mail.sent(Mail.row(5, TWO)));
        assertThat(rig.receives(new Packet.PubRec(6))).containsExactly(new Effect.MarkReceived(5));
        assertThat(rig.receives(new Packet.PubRec(9)))
                .containsExactly(
                        SessionRig.send(new Packet.PubRel(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, Properties.NONE)));
    }

    /** [MQTT-3.3.2-5]; what has been begun goes on [MQTT-4.4.0-1]. */
    @Test
    void expiredRowsAreGivenUpUnlessTheyMayHaveBeenSent() {
        var at = rig.now - 5000;
        var effects = loaded(
                false,
                Mail.expiring(Mail.row(1), at),
                Mail.expiring(Mail.sent(Mail.row(2)), at),
                Mail.expiring(Mail.row(3, TWO), at),
                Mail.expiring(Mail.sent(Mail.row(4, TWO)), at),
                Mail.expiring(Mail.received(Mail.row(5, TWO)), at));
        assertThat(Mail.drops(effects, Effect.Why.EXPIRED)).containsExactly(1, 3);
        assertThat(effects)
                .contains(pubRel(6))
                .filteredOn(Effect.Acknowledge.class::isInstance)
                .extracting(effect -> ((Effect.Acknowledge) effect).seq())
                .containsExactly(1L, 3L);
        assertThat(Mail.numbers(effects)).containsExactly(2, 4);
        for (var publish : Mail.publishes(effects))
            assertThat(publish.properties().number(Property.MESSAGE_EXPIRY_INTERVAL, -1))
                    .isEqualTo(1);
    }

    /** It may hold the identifier, and would take a later message for a repeat. */
    @Test
    void aRowThatIsTooLargeAndMayHaveBeenSentIsReleased() {
        var client = new SessionRig(ProtocolVersion.V5);
        var small = Properties.NONE.with(Property.MAXIMUM_PACKET_SIZE, 30).with(Property.SESSION_EXPIRY_INTERVAL, 60);
        client.open(false, small, queued(9));
        var large = Mail.message(1, "t", Properties.NONE, Message.NEVER, 100);
        var one = new Delivery(large, QoS.AT_LEAST_ONCE, false, List.of(), null, 1, true, false);
        var two = new Delivery(large, TWO, false, List.of(), null, 2, true, false);
        assertThat(client.on(new Event.QueueLoaded(List.of(one, two), false)))
                .containsExactly(
                        new Effect.Drop(one, Effect.Why.TOO_LARGE),
                        new Effect.Acknowledge(1, 0),
                        new Effect.Drop(two, Effect.Why.TOO_LARGE),
                        new Effect.MarkReceived(2));
        assertThat(client.on(new Event.Marked(2))).containsExactly(pubRel(3));
        var unknown = new Packet.PubComp(3, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, Properties.NONE);
        assertThat(client.receives(unknown)).containsExactly(new Effect.Acknowledge(2, 2));
    }

    @Test
    void theEndBeforeAnythingWasSentTellsOfNothing() {
        assertThat(rig.on(new Event.TransportClosed()))
                .containsExactly(new Effect.EndSession(60, ReasonCode.UNSPECIFIED_ERROR, 0, true));
    }

    @Test
    void whatIsInTheDurableQueueIsNotReturned() {
        loaded(false, Mail.shared(Mail.row(1)), Mail.shared(Mail.row(2, TWO)));
        rig.receives(new Packet.PubAck(2));
        assertThat(rig.on(new Event.TransportClosed())).hasExactlyElementsOfTypes(Effect.EndSession.class);
    }

    @Test
    void aSessionThatWasResumedToEndWithTheConnectionIsDurableStill() {
        var client = new SessionRig(ProtocolVersion.V5);
        var opened = new Event.SessionOpened(true, true, new TreeMap<>(Map.of(5, "m5")), 7, true);
        assertThat(client.open(false, Properties.NONE, opened)).containsExactly(load(0));
        assertThat(client.receives(new Packet.PubRel(5))).containsExactly(new Effect.Forget(5));
        client.on(new Event.QueueLoaded(List.of(Mail.sent(Mail.row(7))), false));
        assertThat(client.receives(new Packet.PubAck(8))).containsExactly(new Effect.Acknowledge(7, 7));
    }
}
