package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Receipt.Outcome;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whoever has a receipt of a message is told once what becomes of it. */
class ReceiptTest {
    private final List<Outcome> told = new ArrayList<>();
    private final Receipt receipt = told::add;

    private Delivery asked(Delivery delivery) {
        return new Delivery(
                delivery.message(), delivery.qos(), false, List.of(), delivery.share(), 0, false, false, receipt);
    }

    /** The effects, and what they tell is told. */
    private List<Effect> on(SessionRig rig, Event event) {
        var effects = rig.on(event);
        for (var effect : effects) if (effect instanceof Effect.Settle(var to, var outcome)) to.settle(outcome);
        return effects;
    }

    private List<Effect> deliver(SessionRig rig, Delivery delivery) {
        return on(rig, new Event.Deliver(asked(delivery)));
    }

    private List<Effect> receives(SessionRig rig, Packet packet) {
        return on(rig, new Event.Received(packet));
    }

    @ParameterizedTest
    @EnumSource
    void anAnswerEndsIt(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        deliver(rig, Mail.qos0(1));
        assertThat(told).containsExactly(Outcome.DELIVERED);
        deliver(rig, Mail.qos1(2));
        assertThat(told).hasSize(1);
        receives(rig, new Packet.PubAck(1));
        assertThat(told).containsExactly(Outcome.DELIVERED, Outcome.DELIVERED);
        on(rig, new Event.TransportClosed());
        assertThat(told).hasSize(2);
    }

    @Test
    void pubRecEndsItAtQoS2() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        deliver(rig, Mail.qos2(1));
        receives(rig, new Packet.PubRec(1));
        assertThat(told).containsExactly(Outcome.DELIVERED);
        receives(rig, new Packet.PubComp(1));
        on(rig, new Event.TransportClosed());
        assertThat(told).hasSize(1);
    }

    @Test
    void aRefusalIsAnAnswer() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        deliver(rig, Mail.qos1(1));
        deliver(rig, Mail.qos2(2));
        receives(rig, new Packet.PubAck(1, ReasonCode.NOT_AUTHORIZED, Properties.NONE));
        receives(rig, new Packet.PubRec(2, ReasonCode.NOT_AUTHORIZED, Properties.NONE));
        assertThat(told).containsExactly(Outcome.REJECTED, Outcome.REJECTED);
    }

    @Test
    void whatIsNotAnsweredIsLostWithTheSession() {
        for (var end : List.of(
                new Event.TransportClosed(),
                new Event.Received(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE)),
                new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "elsewhere"))) {
            told.clear();
            var rig = SessionRig.online(ProtocolVersion.V5);
            for (int i = 1; i <= SessionRig.SEND_QUOTA; i++) deliver(rig, i % 2 == 0 ? Mail.qos1(i) : Mail.qos2(i));
            deliver(rig, Mail.qos1(9));
            rig.room = false;
            deliver(rig, Mail.qos0(10));
            assertThat(told).isEmpty();
            on(rig, end);
            assertThat(told).hasSize(SessionRig.SEND_QUOTA + 2).containsOnly(Outcome.LOST);
            deliver(rig, Mail.qos1(11));
            assertThat(told).hasSize(SessionRig.SEND_QUOTA + 3).containsOnly(Outcome.LOST);
        }
    }

    /** A session whose queue is in PostgreSQL has QoS 0 messages in memory. */
    @Test
    void soIsWhatIsInMemoryOfADurableSession() {
        var rig = SessionRig.durable(ProtocolVersion.V5);
        rig.room = false;
        deliver(rig, Mail.qos0(1));
        on(rig, new Event.TransportClosed());
        assertThat(told).containsExactly(Outcome.LOST);
    }

    @Test
    void whatAFullQueueDropsIsLost() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.room = false;
        for (int i = 0; i < SessionRig.QUEUE_COUNT; i++) deliver(rig, Mail.qos1(i));
        var effects = deliver(rig, Mail.qos1(9));
        assertThat(effects).hasExactlyElementsOfTypes(Effect.Drop.class, Effect.Settle.class);
        assertThat(told).containsExactly(Outcome.LOST);
    }

    @Test
    void whatIsTooLateIsExpired() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        deliver(rig, Mail.expiring(Mail.qos1(1), rig.now));
        assertThat(told).containsExactly(Outcome.EXPIRED);
    }

    @Test
    void whatIsTooLargeIsSaid() {
        var rig = SessionRig.online(ProtocolVersion.V5, Properties.NONE.with(Property.MAXIMUM_PACKET_SIZE, 60));
        deliver(rig, Mail.of(Mail.message(1, "t", Properties.NONE, Long.MAX_VALUE, 100), QoS.AT_LEAST_ONCE));
        assertThat(told).containsExactly(Outcome.TOO_LARGE);
    }

    /** Its sender finds another member. */
    @Test
    void whatHasAReceiptIsNotReturnedToItsSharedSubscription() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        for (int i = 1; i <= SessionRig.SEND_QUOTA + 1; i++) deliver(rig, Mail.shared(Mail.qos1(i)));
        var effects = on(rig, new Event.TransportClosed());
        assertThat(effects).noneMatch(Effect.Return.class::isInstance);
        assertThat(told).hasSize(SessionRig.SEND_QUOTA + 1).containsOnly(Outcome.LOST);
    }
}
