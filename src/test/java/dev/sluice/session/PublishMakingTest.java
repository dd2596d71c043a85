package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.PacketWriter;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How messages become PUBLISHes: properties, expiry, size, aliases. */
class PublishMakingTest {
    private final SessionRig v5 = SessionRig.online(ProtocolVersion.V5);

    private static List<Effect> deliver(SessionRig rig, Message message) {
        return rig.on(new Event.Deliver(Mail.of(message, QoS.AT_MOST_ONCE)));
    }

    private static Packet.Publish sent(SessionRig rig, Message message) {
        return Mail.publishes(deliver(rig, message)).getFirst();
    }

    private static SessionRig limited(Property property, long value) {
        return SessionRig.online(ProtocolVersion.V5, Properties.NONE.with(property, value));
    }

    /** [MQTT-3.3.2-4] and following; [MQTT-3.3.4-3] */
    @ParameterizedTest
    @EnumSource
    void onlyVersion5IsSentProperties(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var properties = Properties.NONE.with(Property.CONTENT_TYPE, "json").withUserProperty("a", "b");
        var message = Mail.message(1, "t", properties, rig.now + 5000, 1);
        var delivery = new Delivery(message, QoS.AT_MOST_ONCE, false, List.of(3, 9), null, 0, false, false);
        var sent =
                Mail.publishes(rig.on(new Event.Deliver(delivery))).getFirst().properties();
        if (version.isV5())
            assertThat(sent)
                    .isEqualTo(properties
                            .withSubscriptionIdentifiers(List.of(3, 9))
                            .with(Property.MESSAGE_EXPIRY_INTERVAL, 5));
        else assertThat(sent.isEmpty()).isTrue();
    }

    /** [MQTT-3.3.2-6] */
    @ParameterizedTest
    @CsvSource({"1,1", "999,1", "1000,1", "1999,1", "2000,2", "4294967295000,4294967295"})
    void theExpiryLeftIsNeverMoreThanItIs(long left, long seconds) {
        var properties = sent(v5, Mail.message(1, "t", Properties.NONE, v5.now + left, 1))
                .properties();
        assertThat(properties.number(Property.MESSAGE_EXPIRY_INTERVAL, -1)).isEqualTo(seconds);
    }

    /** [MQTT-3.3.2-5] */
    @ParameterizedTest
    @EnumSource
    void anExpiredMessageIsNotSent(ProtocolVersion version) {
        var rig = SessionRig.online(version);
        var effects = deliver(rig, Mail.message(1, "t", Properties.NONE, rig.now, 1));
        assertThat(effects).hasSize(1);
        assertThat(Mail.drops(effects, Effect.Why.EXPIRED)).containsExactly(1);
    }

    /** [MQTT-3.1.2-24] [MQTT-3.1.2-25] */
    @Test
    void aMessageLargerThanTheClientTakesIsDroppedAndTakesNoQuota() {
        var rig = limited(Property.MAXIMUM_PACKET_SIZE, 30);
        for (int i = 0; i < 2 * SessionRig.SEND_QUOTA; i++) {
            var mail = Mail.of(Mail.message(1, "t", Properties.NONE, Message.NEVER, 24), QoS.AT_LEAST_ONCE);
            var effects = rig.on(new Event.Deliver(mail));
            assertThat(effects).containsExactly(new Effect.Drop(mail, Effect.Why.TOO_LARGE));
        }
        var fits = Mail.of(Mail.message(1, "t", Properties.NONE, Message.NEVER, 22), QoS.AT_LEAST_ONCE);
        var publish = Mail.publishes(rig.on(new Event.Deliver(fits))).getFirst();
        assertThat(new PacketWriter(ProtocolVersion.V5).size(publish)).isEqualTo(30);
        assertThat(publish.packetId()).isEqualTo(1);
    }

    @Test
    void aNameIsSentOnceAndThenItsAlias() {
        var rig = limited(Property.TOPIC_ALIAS_MAXIMUM, 10);
        var message = Mail.message(1, "plant/a/temperature", Properties.NONE, Message.NEVER, 1);
        var first = sent(rig, message);
        assertThat(first.topicName()).isEqualTo(message.topicName());
        assertThat(first.properties()).isEqualTo(Properties.NONE.with(Property.TOPIC_ALIAS, 1));
        var second = sent(rig, message);
        assertThat(second.topicName().isEmpty()).isTrue();
        assertThat(second.properties()).isEqualTo(first.properties());
        assertThat(second.payload()).isEqualTo(message.payload());
        var typed = Mail.message(1, "plant/a/temperature", SessionRig.reason("x"), Message.NEVER, 1);
        assertThat(sent(rig, typed).properties())
                .isEqualTo(SessionRig.reason("x").with(Property.TOPIC_ALIAS, 1));
    }

