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
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows of the durable queue, for a client that is online while they are committed. */
class RowsTest {
    private static final long LAST = 100;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final SessionRig rig = caughtUp(ProtocolVersion.V5);

    private static SessionRig caughtUp(ProtocolVersion version) {
        return SessionRig.durable(
                version, new Event.SessionOpened(false, true, Collections.emptySortedMap(), LAST, false));
    }

    private static List<Effect> deliver(SessionRig rig, Delivery... rows) {
        var effects = new ArrayList<Effect>();
        for (var row : rows) effects.addAll(rig.on(new Event.Deliver(row)));
        return effects;
    }

    private static Delivery[] rows(long first, long last) {
        return LongStream.rangeClosed(first, last).mapToObj(Mail::row).toArray(Delivery[]::new);
    }

    private static int id(long seq) {
        return 1 + (int) (seq % 65_535);
    }

    private static List<Effect> ack(SessionRig rig, long seq) {
        return rig.receives(new Packet.PubAck(id(seq)));
    }

    @ParameterizedTest
    @EnumSource
    void aRowIsSentUnderAnIdentifierOfItsPlaceAndDeletedAfterPubAck(ProtocolVersion version) {
        var client = caughtUp(version);
        var publish = Mail.publishes(deliver(client, Mail.row(101))).getFirst();
        assertThat(publish.packetId()).isEqualTo(102);
        assertThat(publish.dup()).isFalse();
        assertThat(ack(client, 101)).containsExactly(new Effect.Acknowledge(101, 101));
        assertThat(ack(client, 101)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void pubRelWaitsUntilThePubRecIsDurable(ProtocolVersion version) {
        var client = caughtUp(version);
        deliver(client, Mail.row(101, TWO));
        assertThat(client.receives(new Packet.PubRec(102))).containsExactly(new Effect.MarkReceived(101));
        assertThat(client.session.isWaiting()).isTrue();
        assertThat(client.receives(new Packet.PubRec(102))).isEmpty();
        assertThat(client.on(new Event.Marked(101))).containsExactly(SessionRig.send(new Packet.PubRel(102)));
        assertThat(client.session.isWaiting()).isFalse();
        assertThat(client.on(new Event.Marked(101))).isEmpty();
        assertThat(client.receives(new Packet.PubComp(102))).containsExactly(new Effect.Acknowledge(101, 101));
    }

    @Test
    void aPubCompBeforeItsPubRelIsAProtocolError() {
        deliver(rig, Mail.row(101, TWO));
        rig.receives(new Packet.PubRec(102));
        assertThat(SessionRig.ends(rig.receives(new Packet.PubComp(102)))).contains(ReasonCode.PROTOCOL_ERROR);
    }

    /** [MQTT-4.4.0-2] */
    @Test
    void aRefusedRowIsDoneWith() {
        deliver(rig, Mail.row(101, TWO), Mail.row(102));
        var no = ReasonCode.QUOTA_EXCEEDED;
        assertThat(rig.receives(new Packet.PubRec(102, no, Properties.NONE)))
                .containsExactly(new Effect.Acknowledge(101, 102));
        assertThat(rig.receives(new Packet.PubAck(103, no, Properties.NONE)))
                .containsExactly(new Effect.Acknowledge(102, 102));
    }

    @Test
    void theEndTellsHowFarTheClientCame() {
        deliver(rig, rows(101, 109));
        ack(rig, 101);
        assertThat(rig.on(new Event.TransportClosed()))
                .containsExactly(new Effect.EndSession(60, ReasonCode.UNSPECIFIED_ERROR, 105, true));
    }

    @Test
    void rowsWaitForTheQuota() {
        assertThat(Mail.numbers(deliver(rig, rows(101, 106)))).containsExactly(101, 102, 103, 104);
        assertThat(rig.session.isReady()).isFalse();
        assertThat(Mail.numbers(ack(rig, 103))).containsExactly(105);
        assertThat(Mail.numbers(ack(rig, 101))).containsExactly(106);
    }

    /** After a kill, the quota bounds what counts as sent: there may not be more without an answer that PostgreSQL has. */
    @Test
    void rowsWaitForTheJournalToWriteTheAnswersOfOthers() {
        rig.journalAnswers = false;
        var last = LAST + SessionRig.SEND_QUOTA;
        deliver(rig, rows(LAST + 1, last + 2));
        for (long seq = LAST + 1; seq <= last; seq++)
            assertThat(ack(rig, seq)).containsExactly(new Effect.Acknowledge(seq, last));
        assertThat(rig.session.isReady()).isFalse();
        assertThat(Mail.numbers(rig.on(new Event.Deleted()))).containsExactly((int) last + 1);
        assertThat(Mail.numbers(ack(rig, last + 1))).isEmpty();
        assertThat(Mail.numbers(rig.on(new Event.Deleted()))).containsExactly((int) last + 2);
    }

    /** They are deleted, and were not sent: they must not hide one that was. */
    @Test
    void expiredRowsWaitForTheJournalAsWell() {
        rig.journalAnswers = false;
        var rows = rows(LAST + 1, LAST + SessionRig.SEND_QUOTA);
        for (var row : rows) deliver(rig, Mail.expiring(row, rig.now - 5000));
        assertThat(deliver(rig, Mail.row(LAST + rows.length + 1))).isEmpty();
        assertThat(rig.on(new Event.Deleted())).hasExactlyElementsOfTypes(Effect.Send.class);
    }

    @Test
    void aRowThatIsKnownIsNotSentAgain() {
        assertThat(deliver(rig, Mail.row(100))).isEmpty();
        deliver(rig, Mail.row(101));
        assertThat(deliver(rig, Mail.row(101))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
    }

    /** Publishers on other threads may tell of theirs first. */
    @Test
    void rowsToldOfOutOfOrderAreSentInOrder() {
        assertThat(deliver(rig, Mail.row(103), Mail.row(102), Mail.row(103))).isEmpty();
        assertThat(Mail.numbers(deliver(rig, Mail.row(101)))).containsExactly(101, 102, 103);
        assertThat(Mail.numbers(deliver(rig, Mail.row(104)))).containsExactly(104);
    }

    @Test
    void rowsToldOfOutOfOrderTakeMemoryOnlyWhileTheyWait() {
        long seq = 101;
        for (; seq < 101 + 2 * SessionRig.QUEUE_BYTES / 64; seq += 2) {
            deliver(rig, Mail.row(seq + 1), Mail.row(seq));
            ack(rig, seq);
            ack(rig, seq + 1);
        }
        deliver(rig, rows(seq, seq + SessionRig.SEND_QUOTA + 1));
        assertThat(ack(rig, seq)).hasSize(2);
        assertThat(ack(rig, seq + 1)).hasExactlyElementsOfTypes(Effect.Acknowledge.class, Effect.Send.class);
    }

    @Test
    void aGapThatStaysIsReadFromTheQueue() {
        assertThat(deliver(rig, Mail.row(102), Mail.row(104))).isEmpty();
        assertThat(rig.on(new Event.Drained())).containsExactly(new Effect.LoadQueue(100, SessionRig.QUEUE_PAGE));
        assertThat(rig.on(new Event.Drained())).isEmpty();
        var page = new Event.QueueLoaded(List.of(Mail.row(101), Mail.row(102), Mail.row(104)), false);
        assertThat(Mail.numbers(rig.on(page))).containsExactly(101, 102, 104);
        assertThat(deliver(rig, Mail.row(103))).isEmpty(); // was gone by then
        assertThat(Mail.numbers(deliver(rig, Mail.row(105)))).containsExactly(105);
    }

    /** Such as one of an earlier session, told of late. */
    @Test
    void aRowThatIsNotInTheQueueHoldsNobodyUp() {
        assertThat(deliver(rig, Mail.row(105))).isEmpty();
        assertThat(rig.on(new Event.Drained())).containsExactly(new Effect.LoadQueue(100, SessionRig.QUEUE_PAGE));
        assertThat(rig.on(new Event.QueueLoaded(List.of(), false))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
        assertThat(Mail.numbers(deliver(rig, rows(101, 104)))).containsExactly(101, 102, 103, 104);
    }

    @Test
    void moreRowsThanAPageAreLeftInTheQueue() {
        var last = 100 + SessionRig.SEND_QUOTA + SessionRig.QUEUE_PAGE;
        assertThat(Mail.numbers(deliver(rig, rows(101, last + 2)))).containsExactly(101, 102, 103, 104);
        for (int seq = 101; seq < last - SessionRig.SEND_QUOTA; seq++)
            assertThat(ack(rig, seq)).hasSize(2);
        assertThat(ack(rig, last - SessionRig.SEND_QUOTA))
                .hasSize(3)
                .last()
                .isEqualTo(new Effect.LoadQueue(last, SessionRig.QUEUE_PAGE));
        var page = new Event.QueueLoaded(List.of(Mail.row(last + 1), Mail.row(last + 2)), false);
        assertThat(rig.on(page)).isEmpty();
        for (int seq = last - SessionRig.SEND_QUOTA + 1; seq < last; seq++) ack(rig, seq);
        assertThat(Mail.numbers(deliver(rig, Mail.row(last + 3)))).containsExactly(last + 3);
    }

    @Test
    void fewLargeRowsAreAsMuchAsManySmallOnes() {
        rig.room = false;
        for (int seq = 101; seq <= 104; seq++) {
            var message = Mail.message(seq, "t", Properties.NONE, Message.NEVER, 600);
            deliver(rig, new Delivery(message, TWO, false, List.of(), null, seq, false, false));
        }
        rig.room = true;
        var effects = rig.on(new Event.Drained());
        assertThat(Mail.numbers(effects)).containsExactly(101);
        assertThat(effects).contains(new Effect.LoadQueue(101, SessionRig.QUEUE_PAGE));
    }

    private static final int ALL = 1 << 20;

    @Test
    void rowsThatWaitTakeFromTheMemoryOfAll() {
        rig.room = false;
        deliver(rig, rows(101, 103));
        deliver(rig, Mail.row(105));
        assertThat(rig.memory.bytes()).isEqualTo(4L * Mail.row(101).message().bytes());
        rig.room = true;
        rig.on(new Event.Drained());
        assertThat(rig.memory.bytes()).as("a page is read").isEqualTo(Effect.LoadQueue.MOST_BYTES);
        rig.on(new Event.QueueFailed());
        assertThat(rig.memory.bytes()).isZero();
        rig.on(new Event.Drained());
        assertThat(rig.memory.bytes()).isEqualTo(Effect.LoadQueue.MOST_BYTES);
        rig.session.discard();
        rig.session.discard();
        assertThat(rig.memory.bytes()).isZero();
    }

    /** They are in PostgreSQL; a client that answers gets them, and waits for nobody. */
    @Test
    void noRowsWaitInMemoryThatOthersNeed() {
        rig.memory.add(ALL / 2);
        assertThat(Mail.numbers(deliver(rig, rows(101, 104)))).containsExactly(101, 102, 103, 104);
        assertThat(deliver(rig, rows(105, 109))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
        for (long seq = 105; seq < 109; seq++) {
            assertThat(ack(rig, seq - 1)).contains(new Effect.LoadQueue(seq - 1, 1));
            assertThat(rig.memory.bytes()).isEqualTo(ALL / 2);
            var page = new Event.QueueLoaded(List.of(Mail.row(seq)), true);
            var effects = rig.on(page);
            assertThat(Mail.numbers(effects)).containsExactly((int) seq);
            assertThat(effects).hasSize(1);
        }
        assertThat(ack(rig, 108)).contains(new Effect.LoadQueue(108, 1));
        rig.on(new Event.QueueFailed());
        for (int seq = 101; seq <= 103; seq++) ack(rig, seq);
        assertThat(rig.on(new Event.Drained())).containsExactly(new Effect.LoadQueue(108, 4));
        rig.on(new Event.QueueLoaded(List.of(Mail.row(109)), false));
        ack(rig, 109);
        assertThat(Mail.numbers(deliver(rig, Mail.row(110)))).containsExactly(110);
        assertThat(rig.memory.bytes()).isEqualTo(ALL / 2);
    }

    @Test
    void pagesAreReadAgainOnceThereIsMemory() {
        rig.memory.add(ALL / 2);
        deliver(rig, rows(101, 109));
        rig.memory.giveBack(1);
        assertThat(rig.on(new Event.Drained())).containsExactly(new Effect.LoadQueue(104, SessionRig.QUEUE_PAGE));
        rig.on(new Event.QueueLoaded(List.of(rows(105, 109)), false));
        assertThat(rig.memory.bytes())
                .isEqualTo(ALL / 2 - 1 + 5L * Mail.row(105).message().bytes());
        assertThat(Mail.numbers(ack(rig, 101))).containsExactly(105);
    }

    @Test
    void qos0OfADurableSessionIsInMemory() {
        deliver(rig, rows(101, 105));
        assertThat(Mail.numbers(deliver(rig, Mail.qos0(1)))).containsExactly(1);
        rig.room = false;
        for (int number = 1; number <= SessionRig.QUEUE_COUNT; number++)
            assertThat(deliver(rig, Mail.qos0(number))).isEmpty();
        assertThat(Mail.drops(deliver(rig, Mail.qos0(50)), Effect.Why.QUEUE_FULL))
                .containsExactly(50);
        rig.room = true;
        assertThat(Mail.numbers(rig.on(new Event.Drained()))).containsExactly(1, 2, 3);
    }

    @Test
    void anExpiredRowIsDoneWith() {
        deliver(rig, rows(101, 104));
        deliver(rig, Mail.expiring(Mail.row(105), rig.now + 10), Mail.row(106));
        rig.now += 10;
        var effects = ack(rig, 102);
        assertThat(Mail.drops(effects, Effect.Why.EXPIRED)).containsExactly(105);
        assertThat(effects).contains(new Effect.Acknowledge(105, 104));
        assertThat(Mail.numbers(effects)).containsExactly(106);
    }

    @Test
    void aRowThatIsTooLargeIsDoneWith() {
        var client = new SessionRig(ProtocolVersion.V5);
        var properties =
                Properties.NONE.with(Property.MAXIMUM_PACKET_SIZE, 30).with(Property.SESSION_EXPIRY_INTERVAL, 60);
        client.open(false, properties, new Event.SessionOpened(false, true, Collections.emptySortedMap(), LAST, false));
        var large = Mail.message(101, "t", Properties.NONE, Message.NEVER, 100);
        var row = new Delivery(large, TWO, false, List.of(), null, 101, false, false);
        assertThat(deliver(client, row))
                .containsExactly(new Effect.Drop(row, Effect.Why.TOO_LARGE), new Effect.Acknowledge(101, 0));
        assertThat(Mail.numbers(deliver(client, Mail.row(102)))).containsExactly(102);
    }

    private static final int IDENTIFIERS = 65_535;

    /** A client that never acknowledges the first message, and all others at once. */
    private static List<Effect> leavesOneUnacknowledged(SessionRig client, QoS qos) {
        deliver(client, Mail.row(LAST + 1, qos));
        for (long seq = LAST + 2; seq <= LAST + IDENTIFIERS; seq++) {
            assertThat(Mail.publishes(deliver(client, Mail.row(seq)))).hasSize(1);
            ack(client, seq);
        }
        return deliver(client, Mail.row(LAST + 1 + IDENTIFIERS, qos));
    }

    /** [MQTT-2.2.1-4] */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void anIdentifierThatIsNeverAcknowledgedStopsNoOtherMessage(QoS qos) {
        var effects = leavesOneUnacknowledged(rig, qos);
        var blocked = LAST + 1 + IDENTIFIERS;
        assertThat(effects).hasSize(1);
        var assigned = (Effect.AssignPacketId) effects.getFirst();
        assertThat(assigned.seq()).isEqualTo(blocked);
        assertThat(deliver(rig, Mail.row(blocked + 1)))
                .as("before the journal knows")
                .isEmpty();
        assertThat(rig.session.isWaiting()).isTrue();

        var sent = Mail.publishes(rig.on(new Event.PacketIdAssigned(blocked)));
        assertThat(sent)
                .extracting(Packet.Publish::packetId)
                .containsExactly(assigned.packetId(), id(blocked + 1))
                .doesNotContain(id(blocked));
        if (qos == TWO) {
            assertThat(rig.receives(new Packet.PubRec(assigned.packetId())))
                    .containsExactly(new Effect.MarkReceived(blocked));
            assertThat(rig.on(new Event.Marked(blocked)))
                    .containsExactly(SessionRig.send(new Packet.PubRel(assigned.packetId())));
            assertThat(rig.receives(new Packet.PubComp(assigned.packetId())))
                    .containsExactly(new Effect.Acknowledge(blocked, blocked + 1));
            assertThat(rig.receives(new Packet.PubRec(id(LAST + 1))))
                    .containsExactly(new Effect.MarkReceived(LAST + 1));
        } else {
            assertThat(rig.receives(new Packet.PubAck(assigned.packetId())))
                    .containsExactly(new Effect.Acknowledge(blocked, blocked + 1));
            assertThat(rig.receives(new Packet.PubAck(id(LAST + 1))))
                    .containsExactly(new Effect.Acknowledge(LAST + 1, blocked + 1));
        }
    }

    /** After a crash it is sent under the identifier that it had, and so it is when only its PUBREL is due. */
    @Test
    void aResumedRowKeepsTheIdentifierThatItWasGiven() {
        var client = SessionRig.durable(
                ProtocolVersion.V5, new Event.SessionOpened(true, true, Collections.emptySortedMap(), 2, true));
        var first = Mail.row(1, TWO);
        var second = Mail.row(2, TWO);
        var rows = List.of(
                new Delivery(first.message(), TWO, false, List.of(), null, 1, true, true, null, 40_000),
                new Delivery(second.message(), TWO, false, List.of(), null, 2, true, false, null, 50_000));
        var effects = client.on(new Event.QueueLoaded(rows, false));
        assertThat(effects).contains(SessionRig.send(new Packet.PubRel(40_000)));
        assertThat(Mail.publishes(effects)).extracting(Packet.Publish::packetId).containsExactly(50_000);
        assertThat(client.receives(new Packet.PubComp(40_000)))
                .hasOnlyElementsOfType(Effect.Acknowledge.class)
                .hasSize(1);
    }
}
