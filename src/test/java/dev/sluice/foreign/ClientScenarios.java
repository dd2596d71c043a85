package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.foreign.ForeignClient.Heard;
import dev.sluice.foreign.ForeignClient.Identity;
import dev.sluice.support.SideBySide;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every client library gets over WebSocket, whichever it is; a subclass says which, as {@code libraries}, and from which gateway. */
abstract class ClientScenarios {
    private static final int QUEUED = 50;
    private static final int SHARED = 20;

    final String id = "foreign-" + UUID.randomUUID().toString().substring(0, 8);
    final String topic = "fleet/" + id + "/telemetry";
    private final List<ForeignClient> open = new ArrayList<>();

    abstract int port();

    /** Bytes of the largest payload, such that its packet fits. */
    abstract int large();

    @AfterEach
    void close() {
        for (var client : open) client.close();
    }

    final ForeignClient client(Library library, Identity identity) throws Exception {
        var client = library.client(identity);
        open.add(client);
        return client;
    }

    final ForeignClient online(Library library, String name) throws Exception {
        var client = client(library, new Identity(port(), id + name, false, null));
        assertThat(client.connect()).isFalse();
        return client;
    }

    static Heard next(ForeignClient client) throws InterruptedException {
        var heard = client.heard().poll(ForeignClient.PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertThat(heard).as("a message").isNotNull();
        return heard;
    }

    static List<Heard> next(ForeignClient client, int count) throws InterruptedException {
        var heard = new ArrayList<Heard>();
        while (heard.size() < count) heard.add(next(client));
        return heard;
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void everyQoSAndSize(Library library) throws Exception {
        var client = online(library, "a");
        client.subscribe(topic + "/+", 2);
        for (int qos = 0; qos <= 2; qos++) {
            for (int size : List.of(0, 20, large())) {
                var message = new Heard(topic + "/" + size, "x".repeat(size), qos, false);
                client.publish(message.topic(), message.payload(), qos, false);
                assertThat(next(client)).isEqualTo(message);
            }
        }
        client.unsubscribe(topic + "/+");
        client.disconnect();
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void wildcardsMatchAndTheLowerQoSCounts(Library library) throws Exception {
        var client = online(library, "a");
        client.subscribe(topic + "/zero/+", 0);
        client.subscribe(topic + "/one/#", 1);
        client.subscribe("fleet/+/telemetry/" + id, 2);
        var topics = List.of(topic + "/zero/x", topic + "/one/x/y", "fleet/any/telemetry/" + id);
        var expected = new ArrayList<Heard>();
        for (int granted = 0; granted <= 2; granted++) {
            for (int qos = 0; qos <= 2; qos++) {
                client.publish(topics.get(granted), "qos " + qos, qos, false);
                expected.add(new Heard(topics.get(granted), "qos " + qos, Math.min(qos, granted), false));
            }
        }
        assertThat(next(client, expected.size())).containsExactlyInAnyOrderElementsOf(expected);
        client.unsubscribe(topic + "/zero/+");
        client.publish(topic + "/zero/x", "nobody", 1, false);
        client.publish(topic + "/one", "the level above", 1, false);
        assertThat(next(client)).isEqualTo(new Heard(topic + "/one", "the level above", 1, false));
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void aNewSubscriptionGetsWhatIsRetained(Library library) throws Exception {
        var publisher = online(library, "a");
        publisher.publish(topic + "/kept", "old", 1, true);
        publisher.publish(topic + "/kept", "new", 2, true);
        var client = online(library, "b");
        client.subscribe(topic + "/#", 2);
        assertThat(next(client)).isEqualTo(new Heard(topic + "/kept", "new", 2, true));
        publisher.publish(topic + "/kept", "", 1, true);
        assertThat(next(client)).isEqualTo(new Heard(topic + "/kept", "", 1, false));
        var late = online(library, "c");
        late.subscribe(topic + "/#", 2);
        publisher.publish(topic + "/other", "live", 1, false);
        assertThat(next(late)).isEqualTo(new Heard(topic + "/other", "live", 1, false));
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void theWillOfAClientThatIsCutOffIsPublished(Library library) throws Exception {
        var watcher = online(library, "a");
        watcher.subscribe(topic + "/will", 1);
        var polite = client(library, new Identity(port(), id + "polite", false, topic + "/will"));
        polite.connect();
        polite.disconnect();
        try (var cable = Cable.to(port())) {
            client(library, new Identity(cable.port(), id + "cut", false, topic + "/will"))
                    .connect();
            cable.cut();
            assertThat(next(watcher)).isEqualTo(new Heard(topic + "/will", id + "cut", 1, false));
        }
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void whoWasAwayGetsWhatWasQueued(Library library) throws Exception {
        var persistent = new Identity(port(), id + "kept", true, null);
        var before = client(library, persistent);
        assertThat(before.connect()).isFalse();
        before.subscribe(topic + "/queue/+", 2);
        before.disconnect();
        var publisher = online(library, "a");
        for (int i = 0; i < QUEUED; i++) publisher.publish(topic + "/queue/x", "m" + i, 1 + i % 2, false);
        var after = client(library, persistent);
        assertThat(after.connect()).isTrue();
        var heard = next(after, QUEUED);
        // Libraries hand a QoS 2 message over at its PUBREL: the two kinds may overtake each other.
        for (int qos : List.of(1, 2)) {
            var expected = IntStream.range(0, QUEUED)
                    .filter(number -> 1 + number % 2 == qos)
                    .mapToObj(number -> new Heard(topic + "/queue/x", "m" + number, qos, false));
            assertThat(heard.stream().filter(message -> message.qos() == qos))
                    .containsExactlyElementsOf(expected.toList());
        }
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void theNewConnectionTakesTheSessionOver(Library library) throws Exception {
        var persistent = new Identity(port(), id + "kept", true, null);
        var first = client(library, persistent);
        assertThat(first.connect()).isFalse();
        first.subscribe(topic + "/queue/+", 2);
        var publisher = online(library, "a");
        publisher.publish(topic + "/queue/x", "to the first", 1, false);
        assertThat(next(first)).isEqualTo(new Heard(topic + "/queue/x", "to the first", 1, false));
        var heir = client(library, persistent);
        assertThat(heir.connect()).isTrue();
        first.close(); // before its library connects again, and takes the session back
        publisher.publish(topic + "/queue/x", "to the heir", 1, false);
        var heard = next(heir);
        if (heard.payload().equals("to the first")) heard = next(heir); // its PUBACK was still on its way
        assertThat(heard).isEqualTo(new Heard(topic + "/queue/x", "to the heir", 1, false));
        // A library that connects again before it is closed may get its last message once more.
        assertThat(first.heard()).extracting(Heard::payload).doesNotContain("to the heir");
    }

    @SideBySide
    @ParameterizedTest
    @MethodSource("libraries")
    void eachMessageGoesToOneMemberOfASharedSubscription(Library library) throws Exception {
        if (!library.isVersion5()) return; // MQTT 3 does not know them
        var members = List.of(online(library, "a"), online(library, "b"));
        for (var member : members) {
            member.subscribe("$share/group/" + topic + "/shared/+", 1);
            member.subscribe(topic + "/end", 1);
        }
        var publisher = online(library, "c");
        var payloads =
                IntStream.range(0, SHARED).mapToObj(number -> "m" + number).toList();
        for (var payload : payloads) publisher.publish(topic + "/shared/x", payload, 1, false);
        publisher.publish(topic + "/end", "", 1, false);
        var heard = new ArrayList<String>();
        for (var member : members) {
            var before = heard.size();
            for (var message = next(member); !message.topic().equals(topic + "/end"); message = next(member))
                heard.add(message.payload());
            assertThat(heard).as("messages of each member").hasSizeGreaterThan(before);
        }
        assertThat(heard).containsExactlyInAnyOrderElementsOf(payloads);
    }
}
