package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Chosen;
import dev.sluice.cluster.RelayMessage.Ended;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Lagging;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Member;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.OfferOutcome;
import dev.sluice.cluster.RelayMessage.Place;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Reached;
import dev.sluice.cluster.RelayMessage.Readiness;
import dev.sluice.cluster.RelayMessage.Subscribed;
import dev.sluice.cluster.RelayMessage.TakenOver;
import dev.sluice.cluster.RelayMessage.Unsubscribed;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.cluster.RelayMessage.Withdrawn;
import dev.sluice.cluster.RelayMessage.Yielded;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RelayCodecTest {
    private static final Properties PROPERTIES = Properties.NONE
            .with(Property.CONTENT_TYPE, "text/plain")
            .with(Property.CORRELATION_DATA, new byte[] {0, -1})
            .with(Property.PAYLOAD_FORMAT_INDICATOR, 1)
            .withUserProperty("a", "1")
            .withUserProperty("a", "😀");

    static Stream<Letter> letters() {
        return Stream.concat(
                Stream.of(
                        new Letter.Joined(1, true),
                        new Letter.Marker("sluice:8080", Long.MAX_VALUE, 3),
                        new Letter.Heartbeat(),
                        new Letter.Question(-1),
                        new Letter.Part(7, new Interest(List.of(new Wanted("a/+", Reach.AT_MOST_ONCE)))),
                        new Letter.End(7, 1),
                        new Letter.Seen(1L << 40),
                        new Letter.Mark(2),
                        new Letter.Dead("sluice:8080", 1L << 40)),
                messages().map(Letter.Told::new));
    }

    private static Stream<RelayMessage> messages() {
        return Stream.of(
                new Interest(List.of()),
                new Interest(List.of(new Wanted("$share/g/ä/#", Reach.ALL), new Wanted("b", Reach.NONE))),
                new Members(List.of(
                        new Member("c1", 12, "$share/g/ä/#", Reach.ALL), new Member("", -1, "$share/g/b", Reach.NONE))),
                new Readiness(true, List.of("c1", "")),
                new Readiness(false, List.of()),
                new Subscribed(
                        "c1",
                        12,
                        13,
                        List.of(
                                new StoredSubscription("a/#", QoS.EXACTLY_ONCE, true, false, 2, 268_435_455),
                                new StoredSubscription("b", QoS.AT_MOST_ONCE, false, true, 0, 0))),
                new Unsubscribed("", 12, 13, List.of("a/#", "b")),
                new Ended(List.of(new EndedSession("c1", 1), new EndedSession("c2", -2))),
                new Queued(List.of(new Place("c", 3, 4))),
                new TakenOver("c", 99),
                new Yielded("c", 99, 7),
                new OfferOutcome(1, true, List.of(new Reached("c", null), new Reached(null, "$share/g/a")), 1, 2, 3, 4),
                new Lagging(5),
                new Withdrawn(-6));
    }

    @ParameterizedTest
    @MethodSource("letters")
    void whatIsWrittenIsReadBack(Letter letter) {
        assertThat(RelayCodec.letter(RelayCodec.letter(letter))).isEqualTo(letter);
    }

    private static Live live(byte[] payload, Properties properties, long expiresAt, String publisher) {
        var message = new Message(TopicName.of("a/ö"), QoS.AT_LEAST_ONCE, true, properties, payload, expiresAt);
        return new Live(message, publisher, true, List.of(new Chosen("$share/g/a/+", "c2")));
    }

    private static Live readBack(Live live) {
        return (Live) ((Letter.Told) RelayCodec.letter(RelayCodec.letter(new Letter.Told(live)))).message();
    }

    @Test
    void aMessageKeepsAllThatItHas() {
        for (var payload : List.of(new byte[0], new byte[] {1, 2}, new byte[3_000_000]))
            for (var properties : List.of(Properties.NONE, PROPERTIES))
                for (var publisher : new String[] {null, "", "c1"}) {
                    var live = readBack(live(payload, properties, Message.NEVER, publisher));
                    assertThat(live.message().topicName()).isEqualTo(TopicName.of("a/ö"));
                    assertThat(live.message().qos()).isEqualTo(QoS.AT_LEAST_ONCE);
                    assertThat(live.message().retain()).isTrue();
                    assertThat(live.message().properties()).isEqualTo(properties);
                    assertThat(live.message().payload()).isEqualTo(payload);
                    assertThat(live.message().expiresAt()).isEqualTo(Message.NEVER);
                    assertThat(live.publisher()).isEqualTo(publisher);
                    assertThat(live.own()).isTrue();
                    assertThat(live.chosen()).containsExactly(new Chosen("$share/g/a/+", "c2"));
                }
    }

    @Test
    void aMessageExpiresWhenItWouldHave() {
        var expiresAt = System.currentTimeMillis() + 60_000;
        assertThat(readBack(live(new byte[0], Properties.NONE, expiresAt, null))
                        .message()
                        .expiresAt())
                .isBetween(expiresAt, expiresAt + 10_000);
    }

    @Test
    void aRecordKeepsItsHead() {
        var envelope = new Envelope("sluice:8080", 4, 5, 6, false, true, new byte[] {1, 2, 3});
        assertThat(RelayCodec.envelope(RelayCodec.record(envelope)))
                .usingRecursiveComparison()
                .isEqualTo(envelope);
    }

    @Test
    void garbageIsNoRecordAndNoLetter() {
        var random = new Random(7);
        var letters = letters().map(RelayCodec::letter).toList();
        for (int i = 0; i < 200_000; i++) {
            var bytes = new byte[random.nextInt(60)];
            random.nextBytes(bytes);
            RelayCodec.envelope(bytes);
            RelayCodec.letter(bytes);
            var damaged = letters.get(random.nextInt(letters.size())).clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            RelayCodec.letter(damaged);
            var head = RelayCodec.record(new Envelope("s", 1, 2, 3, true, false, damaged));
            head[random.nextInt(head.length)] = (byte) random.nextInt();
            RelayCodec.envelope(head);
        }
        assertThat(RelayCodec.envelope(null)).isNull();
        assertThat(RelayCodec.envelope(new byte[] {2, 0})).isNull();
        assertThat(RelayCodec.letter(new byte[] {99})).isNull();
    }
}
