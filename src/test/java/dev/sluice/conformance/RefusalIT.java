package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.support.Spec;
import dev.sluice.support.Vectors;
import dev.sluice.support.Vectors.Vector;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The malformed vectors by the statements that they break: each packet is sent over a socket, and refused. */
class RefusalIT {
    /** The vectors of these names, in whatever versions there are; a name that none has is a failure. */
    private static Stream<DynamicTest> refused(String... names) {
        var byName = Vectors.malformed().stream()
                .filter(Vector::isFromClient)
                .collect(Collectors.groupingBy(RefusalIT::nameWithoutVersion));
        return Arrays.stream(names).flatMap(name -> {
            assertThat(byName).containsKey(name);
            return byName.get(name).stream()
                    .map(vector -> DynamicTest.dynamicTest(vector.toString(), () -> MalformedIT.assertRefused(vector)));
        });
    }

    private static String nameWithoutVersion(Vector vector) {
        return vector.toString().replaceFirst(" (3\\.1|3\\.1\\.1|5)$", "");
    }

    @Spec(value = "MQTT-1.5.4-1", v311 = "MQTT-1.5.3-1")
    @TestFactory
    Stream<DynamicTest> aTextThatIsNotUtf8() {
        return refused(
                "connect: client id surrogate high",
                "connect: client id surrogate low",
                "connect: client id surrogate",
                "connect: client id overlong of two",
                "connect: client id above U+10FFFF",
                "publish: topic not UTF-8",
                "publish: topic with surrogate");
    }

    @Spec(
            value = {"MQTT-1.5.4-2", "MQTT-4.7.3-2"},
            v311 = {"MQTT-1.5.3-2", "MQTT-4.7.3-2"})
    @TestFactory
    Stream<DynamicTest> aTextWithTheNullCharacter() {
        return refused("connect: client id U+0000", "publish: topic with U+0000", "subscribe: filter with U+0000");
    }

    @Spec("MQTT-1.5.5-1")
    @TestFactory
    Stream<DynamicTest> aVariableByteIntegerLongerThanNeeded() {
        return refused(
                "publish: remaining length longer than needed",
                "publish: subscription identifier longer than needed",
                "publish: property length longer than needed",
                "connect: property length longer than needed");
    }

    @Spec("MQTT-1.5.7-1")
    @TestFactory
    Stream<DynamicTest> aUserPropertyThatIsNotUtf8() {
        return refused("publish: user property with surrogate");
    }

    @Spec(
            value = "MQTT-2.1.3-1",
            v311 = {"MQTT-2.2.2-1", "MQTT-2.2.2-2"})
    @TestFactory
    Stream<DynamicTest> reservedFlagsOfAFixedHeader() {
        return refused(
                "connect: fixed header 11",
                "ping: PINGREQ flags 0001",
                "ping: PINGREQ flags 1000",
                "acks: PUBACK flags 0001",
                "acks: PUBREC flags 0010",
                "acks: PUBCOMP flags 0100");
    }

    @Spec(value = "MQTT-2.2.1-3", v311 = "MQTT-2.3.1-1")
    @TestFactory
    Stream<DynamicTest> aPacketIdentifierOfZero() {
        return refused(
                "publish: packet identifier 0 at QoS 1",
                "publish: packet identifier 0 at QoS 2",
                "subscribe: packet identifier 0",
                "unsubscribe: packet identifier 0");
    }

    @Spec(value = "MQTT-3.1.2-1", v311 = "MQTT-3.1.2-1")
    @TestFactory
    Stream<DynamicTest> anotherProtocolName() {
        return refused("connect: name of HTTP", "connect: name in lower case", "connect: name cut");
    }

    @Spec(value = "MQTT-3.1.2-2", v311 = "MQTT-3.1.2-2")
    @TestFactory
    Stream<DynamicTest> anotherProtocolVersion() {
        return refused("connect: level 0", "connect: level 6", "connect: level 255");
    }

    @Spec(value = "MQTT-3.1.2-3", v311 = "MQTT-3.1.2-3")
    @TestFactory
    Stream<DynamicTest> aReservedConnectFlag() {
        return refused("connect: reserved flag");
    }

    @Spec(value = "MQTT-3.1.2-9", v311 = "MQTT-3.1.2-9")
    @TestFactory
    Stream<DynamicTest> aWillFlagWithoutAWill() {
        return refused("connect: will flag and no will", "connect: will message cut");
    }

