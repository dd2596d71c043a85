package dev.sluice.broker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TraceTextTest {
    private static final Properties SECRETS = Properties.NONE
            .with(Property.AUTHENTICATION_DATA, "secret".getBytes(UTF_8))
            .with(Property.CONTENT_TYPE, "secret")
            .withUserProperty("secret", "secret");
    private static final Packet.Connect CONNECT =
            new Packet.Connect(ProtocolVersion.V5, true, 60, "d1", null, "secret", "secret".getBytes(UTF_8), SECRETS);
    private static final Packet.Publish PUBLISH = new Packet.Publish(
            true, QoS.AT_LEAST_ONCE, false, TopicName.of("a/b\n"), 7, SECRETS, "secret".getBytes(UTF_8));

    @AfterEach
    void stop() {
        ClientTrace.stop("d1");
    }

    @Test
    void saysWhatHappenedAndNothingThatIsNobodysBusiness() {
        assertThat(TraceText.of(new Event.Received(CONNECT)))
                .isEqualTo(
                        "received CONNECT V5 clean-start=true keep-alive=60 s will=false username=true password=true with"
                                + " CONTENT_TYPE, AUTHENTICATION_DATA, 1 x USER_PROPERTY");
        assertThat(TraceText.of(new Effect.Forward(PUBLISH, 0)))
                .isEqualTo("forward to Kafka PUBLISH a/b? qos=1 id=7 dup payload=6 bytes with CONTENT_TYPE,"
                        + " AUTHENTICATION_DATA, 1 x USER_PROPERTY");
        assertThat(TraceText.of(new Effect.Send(new Packet.PubAck(7)))).isEqualTo("send PUBACK id=7 SUCCESS");
        assertThat(TraceText.of(new Event.Ended(ReasonCode.SERVER_BUSY, "x".repeat(2000))))
                .hasSize(1003);
    }

    @Test
    void onlyTheClientThatIsTracedHasItsEffectsNoted() {
        var performed = new ArrayList<Effect>();
        Consumer<Effect> perform = performed::add;
        assertThat(ClientTrace.of("d1", new Event.Drained(), perform)).isSameAs(perform);
        ClientTrace.start("d1", Duration.ofMinutes(1));
        assertThat(ClientTrace.all()).containsOnlyKeys("d1");
        assertThat(ClientTrace.of("d2", new Event.Drained(), perform)).isSameAs(perform);
        assertThat(ClientTrace.of(null, new Event.Drained(), perform)).isSameAs(perform);
        var noting = ClientTrace.of(null, new Event.Received(CONNECT), perform);
        assertThat(noting).isNotSameAs(perform);
        var effect = new Effect.Forget(1);
        noting.accept(effect);
        assertThat(performed).isEqualTo(List.of(effect));
    }

    @Test
    void aTraceEndsByItself() {
        ClientTrace.start("d1", Duration.ofSeconds(-1));
        Consumer<Effect> perform = _ -> {};
        assertThat(ClientTrace.of("d1", new Event.Drained(), perform)).isSameAs(perform);
        assertThat(ClientTrace.all()).isEmpty();
        assertThat(ClientTrace.stop("d1")).isFalse();
    }
}
