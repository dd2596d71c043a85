package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages in memory for a client whose socket takes no more for a while. */
class SlowClientTest {
    private static final Effect.Why FULL = Effect.Why.QUEUE_FULL;

    private static SessionRig congested(QueuePolicy policy) {
        var rig = SessionRig.online(ProtocolVersion.V5, SessionRig.limits(policy));
        rig.room = false;
        return rig;
    }

    private static List<Effect> deliver(SessionRig rig, Delivery... mail) {
        var effects = new ArrayList<Effect>();
        for (var delivery : mail) effects.addAll(rig.on(new Event.Deliver(delivery)));
        return effects;
    }

    private static List<Effect> drain(SessionRig rig) {
        rig.room = true;
        return rig.on(new Event.Drained());
    }

    @Test
    void messagesWaitForRoomAndKeepTheirOrder() {
        var rig = congested(QueuePolicy.DROP_NEWEST);
        assertThat(rig.session.isReady()).isFalse();
        assertThat(deliver(rig, Mail.qos0(1), Mail.qos1(2), Mail.qos0(3))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
        rig.room = true;
        assertThat(rig.session.isReady()).isFalse();
        assertThat(deliver(rig, Mail.qos0(4))).hasExactlyElementsOfTypes(Effect.Drop.class);
        var sent = Mail.numbers(drain(rig));
        assertThat(sent).containsExactlyInAnyOrder(1, 2, 3).containsSubsequence(1, 3);
        assertThat(rig.session.isReady()).isTrue();
    }

    @Test
    void drainingStopsWhenTheSocketIsFullAgain() {
        var rig = congested(QueuePolicy.DROP_NEWEST);
        deliver(rig, Mail.qos0(1), Mail.qos0(2), Mail.qos0(3));
        rig.room = true;
        var sent = new ArrayList<Effect>();
        rig.session.on(new Event.Drained(), effect -> {
            sent.add(effect);
            rig.room = sent.size() < 2;
        });
        assertThat(Mail.numbers(sent)).containsExactly(1, 2);
        assertThat(Mail.numbers(drain(rig))).containsExactly(3);
    }

    @ParameterizedTest
    @EnumSource
    void aFullQueueDropsWhatThePolicySays(QueuePolicy policy) {
        var rig = congested(policy);
        assertThat(deliver(rig, Mail.qos1(1), Mail.qos0(2), Mail.qos2(3))).isEmpty();
        var dropped = deliver(rig, Mail.qos1(4), Mail.qos1(5), Mail.qos0(6));
        switch (policy) {
            case DROP_NEWEST -> assertThat(Mail.drops(dropped, FULL)).containsExactly(4, 5, 6);
            case DROP_OLDEST -> assertThat(Mail.drops(dropped, FULL)).containsExactly(1, 2, 3);
            case DROP_QOS0_FIRST -> assertThat(Mail.drops(dropped, FULL)).containsExactly(2, 5, 6);
        }
        var sent = Mail.numbers(drain(rig));
        switch (policy) {
            case DROP_NEWEST -> assertThat(sent).containsExactly(1, 3, 2);
            case DROP_OLDEST -> assertThat(sent).containsExactly(4, 5, 6);
            case DROP_QOS0_FIRST -> assertThat(sent).containsExactly(1, 3, 4);
        }
    }

    private static Delivery large(int number, QoS qos, int bytes) {
        var around = Mail.message(number).bytes() - 1;
        return Mail.of(Mail.message(number, "t", Properties.NONE, Message.NEVER, bytes - around), qos);
    }

    @ParameterizedTest
    @EnumSource
    void theBoundCountsBytesToo(QueuePolicy policy) {
        var rig = congested(policy);
        deliver(rig, large(1, QoS.AT_MOST_ONCE, 400), large(2, QoS.AT_MOST_ONCE, 600));
        var half = deliver(rig, large(3, QoS.AT_LEAST_ONCE, 401));
        var whole = deliver(rig, large(4, QoS.AT_LEAST_ONCE, SessionRig.QUEUE_BYTES));
        var tooMuch = deliver(rig, large(5, QoS.AT_MOST_ONCE, SessionRig.QUEUE_BYTES + 1));
        switch (policy) {
            case DROP_NEWEST -> assertThat(Mail.drops(half, FULL)).containsExactly(3);
            case DROP_OLDEST, DROP_QOS0_FIRST ->
                assertThat(Mail.drops(half, FULL)).containsExactly(1, 2);
        }
        assertThat(Mail.drops(whole, FULL))
                .containsExactlyElementsOf(policy == QueuePolicy.DROP_OLDEST ? List.of(3) : List.of(4));
        assertThat(Mail.drops(tooMuch, FULL)).containsExactly(5);
    }

    /** A client may subscribe with a thousand of them, and each message that waits has them all. */
    @Test
    void subscriptionIdentifiersTakeRoomToo() {
        var rig = congested(QueuePolicy.DROP_NEWEST);
        var identifiers = IntStream.rangeClosed(1, 30).boxed().toList();
        var one = new Delivery(Mail.message(1), QoS.AT_LEAST_ONCE, false, identifiers, null, 0, false, false);
        assertThat(deliver(rig, one)).isEmpty();
        assertThat(rig.memory.bytes()).isEqualTo(one.message().bytes() + 30 * 24);
        assertThat(Mail.drops(deliver(rig, one), FULL)).containsExactly(1);
        drain(rig);
        assertThat(rig.memory.bytes()).isZero();
    }

    @Test
    void whatWaitsTooLongExpires() {
        var rig = congested(QueuePolicy.DROP_NEWEST);
        deliver(rig, Mail.expiring(Mail.qos0(1), rig.now + 1000), Mail.expiring(Mail.qos1(2), rig.now + 1001));
        rig.now += 1000;
        var effects = drain(rig);
        assertThat(Mail.drops(effects, Effect.Why.EXPIRED)).containsExactly(1);
        assertThat(Mail.numbers(effects)).containsExactly(2);
    }

    private static Delivery shared(int number, int bytes) {
        return Mail.shared(large(number, QoS.AT_LEAST_ONCE, bytes));
    }

    /** They are kept for other members of the Shared Subscription. */
    @Test
    void whatAClientLeavesUnansweredIsBoundedInBytes() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        var size = SessionRig.QUEUE_BYTES - 1;
        assertThat(Mail.numbers(deliver(rig, shared(1, size)))).containsExactly(1);
        assertThat(rig.memory.bytes()).isEqualTo(size);
        assertThat(Mail.numbers(deliver(rig, shared(2, 500)))).containsExactly(2);
        assertThat(rig.session.isReady()).isFalse();
        assertThat(deliver(rig, shared(3, 500))).isEmpty();
        assertThat(Mail.drops(deliver(rig, shared(4, 501)), FULL)).containsExactly(4);
        assertThat(rig.memory.bytes()).isEqualTo(size + 500 + 500);

        assertThat(Mail.numbers(rig.receives(new Packet.PubAck(1)))).containsExactly(3);
        assertThat(rig.session.isReady()).isFalse();
        rig.receives(new Packet.PubAck(2));
        assertThat(rig.session.isReady()).isTrue();
        assertThat(rig.memory.bytes()).isEqualTo(500);
        rig.receives(new Packet.PubAck(3));
        assertThat(rig.memory.bytes()).isZero();
    }

