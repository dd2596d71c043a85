package dev.sluice.conformance;

import static dev.sluice.conformance.Backend.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import java.time.Duration;
import java.util.ArrayList;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Records of Kafka become PUBLISHes, and their offsets are committed once every copy is where it should be. */
class DownlinkIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final String UNDELIVERABLE = "wire.undeliverable";
    private static final String DEAD_LETTER = Gateway.DEAD_LETTERS;
    /** More than the gateway commits its offsets after, far less than a client or a subscriber is waited for. */
    private static final Duration A_MOMENT = Duration.ofMillis(600);

    private final Gateway gateway = Gateway.shared();
    private final Backend backend = new Backend();
    private final String device = Device.id("commanded");
    private final String topic = "talk/" + device + "/command";

    @AfterEach
    void close() {
        backend.close();
    }

    private static String qos(QoS qos) {
        return Integer.toString(qos.ordinal());
    }

    private double records(String outcome) {
        return gateway.metric("sluice_downlink_records_total", "outcome=\"" + outcome + "\"");
    }

    private void awaitCommitted(RecordMetadata record) {
        await("the offset of the record").until(() -> backend.committed(record) > record.offset());
    }

    private void assertUncommitted(RecordMetadata record) {
        await("an offset that stays").during(A_MOMENT).until(() -> backend.committed(record) <= record.offset());
    }

    @ParameterizedTest
    @EnumSource
    void aCommandReachesAClientThatIsConnected(QoS qos) {
        for (var version : ProtocolVersion.values()) {
            try (var client = Peer.online(version).subscribe(QoS.EXACTLY_ONCE, topic)) {
                var sent = backend.send(topic, "open", "mqtt-qos", qos(qos));
                var publish = client.delivered();
                assertThat(publish.qos()).isEqualTo(qos);
                assertThat(publish.retain()).isFalse();
                assertThat(publish.topicName()).hasToString(topic);
                assertThat(Peer.text(publish)).isEqualTo("open");
                if (qos != QoS.AT_MOST_ONCE) assertUncommitted(sent);
                client.answer(publish);
                awaitCommitted(sent);
                client.assertNothingMore();
            }
        }
    }

    /** PostgreSQL has it, so that Kafka need not keep it. */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void aCommandWaitsInPostgresForASessionThatIsAway(QoS qos) {
        for (var version : ProtocolVersion.values()) {
            var clientId = Device.id("commanded");
            var commands = "talk/" + clientId;
            Peer.durable(version, clientId).subscribe(qos, commands).leave();
            awaitCommitted(backend.send(commands, "1", "mqtt-qos", qos(qos)));
            awaitCommitted(backend.send(commands, "2", "mqtt-qos", qos(qos)));
            try (var client = Peer.resumed(version, clientId)) {
                var third = backend.send(commands, "3", "mqtt-qos", qos(qos));
                assertThat(client.text()).isEqualTo("1");
                assertThat(client.text()).isEqualTo("2");
                assertThat(client.text()).isEqualTo("3");
                awaitCommitted(third);
                client.assertNothingMore();
            }
        }
    }

    @Test
    void theQoSIsOneUnlessTheRecordSaysOtherwise() {
        try (var client = Peer.online(V5).subscribe(QoS.EXACTLY_ONCE, topic)) {
            backend.send(topic, "open");
            assertThat(client.taken().qos()).isEqualTo(ONE);
        }
    }

    @Test
    void everyHeaderBecomesAProperty() {
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            var headers = new RecordHeaders();
            headers.add("mqtt-topic", utf8(topic));
            headers.add("content-type", utf8("text/\u00fcber; charset=utf-8"));
            headers.add("mqtt-response-topic", utf8("talk/answers/\ufeff1"));
            headers.add("mqtt-correlation-data", new byte[] {0, -1, 65, 0});
            headers.add("mqtt-payload-format", utf8("1"));
            for (var user : new String[][] {{"b", "2"}, {"a", "1"}, {"b", "1"}, {"", ""}, {"b", "2"}})
                headers.add("mqtt-user-" + user[0], utf8(user[1]));
            backend.send(
                    new ProducerRecord<>(Backend.DOWNLINK, null, null, utf8("of no meaning"), utf8("\u20ac"), headers));
            var publish = client.taken();
            assertThat(publish.properties()).isEqualTo(RequestResponseIT.FORWARDED);
            assertThat(publish.properties().userProperties()).isEqualTo(RequestResponseIT.FORWARDED.userProperties());
            assertThat(Peer.text(publish)).isEqualTo("\u20ac");
        }
    }

    @Test
    void aTemplateNamesTheTopicOfAKafkaTopicsRecords() {
        try (var client = Peer.online(V5).subscribe(ONE, "talk/" + device + "/+/command")) {
            backend.send("wire.commands", utf8(device), new byte[] {0, -1}, "site", "berlin");
            var publish = client.taken();
            assertThat(publish.topicName()).hasToString("talk/" + device + "/berlin/command");
            assertThat(publish.payload()).containsExactly(0, -1);
        }
    }

    @Test
    void aRetainedCommandIsForThoseWhoComeLater() {
        awaitCommitted(backend.send(topic, "config", "mqtt-retain", "1"));
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            var publish = client.taken();
            assertThat(publish.retain()).isTrue();
            assertThat(Peer.text(publish)).isEqualTo("config");
            var cleared = backend.send(Backend.DOWNLINK, utf8(topic), null, "mqtt-retain", "1");
            assertThat(client.text()).isEmpty();
            awaitCommitted(cleared);
        }
        try (var late = Peer.online(V5).subscribe(ONE, topic)) {
            late.assertNothingMore();
        }
    }

    @Test
    void aCommandThatIsTooLateIsDropped() {
        var before = records("expired");
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            var late = backend.send(topic, "late", "mqtt-expires-at", "" + (System.currentTimeMillis() - 1));
            backend.send(topic, "in time", "mqtt-expiry", "90");
            var publish = client.taken();
            assertThat(Peer.text(publish)).isEqualTo("in time");
            assertThat(publish.properties().number(Property.MESSAGE_EXPIRY_INTERVAL, 0))
                    .isBetween(80L, 90L);
            awaitCommitted(late);
        }
        assertThat(records("expired")).isEqualTo(before + 1);
    }

    /** Device and backend talk to each other through Kafka. */
    @Test
    void aReplyReachesTheBackend() {
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            backend.send(
                    topic,
                    "status?",
                    "mqtt-response-topic",
                    "talk/" + device + "/reply",
                    "mqtt-correlation-data",
                    "request 7 of " + device);
            var request = client.taken();
            var correlation = request.properties().binary(Property.CORRELATION_DATA);
            client.publish(
                    ONE,
                    request.properties().text(Property.RESPONSE_TOPIC),
                    "all well",
                    Properties.NONE.with(Property.CORRELATION_DATA, correlation));
            var reply = backend.receive(
                    "wire.talk", it -> ("request 7 of " + device).equals(Backend.header(it, "mqtt-correlation-data")));
            assertThat(Backend.text(reply.value())).isEqualTo("all well");
            assertThat(Backend.header(reply, "mqtt-topic")).isEqualTo("talk/" + device + "/reply");
        }
    }

    @Test
    void aBadRecordIsADeadLetterAndHoldsUpNobody() {
        var before = records("dead_lettered");
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            var key = utf8("talk/+/" + device);
            var bad = backend.send(Backend.DOWNLINK, key, utf8("x"), "mqtt-qos", "2", "trace", "7");
            backend.send(topic, "open");
            assertThat(client.text()).isEqualTo("open");
            var letter = backend.receive(DEAD_LETTER, it -> ("talk/+/" + device).equals(Backend.text(it.key())));
            assertThat(Backend.text(letter.value())).isEqualTo("x");
            assertThat(Backend.headers(letter))
                    .containsExactly(
                            "mqtt-qos=2",
                            "trace=7",
                            "dead-letter-error=downlink-bad-record",
                            "dead-letter-reason=the key has the wildcard +, which no topic may have",
                            "dead-letter-kafka-topic=" + Backend.DOWNLINK,
                            "dead-letter-partition=" + bad.partition(),
                            "dead-letter-offset=" + bad.offset());
            awaitCommitted(bad);
        }
        assertThat(records("dead_lettered")).isEqualTo(before + 1);
    }

    @Test
    void aCommandThatNobodyWantsIsUndeliverable() {
        var before = records("undeliverable");
        var sent = backend.send(topic, "open", "trace", "7");
        assertUncommitted(sent);
        var answer = backend.receive(UNDELIVERABLE, it -> topic.equals(Backend.text(it.key())));
        assertThat(Backend.text(answer.value())).isEqualTo("open");
        assertThat(Backend.headers(answer))
                .containsExactly(
                        "trace=7",
                        "undeliverable-error=no-subscriber",
                        "undeliverable-reason=nobody has subscribed to its topic",
                        "undeliverable-kafka-topic=" + Backend.DOWNLINK,
                        "undeliverable-partition=" + sent.partition(),
                        "undeliverable-offset=" + sent.offset());
        awaitCommitted(sent);
        assertThat(records("undeliverable")).isEqualTo(before + 1);
    }

    /** Also while one before them in the partition waits for its client. */
    @Test
    void aCommandWaitsForASubscriberAndHoldsUpNoOther() {
        var other = topic + "/other";
        try (var neighbour = Peer.online(V5).subscribe(ONE, other)) {
            var first = send(0, topic, "1");
            var second = send(0, topic, "2");
            send(0, other, "3");
            assertThat(neighbour.text()).isEqualTo("3");
            assertThat(backend.committed(second)).isLessThanOrEqualTo(first.offset());
            try (var late = Peer.online(V5).subscribe(ONE, topic)) {
                assertThat(late.text()).isEqualTo("1");
                assertThat(late.text()).isEqualTo("2");
                awaitCommitted(second);
            }
        }
    }

    private RecordMetadata send(int partition, String topic, String text) {
        return backend.send(new ProducerRecord<>(Backend.DOWNLINK, partition, utf8(topic), utf8(text)));
    }

    /** A session that ends with its connection has nothing in PostgreSQL. */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatAClientHasNotAcknowledgedIsOfferedAgain(QoS qos) {
        RecordMetadata first;
        try (var client = Peer.online(V5).subscribe(qos, topic)) {
            first = backend.send(topic, "1", "mqtt-qos", qos(qos));
            backend.send(topic, "2", "mqtt-qos", qos(qos));
            assertThat(Peer.text(client.delivered())).isEqualTo("1");
        }
        assertUncommitted(first);
        try (var again = Peer.online(V5).subscribe(qos, topic)) {
            assertThat(again.text()).isEqualTo("1");
            assertThat(again.text()).isEqualTo("2");
            again.assertNothingMore();
        }
        awaitCommitted(first);
    }

    @Test
    void whatAClientThatLeftHasNotAcknowledgedIsUndeliverable() {
        try (var stays = Peer.online(V5).subscribe(ONE, topic)) {
            try (var leaves = Peer.online(V5).subscribe(ONE, topic)) {
                backend.send(topic, "1");
                leaves.delivered();
                assertThat(stays.text()).isEqualTo("1");
            }
            var answer = backend.receive(UNDELIVERABLE, it -> topic.equals(Backend.text(it.key())));
            assertThat(Backend.header(answer, "undeliverable-error")).isEqualTo("client-left");
            stays.assertNothingMore();
        }
    }

    /** It does not hold the offset for ever, nor the next command. */
    @Test
    void aClientThatNeverAcknowledgesIsNotWaitedForForEver() {
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            var first = backend.send(topic, "1");
            backend.send(topic, "2");
            assertThat(Peer.text(client.delivered())).isEqualTo("1");
            assertThat(client.text()).isEqualTo("2");
            var answer = backend.receive(UNDELIVERABLE, it -> topic.equals(Backend.text(it.key())));
            assertThat(Backend.header(answer, "undeliverable-error")).isEqualTo("not-acknowledged");
            awaitCommitted(first);
        }
    }

    @Test
    void aCommandThatIsTooLargeForItsClientIsUndeliverable() {
        try (var client = Peer.online(V5, Properties.NONE.with(Property.MAXIMUM_PACKET_SIZE, 256))
                .subscribe(ONE, topic)) {
            awaitCommitted(backend.send(topic, "x".repeat(300)));
            client.assertNothingMore();
            var answer = backend.receive(UNDELIVERABLE, it -> topic.equals(Backend.text(it.key())));
            assertThat(Backend.header(answer, "undeliverable-error")).isEqualTo("too-large");
        }
    }

    /** To another one when the first leaves without an answer, but not to both. */
    @Test
    void aSharedSubscriptionHasOneMemberThatAcknowledges() {
        var shared = "$share/drivers/" + topic;
        try (var other = Peer.online(V5)) {
            RecordMetadata sent;
            try (var first = Peer.online(V5).subscribe(ONE, shared)) {
                sent = backend.send(topic, "1");
                assertThat(Peer.text(first.delivered())).isEqualTo("1");
                other.subscribe(ONE, shared).assertNothingMore();
            }
            assertThat(other.text()).isEqualTo("1");
            awaitCommitted(sent);
            other.assertNothingMore();
        }
    }

    @Test
    void commandsForOneTopicKeepTheirOrder() {
        var texts = IntStream.range(0, 300).mapToObj(Integer::toString).toList();
        var clientId = Device.id("commanded");
        Peer.durable(V5, clientId).subscribe(ONE, topic).leave();
        RecordMetadata last = null;
        try (var live = Peer.online(V5).subscribe(QoS.EXACTLY_ONCE, topic)) {
            for (var text : texts.subList(0, 100)) last = backend.send(topic, text, "mqtt-qos", "2");
            var came = new ArrayList<String>();
            while (came.size() < 100) came.add(live.text());
            assertThat(came).isEqualTo(texts.subList(0, 100));
            awaitCommitted(last);
        }
        try (var resumed = Peer.resumed(V5, clientId)) {
            for (var text : texts.subList(100, 300)) last = backend.send(topic, text);
            var came = new ArrayList<String>();
            while (came.size() < 300) came.add(resumed.text());
            assertThat(came).isEqualTo(texts);
            resumed.assertNothingMore();
        }
        awaitCommitted(last);
    }

    @Test
    void metricsTellOfTheDownlink() {
        var before = records("delivered");
        try (var client = Peer.online(V5).subscribe(ONE, topic)) {
            backend.send(topic, "1");
            client.delivered();
            await("a record in flight")
                    .until(() -> gateway.metric("sluice_downlink_in_flight") == 1
                            && gateway.metric("sluice_downlink_lag") == 1);
            client.wire().sendPackets(new Packet.PubAck(1));
            await("a record delivered").until(() -> records("delivered") == before + 1);
            await("no lag").until(() -> gateway.metric("sluice_downlink_lag") == 0);
        }
    }
}