    @Spec(
            value = {"MQTT-3.1.2-11", "MQTT-3.1.2-13"},
            v311 = {"MQTT-3.1.2-11", "MQTT-3.1.2-13", "MQTT-3.1.2-15"})
    @TestFactory
    Stream<DynamicTest> willFieldsWithoutAWillFlag() {
        return refused(
                "connect: will QoS without will", "connect: will retain without will", "connect: will and no flag");
    }

    @Spec(value = "MQTT-3.1.2-12", v311 = "MQTT-3.1.2-14")
    @TestFactory
    Stream<DynamicTest> aWillOfQoS3() {
        return refused("connect: will QoS 3");
    }

    @Spec(value = "MQTT-3.1.2-16", v311 = "MQTT-3.1.2-18")
    @TestFactory
    Stream<DynamicTest> aUserNameWithoutItsFlag() {
        return refused("connect: user name and no flag");
    }

    @Spec(value = "MQTT-3.1.2-17", v311 = "MQTT-3.1.2-19")
    @TestFactory
    Stream<DynamicTest> aUserNameFlagAlone() {
        return refused("connect: user name flag and no user name");
    }

    @Spec(value = "MQTT-3.1.2-18", v311 = "MQTT-3.1.2-20")
    @TestFactory
    Stream<DynamicTest> aPasswordWithoutItsFlag() {
        return refused("connect: password and no flag");
    }

    @Spec(value = "MQTT-3.1.2-19", v311 = "MQTT-3.1.2-21")
    @TestFactory
    Stream<DynamicTest> aPasswordFlagAlone() {
        return refused("connect: password flag and no password");
    }

    @Spec(v311 = "MQTT-3.1.2-22")
    @TestFactory
    Stream<DynamicTest> aPasswordWithoutAUserName() {
        return refused("connect: password without user name");
    }

    @Spec(value = "MQTT-3.1.3-3", v311 = "MQTT-3.1.3-3")
    @TestFactory
    Stream<DynamicTest> aConnectWithoutAClientIdentifier() {
        return refused("connect: no client id", "connect: client id cut");
    }

    @Spec(value = "MQTT-3.1.3-4", v311 = "MQTT-3.1.3-4")
    @TestFactory
    Stream<DynamicTest> aClientIdentifierThatIsNotUtf8() {
        return refused("connect: client id surrogate high", "connect: client id surrogate");
    }

    @Spec(value = "MQTT-3.1.3-11", v311 = "MQTT-3.1.3-10")
    @TestFactory
    Stream<DynamicTest> aWillTopicThatIsNotUtf8() {
        return refused("connect: will topic not UTF-8");
    }

    @Spec(value = "MQTT-3.1.3-12", v311 = "MQTT-3.1.3-11")
    @TestFactory
    Stream<DynamicTest> aUserNameThatIsNotUtf8() {
        return refused("connect: user name not UTF-8");
    }

    @Spec(value = "MQTT-3.3.1-2", v311 = "MQTT-3.3.1-2")
    @TestFactory
    Stream<DynamicTest> aRepeatAtQoS0() {
        return refused("publish: DUP at QoS 0");
    }

    @Spec(value = "MQTT-3.3.1-4", v311 = "MQTT-3.3.1-4")
    @TestFactory
    Stream<DynamicTest> aPublishOfQoS3() {
        return refused("publish: QoS 3", "publish: all flags");
    }

    @Spec(value = "MQTT-3.3.2-1", v311 = "MQTT-3.3.2-1")
    @TestFactory
    Stream<DynamicTest> aTopicNameThatIsNotUtf8() {
        return refused("publish: topic not UTF-8", "publish: topic longer than the packet", "publish: empty");
    }

    @Spec(
            value = {"MQTT-3.3.2-2", "MQTT-4.7.0-1"},
            v311 = {"MQTT-3.3.2-2", "MQTT-4.7.1-1"})
    @TestFactory
    Stream<DynamicTest> aTopicNameWithWildcards() {
        return refused(
                "publish: wildcard #",
                "publish: wildcard +",
                "publish: wildcard inside a level",
                "connect: will topic with #",
                "connect: will topic with +");
    }