    /** [MQTT-3.3.2-8] */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 10})
    void noAliasIsAboveTheMaximumOfEither(int clientMaximum) {
        var rig = limited(Property.TOPIC_ALIAS_MAXIMUM, clientMaximum);
        var most = Math.min(clientMaximum, SessionRig.TOPIC_ALIAS_MAXIMUM);
        for (int name = 0; name < 40; name++) {
            var message = Mail.message(1, "plant/a/sensor/" + name, Properties.NONE, Message.NEVER, 1);
            for (int i = 0; i < 4; i++) {
                var publish = sent(rig, message);
                var alias = publish.properties().number(Property.TOPIC_ALIAS, 0);
                assertThat(alias).isBetween(0L, (long) most);
                if (name < most) assertThat(alias).isEqualTo(name + 1);
                assertThat(publish.topicName().isEmpty()).isEqualTo(most > 0 && i > (name < most ? 0 : 1));
            }
        }
    }

    /** What a client would take an alias for is what it was last sent with it [MQTT-3.3.2-12]. */
    @Test
    void aNameThatComesBackTakesTheAliasOfTheOneUnusedForLongest() {
        var rig = limited(Property.TOPIC_ALIAS_MAXIMUM, 2);
        var known = new String[3];
        var random = new Random(1);
        for (int i = 0; i < 500; i++) {
            var name = "plant/a/sensor/" + random.nextInt(4);
            var publish = sent(rig, Mail.message(1, name, Properties.NONE, Message.NEVER, 1));
            var alias = (int) publish.properties().number(Property.TOPIC_ALIAS, 0);
            if (!publish.topicName().isEmpty())
                known[alias] = publish.topicName().toString();
            assertThat(known[alias]).isEqualTo(name);
        }
    }

    @Test
    void aShortNameGetsNoAlias() {
        var rig = limited(Property.TOPIC_ALIAS_MAXIMUM, 10);
        for (int i = 0; i < 4; i++)
            assertThat(sent(rig, Mail.message(1, "a/b", Properties.NONE, Message.NEVER, 1))
                            .properties()
                            .isEmpty())
                    .isTrue();
    }

    /** The connection would keep it for as long as it lasts. */
    @ParameterizedTest
    @CsvSource({"256,1", "257,0", "60000,0"})
    void aLongNameGetsNoAlias(int bytes, long alias) {
        var rig = limited(Property.TOPIC_ALIAS_MAXIMUM, 10);
        var message = Mail.message(1, "n".repeat(bytes), Properties.NONE, Message.NEVER, 1);
        assertThat(sent(rig, message).properties().number(Property.TOPIC_ALIAS, 0))
                .isEqualTo(alias);
        assertThat(sent(rig, message).topicName().isEmpty()).isEqualTo(alias > 0);
    }

    @Test
    void anAliasIsOnlySetWhereThePacketHasRoomForIt() {
        var limits = Properties.NONE.with(Property.TOPIC_ALIAS_MAXIMUM, 10).with(Property.MAXIMUM_PACKET_SIZE, 140);
        var rig = SessionRig.online(ProtocolVersion.V5, limits);
        var writer = new PacketWriter(ProtocolVersion.V5);
        for (int payload = 100; payload < 130; payload++) {
            for (int i = 0; i < 4; i++) {
                var message = Mail.message(1, "plant/" + payload, Properties.NONE, Message.NEVER, payload);
                var effects = deliver(rig, message);
                for (var publish : Mail.publishes(effects))
                    assertThat(writer.size(publish)).isLessThanOrEqualTo(140);
            }
        }
    }

    @Test
    void aMessageThatIsTooLargeSetsNoAlias() {
        var limits = Properties.NONE.with(Property.TOPIC_ALIAS_MAXIMUM, 10).with(Property.MAXIMUM_PACKET_SIZE, 60);
        var rig = SessionRig.online(ProtocolVersion.V5, limits);
        var small = Mail.message(1, "plant/a/temperature", Properties.NONE, Message.NEVER, 1);
        deliver(rig, Mail.message(1, "plant/a/temperature", Properties.NONE, Message.NEVER, 100));
        assertThat(sent(rig, small).topicName()).isEqualTo(small.topicName());
    }
}
