package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SubscribeTest {
    private static Packet.Subscribe subscribe(int packetId) {
        var subscription = new Subscription("a/#", QoS.EXACTLY_ONCE, false, false, 0);
        return new Packet.Subscribe(packetId, List.of(subscription), Properties.NONE);
    }

    /** [MQTT-3.8.4-1] [MQTT-3.8.4-2] */
    @ParameterizedTest
    @EnumSource
    void aSubscribeIsAnsweredOnceItIsInForce(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        assertThat(rig.receives(subscribe(7))).containsExactly(new Effect.Subscribe(subscribe(7)));
        assertThat(rig.session.isWaiting()).isTrue();
        var reasons = List.of(ReasonCode.GRANTED_QOS_2);
        assertThat(rig.on(new Event.Subscribed(7, reasons, null)))
                .containsExactly(SessionRig.send(new Packet.SubAck(7, reasons, Properties.NONE)));
        assertThat(rig.session.isWaiting()).isFalse();
    }

    /** [MQTT-3.10.4-4] [MQTT-3.10.4-5] */
    @ParameterizedTest
    @EnumSource
    void anUnsubscribeIsAnsweredOnceItIsDone(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var unsubscribe = new Packet.Unsubscribe(8, List.of("a/#"), Properties.NONE);
        assertThat(rig.receives(unsubscribe)).containsExactly(new Effect.Unsubscribe(unsubscribe));
        assertThat(rig.session.isWaiting()).isTrue();
        var reasons = List.of(ReasonCode.NO_SUBSCRIPTION_EXISTED);
        assertThat(rig.on(new Event.Unsubscribed(8, reasons, null)))
                .containsExactly(SessionRig.send(new Packet.UnsubAck(8, reasons, Properties.NONE)));
        assertThat(rig.session.isWaiting()).isFalse();
    }

    @Test
    void everySubscribeIsWaitedFor() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.receives(subscribe(1));
        rig.receives(subscribe(2));
        rig.on(new Event.Subscribed(2, List.of(ReasonCode.SUCCESS), null));
        assertThat(rig.session.isWaiting()).isTrue();
    }

    @Test
    void nothingIsAnsweredOnceTheSessionIsClosed() {
        var rig = SessionRig.online(ProtocolVersion.V5);
        rig.receives(subscribe(1));
        rig.on(new Event.TransportClosed());
        assertThat(rig.on(new Event.Subscribed(1, List.of(ReasonCode.SUCCESS), null)))
                .isEmpty();
        assertThat(rig.on(new Event.Deliver(Mail.qos0(1)))).isEmpty();
        assertThat(rig.on(new Event.Drained())).isEmpty();
        assertThat(rig.session.isReady()).isFalse();
    }
}