    /** However much others have: a client that answers gets the next one. */
    @Test
    void oneMessageMayBeUnansweredWithoutRoomForIt() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        assertThat(rig.memory.take(1 << 20)).isTrue();
        for (int number = 1; number < 10; number++) {
            assertThat(Mail.numbers(deliver(rig, shared(number, 5000)))).containsExactly(number);
            assertThat(Mail.drops(deliver(rig, shared(100, 100)), Effect.Why.MEMORY_FULL))
                    .containsExactly(100);
            rig.receives(new Packet.PubAck(number));
        }
        assertThat(rig.memory.bytes()).isEqualTo(1 << 20);
    }

    @Test
    void whatIsUnansweredAtTheEndTakesNoRoomAnyMore() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        deliver(rig, shared(1, 100), shared(2, 200));
        assertThat(rig.memory.bytes()).isEqualTo(300);
        rig.on(new Event.TransportClosed());
        rig.session.discard();
        rig.session.discard();
        assertThat(rig.memory.bytes()).isZero();
    }

    @Test
    void whatASharedSubscriptionChoseItForIsReturnedUnsent() {
        var rig = congested(QueuePolicy.DROP_NEWEST);
        var mail = List.of(Mail.shared(Mail.qos1(1)), Mail.shared(Mail.qos2(2)), Mail.shared(Mail.qos0(3)));
        mail.forEach(delivery -> deliver(rig, delivery));
        assertThat(rig.on(new Event.TransportClosed())).contains(new Effect.Return(mail.subList(0, 2)));
    }

    /** Many clients that each stay within their bounds must not fill the heap together. */
    @Test
    void whatWaitsForAllClientsIsBounded() {
        var rig = congested(QueuePolicy.DROP_NEWEST);
        var one = Mail.qos0(1);
        var size = one.message().bytes();
        assertThat(rig.memory.take((1 << 20) - 2L * size)).isTrue();
        assertThat(deliver(rig, one, Mail.qos1(2))).isEmpty();
        assertThat(rig.memory.bytes()).isEqualTo(1 << 20);
        assertThat(Mail.drops(deliver(rig, Mail.qos0(3)), Effect.Why.MEMORY_FULL))
                .containsExactly(3);
        drain(rig);
        assertThat(rig.memory.bytes()).isEqualTo((1 << 20) - 2L * size);
        rig.room = false;
        deliver(rig, Mail.qos0(4));
        rig.session.discard();
        rig.session.discard();
        assertThat(rig.memory.bytes()).isEqualTo((1 << 20) - 2L * size);
    }
}
