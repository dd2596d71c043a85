package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.topic.TopicName;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is held of a client that may not publish now, and what is not. */
class HoldTest {
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private static Packet.Publish large(QoS qos, int packetId) {
        return sized(qos, packetId, SessionRig.HELD_BYTES);
    }

    private static Packet.Publish sized(QoS qos, int packetId, int payload) {
        var properties = Properties.NONE;
        return new Packet.Publish(false, qos, false, TopicName.of("t"), packetId, properties, new byte[payload]);
    }

    @ParameterizedTest
    @EnumSource
    void onlyPublishesWaitWhileKafkaHasNoRoom(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        rig.receivesQoS1(1);
        rig.mayPublish = false;
        var zero = SessionRig.publish(ZERO, 0);
        var two = SessionRig.publish(TWO, 2);
        assertThat(rig.receives(zero)).isEmpty();
        assertThat(rig.receives(two)).isEmpty();
        assertThat(rig.receives(new Packet.PingReq())).containsExactly(SessionRig.send(new Packet.PingResp()));
        var subscribe = new Packet.Subscribe(3, List.of(new Subscription("t", ONE, false, false, 0)), Properties.NONE);
        assertThat(rig.receives(subscribe)).containsExactly(new Effect.Subscribe(subscribe));
        assertThat(rig.forwarded(ONE, 1)).containsExactly(SessionRig.pubAck(1));
        assertThat(rig.session.wantsMore()).isTrue();
        assertThat(rig.held.bytes()).isPositive();

        rig.mayPublish = true;
        assertThat(rig.session.canResume()).isTrue();
        assertThat(rig.on(new Event.Resumed())).containsExactly(SessionRig.forward(zero), SessionRig.forward(two));
        assertThat(rig.session.isHolding()).isFalse();
        assertThat(rig.held.bytes()).isZero();
    }

    /** Its connection could end while it is held. */
    @ParameterizedTest
    @EnumSource
    void aTokenThatIsHeldIsShownAtOnce(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        rig.mayPublish = false;
        var token = new Packet.Publish(false, ONE, false, TopicName.RENEWAL, 1, Properties.NONE, new byte[9]);
        assertThat(rig.receives(SessionRig.publish(ZERO, 0))).isEmpty();
        assertThat(rig.receives(token)).containsExactly(new Effect.Renew(token));
        rig.mayPublish = true;
        assertThat(rig.on(new Event.Resumed())).hasSize(2).endsWith(SessionRig.forward(token));
    }

