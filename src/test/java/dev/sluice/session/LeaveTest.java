package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A client that is to go as soon as nothing is half done. */
class LeaveTest {
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;
    private static final Event.Leave LEAVE = new Event.Leave(ReasonCode.MAXIMUM_CONNECT_TIME, "old");

    private static boolean isDone(SessionRig rig) {
        return !rig.session.isWaiting() && rig.session.isBetweenExchanges();
    }

    @ParameterizedTest
    @EnumSource
    void nothingHappensBeforeItIsToldItsEnd(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        assertThat(rig.on(LEAVE)).isEmpty();
        assertThat(rig.session.phase()).isEqualTo(new Phase.Online(LEAVE));
        assertThat(rig.on(new Event.Leave(ReasonCode.SERVER_SHUTTING_DOWN, "another")))
                .isEmpty();
        assertThat(rig.session.phase()).isEqualTo(new Phase.Online(LEAVE));
        assertThat(isDone(rig)).isTrue();
        assertThat(rig.receives(new Packet.PingReq())).containsExactly(SessionRig.send(new Packet.PingResp()));
        var reason = ReasonCode.MAXIMUM_CONNECT_TIME;
        assertThat(SessionRig.ends(rig.on(LEAVE.end())))
                .isEqualTo(version.isV5() ? List.of(reason, reason) : List.of(reason));
    }

    @Test
    void whatWasPublishedIsAnsweredAndNothingThatFollows() {
        var rig = SessionRig.durable(ProtocolVersion.V5);
        rig.receivesQoS1(1);
        rig.receivesQoS2(2);
        rig.on(LEAVE);
        for (var qos : QoS.values())
            assertThat(rig.receives(SessionRig.publish(qos, 3))).containsExactly(new Effect.Abandon(1));
        assertThat(rig.receives(new Packet.Subscribe(4, List.of(), Properties.NONE)))
                .isEmpty();
        assertThat(rig.receives(new Packet.Unsubscribe(5, List.of("t"), Properties.NONE)))
                .isEmpty();
        assertThat(isDone(rig)).isFalse();
        assertThat(rig.forwarded(ONE, 1)).containsExactly(SessionRig.pubAck(1));
        assertThat(rig.taken(2)).containsExactly(SessionRig.pubRec(2));
        assertThat(rig.session.isWaiting()).isFalse();
        assertThat(isDone(rig)).as("with a PUBREL that is still to come").isFalse();
        rig.receives(new Packet.PubRel(2));
        assertThat(rig.on(new Event.Forgotten(2))).containsExactly(SessionRig.pubComp(2));
        assertThat(isDone(rig)).isTrue();
    }

    @Test
    void aPubRecOfAnEarlierConnectionIsNotWaitedFor() {
        var rig = SessionRig.durable(ProtocolVersion.V5, 7);
        rig.on(LEAVE);
        assertThat(isDone(rig)).isTrue();
    }

    @Test
    void exchangesThatHaveBegunGoOnAndFurtherRowsStayInTheQueue() {
        var rig = SessionRig.durable(ProtocolVersion.V5);
        rig.on(new Event.Deliver(Mail.row(1, TWO)));
        rig.on(LEAVE);
        assertThat(isDone(rig)).isFalse();
        assertThat(rig.session.isReady()).isFalse();
        assertThat(rig.on(new Event.Deliver(Mail.row(2)))).isEmpty();
        assertThat(rig.on(new Event.Queued(9))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
        assertThat(rig.receives(new Packet.PubRec(2))).containsExactly(new Effect.MarkReceived(1));
        assertThat(rig.on(new Event.Marked(1))).containsExactly(SessionRig.send(new Packet.PubRel(2)));
        assertThat(isDone(rig)).isFalse();
        assertThat(rig.receives(new Packet.PubComp(2))).containsExactly(new Effect.Acknowledge(1, 1));
        assertThat(isDone(rig)).isTrue();
    }

    /** What PostgreSQL does not keep for it would be lost otherwise. */
    @Test
    void aClientWithoutAQueueStillGetsMessages() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.on(LEAVE);
        assertThat(Mail.publishes(rig.on(new Event.Deliver(Mail.qos1(1))))).hasSize(1);
        assertThat(isDone(rig)).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void aClientThatIsNotOnlineYetGoesAtOnce(ProtocolVersion version) {
        var rig = new SessionRig(version);
        rig.receives(rig.connect("c1", true));
        assertThat(SessionRig.ends(rig.on(LEAVE))).last().isEqualTo(ReasonCode.MAXIMUM_CONNECT_TIME);
        assertThat(new SessionRig(version).on(LEAVE)).containsExactly(new Effect.Close(LEAVE.reason(), LEAVE.why()));
    }
}
