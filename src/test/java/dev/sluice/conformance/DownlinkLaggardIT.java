package dev.sluice.conformance;

import static dev.sluice.conformance.Backend.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import java.time.Duration;
import java.util.ArrayList;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Devices that do not do their part hold up nobody, and the backend is told. */
class DownlinkLaggardIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final String UNDELIVERABLE = "wire.undeliverable";
    private static final int COMMANDS = 40;
    /** The delivery timeout of the gateway under test, and a few seconds for a busy machine. */
    private static final Duration ONE_TIMEOUT = Duration.ofSeconds(20);

    private final Backend backend = new Backend();
    private final String device = Device.id("laggard");
    private final String topic = "talk/" + device + "/command";

    @AfterEach
    void close() {
        backend.close();
    }

    private String errorOf(RecordMetadata sent) {
        var answer = backend.receive(
                UNDELIVERABLE,
                it -> Long.toString(sent.offset()).equals(Backend.header(it, "undeliverable-offset"))
                        && Integer.toString(sent.partition()).equals(Backend.header(it, "undeliverable-partition")));
        return Backend.header(answer, "undeliverable-error");
    }

    private void awaitCommitted(RecordMetadata record) {
        await("the offset of the record").atMost(ONE_TIMEOUT).until(() -> backend.committed(record) > record.offset());
    }

    /** Otherwise each command would wait for its own timeout, behind those of all before it. On its next connection it has another chance. */
    @Test
    void aClientThatAcknowledgesNothingIsWaitedForOnce() {
        var connect = Device.connect(V5, Device.id("laggard"), true, Properties.NONE);
        var other = "talk/" + connect.clientId() + "/command";
        try (var laggard = Peer.online(V5).subscribe(ONE, topic);
                var good = Peer.online(V5).subscribe(ONE, topic);
                var leaving = Peer.connect(connect).subscribe(ONE, other)) {
            var unanswered = backend.send(other, "1");
            var sent = new ArrayList<RecordMetadata>();
            for (int i = 0; i < COMMANDS; i++) sent.add(backend.send(topic, "" + i));
            for (int i = 0; i < COMMANDS; i++) assertThat(good.text()).isEqualTo("" + i);
            awaitCommitted(sent.getLast());
            assertThat(errorOf(sent.getFirst())).isEqualTo("not-acknowledged");
            assertThat(errorOf(sent.getLast())).isEqualTo("not-acknowledged");
            for (int i = 0; i < COMMANDS; i++) assertThat(laggard.text()).isEqualTo("" + i);
            laggard.assertNothingMore(); // its answers have been looked at
            var late = backend.send(topic, "late");
            assertThat(good.text()).isEqualTo("late");
            assertIsWaitedFor(laggard, late);
            assertThat(errorOf(unanswered)).isEqualTo("not-acknowledged");
            leaving.delivered();
        }
        try (var anew = Peer.connect(connect).subscribe(ONE, other)) {
            assertIsWaitedFor(anew, backend.send(other, "2"));
        }
    }

    /** For longer than one that is known not to acknowledge. */
    private void assertIsWaitedFor(Peer client, RecordMetadata sent) {
        var publish = client.delivered();
        await("an offset that stays")
                .during(Duration.ofMillis(1500))
                .until(() -> backend.committed(sent) <= sent.offset());
        client.answer(publish);
        awaitCommitted(sent);
    }

    @Test
    void aCommandThatItsClientRejectsIsToldToTheBackend() {
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            var sent = backend.send(topic, "1");
            var publish = client.delivered();
            client.wire()
                    .sendPackets(new Packet.PubAck(
                            publish.packetId(), ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, Properties.NONE));
            assertThat(errorOf(sent)).isEqualTo("rejected");
            awaitCommitted(sent);
        }
        try (var client = Peer.online(V5).subscribe(QoS.EXACTLY_ONCE, topic)) {
            var sent = backend.send(topic, "2", "mqtt-qos", "2");
            var publish = client.delivered();
            client.wire()
                    .sendPackets(new Packet.PubRec(publish.packetId(), ReasonCode.QUOTA_EXCEEDED, Properties.NONE));
            assertThat(errorOf(sent)).isEqualTo("rejected");
            awaitCommitted(sent);
        }
    }

    /** What the gateway adds to it makes it larger than Kafka takes. */
    @Test
    void aBadRecordOfTheLargestSizeIsADeadLetterWithoutItsValue() {
        var key = "talk/+/" + device;
        var sent = backend.send(Backend.DOWNLINK, utf8(key), new byte[1_048_576 - 200]);
        var letter = backend.receive(Gateway.DEAD_LETTERS, it -> key.equals(Backend.text(it.key())));
        assertThat(letter.value()).isNull();
        assertThat(Backend.header(letter, "dead-letter-payload-bytes")).isEqualTo("1048376");
        assertThat(Backend.header(letter, "dead-letter-offset")).isEqualTo("" + sent.offset());
        awaitCommitted(sent);
    }
}