    @Test
    void theExpiryCountsFromTheReceipt() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.mayPublish = false;
        rig.receivesQoS2(1);
        rig.now += 60_000;
        rig.mayPublish = true;
        assertThat(rig.on(new Event.Resumed())).containsExactly(SessionRig.forward(SessionRig.publish(TWO, 1)));
        rig.now += 60_000;
        assertThat(rig.forwarded(TWO, 1))
                .containsExactly(new Effect.Accept(SessionRig.publish(TWO, 1), SessionRig.NOW, "id1"));
    }

    @ParameterizedTest
    @EnumSource
    void aClientIsNotReadOnAboveTheBoundInBytes(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        rig.mayPublish = false;
        assertThat(rig.receives(large(ZERO, 0))).isEmpty();
        assertThat(rig.session.wantsMore()).isFalse();
        rig.mayPublish = true;
        assertThat(rig.on(new Event.Resumed())).hasSize(1);
        assertThat(rig.session.wantsMore()).isTrue();
    }

    /** Others hold as much as all may together. */
    private static SessionRig besidesGreedyClients(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        rig.held.add(10 * SessionRig.HELD_BYTES);
        return rig;
    }

    @ParameterizedTest
    @EnumSource
    void aClientThatHoldsLittleIsReadOnWhateverOthersHold(ProtocolVersion version) {
        var rig = besidesGreedyClients(version);
        assertThat(rig.session.wantsMore()).as("one that publishes nothing").isTrue();
        rig.receivesQoS1(1);
        rig.mayPublish = false;
        assertThat(rig.receives(sized(ZERO, 0, 200))).isEmpty();
        assertThat(rig.receives(sized(ONE, 2, 200))).isEmpty();
        assertThat(rig.session.wantsMore()).isTrue();
        assertThat(rig.receives(new Packet.PingReq())).containsExactly(SessionRig.send(new Packet.PingResp()));
        assertThat(rig.forwarded(ONE, 1)).containsExactly(SessionRig.pubAck(1));
        assertThat(rig.receives(BYE)).contains(new Effect.Finish(false)).noneMatch(Effect.Abandon.class::isInstance);
    }

    @Test
    void allClientsTogetherHaveABoundAndASmallReserveEach() {
        var rig = besidesGreedyClients(ProtocolVersion.V5);
        rig.mayPublish = false;
        var others = rig.held.bytes();
        for (int i = 0; i < 100 && rig.session.wantsMore(); i++) rig.receives(sized(ZERO, 0, 800));
        assertThat(rig.session.wantsMore()).isFalse();
        assertThat(rig.held.bytes() - others)
                .isGreaterThanOrEqualTo(HeldPublishes.RESERVE)
                .isLessThan(2 * HeldPublishes.RESERVE);
        rig.held.add(-others);
        assertThat(rig.session.wantsMore()).as("there is room again").isTrue();
    }

    /** Each of 50,000 clients could hold one of a megabyte. */
    @ParameterizedTest
    @EnumSource
    void aLargeMessageIsNotHeldOnceAllTogetherHoldTooMuch(ProtocolVersion version) {
        var rig = besidesGreedyClients(version);
        var others = rig.held.bytes();
        var large = sized(ONE, 1, HeldPublishes.RESERVE);
        assertThat(rig.receives(large)).as("it need not be held").containsExactly(SessionRig.forward(large));
        rig.mayPublish = false;
        rig.receivesQoS1(2);
        var effects = rig.receives(sized(ONE, 3, HeldPublishes.RESERVE));
        assertThat(SessionRig.ends(effects)).containsOnly(ReasonCode.SERVER_BUSY);
        assertThat(effects).contains(new Effect.Exceeded("bytes-held"), new Effect.Abandon(1));
        assertThat(rig.held.bytes()).isEqualTo(others);
    }

    /** Its library sends all again after it has connected anew. */
    @ParameterizedTest
    @EnumSource
    void whatIsAboveTheReceiveMaximumWaits(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        for (int id = 1; id <= SessionRig.RECEIVE_MAXIMUM; id++) rig.receivesQoS1(id);
        assertThat(rig.receivesQoS1(98)).isEmpty();
        assertThat(rig.receivesQoS1(99)).isEmpty();
        assertThat(rig.session.wantsMore()).isTrue();
        assertThat(rig.forwarded(ONE, 1))
                .containsExactly(SessionRig.pubAck(1), SessionRig.forward(SessionRig.publish(ONE, 98)));
        assertThat(rig.forwarded(ONE, 2))
                .containsExactly(SessionRig.pubAck(2), SessionRig.forward(SessionRig.publish(ONE, 99)));
    }

    /** [MQTT-3.3.4-7] */
    @Test
    void moreThanTheReceiveMaximumAndThanCanBeHeldEndsTheConnection() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.receivesQoS2(1);
        rig.taken(1);
        for (int id = 2; id <= SessionRig.RECEIVE_MAXIMUM; id++) rig.receivesQoS1(id);
        var reason = ReasonCode.RECEIVE_MAXIMUM_EXCEEDED;
        var effects = rig.receives(large(ONE, 99));
        assertThat(SessionRig.ends(effects)).containsExactly(reason, reason);
        assertThat(effects).contains(new Effect.Abandon(1));
        assertThat(rig.held.bytes()).isZero();
    }

    @Test
    void aClientWithinItsReceiveMaximumIsNotReadAndNotThrownOut() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.mayPublish = false;
        assertThat(rig.receives(large(ONE, 1))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
        assertThat(rig.session.wantsMore()).isFalse();
    }

    /** What is not read might be the PUBRELs that are waited for, when other clients fill the memory. */
    @Test
    void aClientAboveItsReceiveMaximumDoesNotWaitForOtherClients() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        for (int id = 1; id <= SessionRig.RECEIVE_MAXIMUM; id++) rig.receivesQoS2(id);
        rig.receives(sized(TWO, 99, HeldPublishes.RESERVE));
        assertThat(rig.on(new Event.Drained())).isEmpty();
        rig.held.add(10 * SessionRig.HELD_BYTES);
        assertThat(SessionRig.ends(rig.on(new Event.Drained()))).contains(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
    }

    private static SessionRig withUnreleased(int count) {
        var rig = SessionRig.online(ProtocolVersion.V3_1_1);
        for (int id = 1; id <= count; id++) {
            rig.receivesQoS2(id);
            rig.taken(id);
        }
        return rig;
    }

    @Test
    void theExchangesThatAnMqtt3ClientDoesNotReleaseAreBounded() {
        var rig = withUnreleased(SessionRig.UNRELEASED_MAXIMUM);
        assertThat(rig.receivesQoS2(99)).isEmpty();
        assertThat(rig.receives(new Packet.PubRel(1)))
                .containsExactly(SessionRig.pubComp(1), SessionRig.forward(SessionRig.publish(TWO, 99)));
    }

    @Test
    void anMqtt3ClientThatReleasesNothingIsClosedWhenNoMoreCanBeHeld() {
        var rig = withUnreleased(SessionRig.UNRELEASED_MAXIMUM);
        assertThat(SessionRig.ends(rig.receives(large(TWO, 99)))).containsExactly(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
    }

    private static final Packet.Disconnect BYE = new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE);

    @ParameterizedTest
    @EnumSource
    void whatWasReadAheadOfADisconnectGoesOnAndIsNotAnswered(ProtocolVersion version) {
        var rig = SessionRig.durable(version);
        rig.mayPublish = false;
        var publishes = List.of(SessionRig.publish(ZERO, 0), SessionRig.publish(ONE, 1), SessionRig.publish(TWO, 2));
        publishes.forEach(rig::receives);
        assertThat(rig.receives(BYE)).contains(new Effect.Finish(true)).noneMatch(Effect.Abandon.class::isInstance);
        assertThat(rig.on(new Event.TransportClosed())).isEmpty();
        assertThat(rig.session.discard()).isZero();
        assertThat(rig.session.isWaiting()).isTrue();

        rig.mayPublish = true;
        assertThat(rig.on(new Event.Resumed()))
                .containsExactlyElementsOf(
                        publishes.stream().map(SessionRig::forward).toList());
        assertThat(rig.forwarded(ONE, 1)).isEmpty();
        assertThat(rig.forwarded(TWO, 2)).hasExactlyElementsOfTypes(Effect.Accept.class);
        assertThat(rig.accepted(2)).isEmpty();
        assertThat(rig.session.isWaiting()).isFalse();
    }

    /** Nobody sends the PUBRELs that would make room. */
    @Test
    void moreThanTheReceiveMaximumGoesOnAfterADisconnect() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        for (int id = 1; id <= 2 * SessionRig.RECEIVE_MAXIMUM; id++) rig.receivesQoS2(id);
        rig.receives(BYE);
        for (int id = 1; id <= 2 * SessionRig.RECEIVE_MAXIMUM; id++) rig.taken(id);
        assertThat(rig.session.isWaiting()).isFalse();
    }

    @Test
    void theNextConnectionDoesNotEndWhatTheLastOneHasToFinish() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.mayPublish = false;
        rig.receivesQoS1(1);
        rig.receives(BYE);
        assertThat(rig.on(new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "it is back")))
                .isEmpty();
        assertThat(rig.on(new Event.Ended(ReasonCode.SERVER_SHUTTING_DOWN, "cut")))
                .containsExactly(new Effect.Abandon(1));
        assertThat(rig.session.phase()).isInstanceOf(Phase.Closed.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsHeldOfALostClientIsCounted(boolean socketClosed) {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.mayPublish = false;
        rig.receivesQoS1(1);
        rig.receives(SessionRig.publish(ZERO, 0));
        var end = socketClosed ? new Event.TransportClosed() : new Event.Ended(ReasonCode.SERVER_BUSY, "late");
        assertThat(rig.on(end)).contains(new Effect.Abandon(2));
        assertThat(rig.held.bytes()).isZero();
        assertThat(rig.session.isHolding()).isFalse();
    }
}
