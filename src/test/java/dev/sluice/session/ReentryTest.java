package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import org.junit.jupiter.api.Test;

class ReentryTest {
    private final SessionRig rig = SessionRig.online(ProtocolVersion.V5);
    private final Event ping = new Event.Received(new Packet.PingReq());

    @Test
    void anEventFromWithinAnEffectIsRefused() {
        assertThatThrownBy(() -> rig.session.on(ping, _ -> rig.session.on(new Event.Drained(), _ -> {})))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Drained is told from within an effect");
    }

    @Test
    void theSessionGoesOnAfterThat() {
        assertThatThrownBy(() -> rig.session.on(ping, _ -> rig.session.on(ping, _ -> {})))
                .isInstanceOf(IllegalStateException.class);
        assertThat(rig.on(ping)).containsExactly(SessionRig.send(new Packet.PingResp()));
    }
}
