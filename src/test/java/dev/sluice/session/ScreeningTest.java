package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages that are looked at once more before they are sent, and are not. */
class ScreeningTest {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final Message MESSAGE = Mail.message(1, "t", Properties.NONE, Message.NEVER, 1);

    private final List<Receipt.Outcome> outcomes = new ArrayList<>();

    private static Delivery row(QoS qos, boolean dup, boolean received) {
        return row(1, qos, dup, received);
    }

    private static Delivery row(long seq, QoS qos, boolean dup, boolean received) {
        return new Delivery(MESSAGE, qos, false, List.of(), null, seq, dup, received);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsForbiddenIsDroppedAndItsSenderLearns(QoS qos) {
        var rig = SessionRig.online(V5);
        rig.screening = Screening.FORBIDDEN;
        var delivery = new Delivery(MESSAGE, qos, false, List.of(), null, 0, false, false, outcomes::add);
        var effects = rig.on(new Event.Deliver(delivery));
        assertThat(effects).first().isEqualTo(new Effect.Drop(delivery, Effect.Why.NOT_AUTHORIZED));
        assertThat(effects).noneMatch(it -> it instanceof Effect.Send);
        effects.forEach(it -> {
            if (it instanceof Effect.Settle(var receipt, var outcome)) receipt.settle(outcome);
        });
        assertThat(outcomes).containsExactly(Receipt.Outcome.TOO_LARGE);
        rig.screening = Screening.SEND;
        assertThat(rig.on(new Event.Deliver(Mail.of(MESSAGE, qos))))
                .singleElement()
                .isInstanceOf(Effect.Send.class);
    }

    @Test
    void aRowThatIsForbiddenIsDoneWith() {
        var rig = SessionRig.durable(V5);
        rig.screening = Screening.FORBIDDEN;
        var row = row(QoS.AT_LEAST_ONCE, false, false);
        assertThat(rig.on(new Event.Deliver(row)))
                .containsExactly(new Effect.Drop(row, Effect.Why.NOT_AUTHORIZED), new Effect.Acknowledge(1, 0));
    }

    /** The client may hold its identifier: it is released, and the message is not sent again. */
    @Test
    void whatWasSentBeforeAtQoS2IsReleased() {
        var rig = SessionRig.durable(V5);
        rig.screening = Screening.FORBIDDEN;
        var row = row(QoS.EXACTLY_ONCE, true, false);
        assertThat(rig.on(new Event.Deliver(row)))
                .containsExactly(new Effect.Drop(row, Effect.Why.NOT_AUTHORIZED), new Effect.MarkReceived(1));
        assertThat(rig.on(new Event.Marked(1)))
                .singleElement()
                .matches(it -> it instanceof Effect.Send(Packet.PubRel _));
    }

    /** After a kill, the quota bounds what counts as sent: no more may have lost its place before PostgreSQL knows. */
    @Test
    void noMoreIsReleasedThanTheQuotaBeforeTheJournalHasIt() {
        var rig = SessionRig.durable(V5);
        rig.screening = Screening.FORBIDDEN;
        for (long seq = 1; seq <= SessionRig.SEND_QUOTA; seq++)
            assertThat(rig.on(new Event.Deliver(row(seq, QoS.EXACTLY_ONCE, true, false))))
                    .contains(new Effect.MarkReceived(seq));
        var next = row(SessionRig.SEND_QUOTA + 1, QoS.EXACTLY_ONCE, true, false);
        assertThat(rig.on(new Event.Deliver(next))).isEmpty();
        assertThat(rig.on(new Event.Marked(1)))
                .contains(new Effect.Drop(next, Effect.Why.NOT_AUTHORIZED), new Effect.MarkReceived(next.seq()));
    }

    @Test
    void anExchangeThatWasReceivedGoesOn() {
        var rig = SessionRig.durable(V5);
        rig.screening = Screening.FORBIDDEN;
        assertThat(rig.on(new Event.Deliver(row(QoS.EXACTLY_ONCE, true, true))))
                .singleElement()
                .matches(it -> it instanceof Effect.Send(Packet.PubRel _));
    }

    /** It waited for the socket while the rules changed. */
    @Test
    void whatWaitsIsLookedAtWhenItIsSent() {
        var rig = SessionRig.online(V5);
        rig.room = false;
        var delivery = Mail.of(MESSAGE, QoS.AT_LEAST_ONCE);
        assertThat(rig.on(new Event.Deliver(delivery))).isEmpty();
        rig.screening = Screening.FORBIDDEN;
        rig.room = true;
        assertThat(rig.on(new Event.Drained())).containsExactly(new Effect.Drop(delivery, Effect.Why.NOT_AUTHORIZED));
    }
}