    @Spec(value = "MQTT-4.7.3-1", v311 = "MQTT-4.7.3-1")
    @TestFactory
    Stream<DynamicTest> aTopicNameOrFilterWithoutACharacter() {
        return refused(
                "publish: empty topic",
                "publish: empty topic and no alias",
                "subscribe: empty filter",
                "unsubscribe: empty filter",
                "connect: will topic empty");
    }

    @Spec("MQTT-3.3.2-8")
    @TestFactory
    Stream<DynamicTest> aTopicAliasOf0() {
        return refused("publish: topic alias 0");
    }

    @Spec("MQTT-3.3.2-13")
    @TestFactory
    Stream<DynamicTest> aResponseTopicThatIsNotUtf8() {
        return refused("publish: response topic not UTF-8");
    }

    @Spec("MQTT-3.3.2-14")
    @TestFactory
    Stream<DynamicTest> aResponseTopicWithWildcards() {
        return refused("publish: response topic with #", "publish: response topic with +");
    }

    @Spec("MQTT-3.3.2-19")
    @TestFactory
    Stream<DynamicTest> aContentTypeThatIsNotUtf8() {
        return refused("publish: content type not UTF-8");
    }

    @Spec("MQTT-3.3.4-6")
    @TestFactory
    Stream<DynamicTest> aSubscriptionIdentifierFromAClient() {
        return refused("publish: subscription identifier from a client");
    }

    @Spec(value = "MQTT-3.6.1-1", v311 = "MQTT-3.6.1-1")
    @TestFactory
    Stream<DynamicTest> otherFlagsOfPubRel() {
        return refused("acks: PUBREL flags 0000", "acks: PUBREL flags 0011", "acks: PUBREL flags 0110");
    }

    @Spec(value = "MQTT-3.8.1-1", v311 = "MQTT-3.8.1-1")
    @TestFactory
    Stream<DynamicTest> otherFlagsOfSubscribe() {
        return refused(
                "subscribe: flags 0000", "subscribe: flags 0011", "subscribe: flags 0110", "subscribe: flags 1010");
    }

    @Spec(
            value = {"MQTT-3.8.3-1", "MQTT-3.10.3-1"},
            v311 = {"MQTT-3.8.3-1", "MQTT-3.10.3-1"})
    @TestFactory
    Stream<DynamicTest> aTopicFilterThatIsNotUtf8() {
        return refused("subscribe: filter not UTF-8", "unsubscribe: filter not UTF-8");
    }

    @Spec(value = "MQTT-3.8.3-2", v311 = "MQTT-3.8.3-3")
    @TestFactory
    Stream<DynamicTest> aSubscribeWithoutFilters() {
        return refused("subscribe: no filter");
    }

    @Spec("MQTT-3.8.3-4")
    @TestFactory
    Stream<DynamicTest> noLocalOnASharedSubscription() {
        return refused("subscribe: no local on a shared subscription");
    }

    @Spec(value = "MQTT-3.8.3-5", v311 = "MQTT-3.8.3-4")
    @TestFactory
    Stream<DynamicTest> reservedSubscriptionOptions() {
        return refused(
                "subscribe: reserved options",
                "subscribe: highest reserved option",
                "subscribe: QoS 3",
                "subscribe: no local in MQTT 3",
                "subscribe: Retain Handling in MQTT 3");
    }

    @Spec(value = "MQTT-3.10.1-1", v311 = "MQTT-3.10.1-1")
    @TestFactory
    Stream<DynamicTest> otherFlagsOfUnsubscribe() {
        return refused(
                "unsubscribe: flags 0000",
                "unsubscribe: flags 0011",
                "unsubscribe: flags 0110",
                "unsubscribe: flags 1010");
    }

    @Spec(value = "MQTT-3.10.3-2", v311 = "MQTT-3.10.3-2")
    @TestFactory
    Stream<DynamicTest> anUnsubscribeWithoutFilters() {
        return refused("unsubscribe: no filter");
    }

    @Spec(value = "MQTT-3.14.1-1", v311 = "MQTT-3.14.1-1")
    @TestFactory
    Stream<DynamicTest> otherFlagsOfDisconnect() {
        return refused(
                "disconnect: flags 0001", "disconnect: flags 0010", "disconnect: flags 0100", "disconnect: flags 1000");
    }

    @Spec("MQTT-3.15.1-1")
    @TestFactory
    Stream<DynamicTest> otherFlagsOfAuth() {
        return refused("auth: flags 0001", "auth: flags 0010", "auth: flags 0100", "auth: flags 1000");
    }
}
