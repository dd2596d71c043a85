package dev.sluice.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordAuditTest {
    private final RecordAudit audit = new RecordAudit();

    /**
     * The records of one client, one word each: Kafka topic, {@code @} and partition (0), {@code :}, {@code mqtt-seq}, and then after
     * {@code =} the message id, after {@code ~} the payload at QoS 0, after {@code #} the route, after {@code !} the Kafka topic of a
     * dead letter.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', ignoreLeadingAndTrailingWhitespace = true, textBlock = """
            consecutive                        | t:1/1=a t:1/2=b t:2/1=c                 | 0 | 0 | 0 | 0
            QoS 0                              | t:1/1~a t:1/2~a t:1/3~a                 | 0 | 0 | 0 | 0
            a number is missing                | t:1/1=a t:1/3=c                         | 1 | 0 | 0 | 0
            the beginning is missing           | t:1/4=d t:1/5=e                         | 3 | 0 | 0 | 0
            the beginning of a later epoch     | t:1/1=a t:2/2=b                         | 1 | 0 | 0 | 0
            sent again after a reconnect       | t:1/1=a t:1/2=b t:2/1=b t:2/2=c         | 0 | 1 | 0 | 0
            sent again twice                   | t:1/1=a t:2/1=a t:3/1=a                 | 0 | 2 | 0 | 0
            same id in the same epoch          | t:1/1=a t:1/2=a t:1/3=a                 | 0 | 0 | 0 | 0
            written again                      | t:1/1=a t:1/2=b t:1/1=a t:1/2=b t:1/3=c | 0 | 2 | 0 | 0
            written again, ids used again      | t:1/1=a t:1/2=a t:1/1=a t:1/2=a t:1/3=b | 0 | 2 | 0 | 0
            written again at QoS 0             | t:1/1~a t:1/2~b t:1/1~a                 | 0 | 1 | 0 | 0
            the lower one later                | t:1/1=a t:1/3=c t:1/2=b                 | 0 | 0 | 1 | 0
            an earlier epoch later             | t:1/1=a t:2/1=b t:1/2=c                 | 0 | 0 | 1 | 0
            sent again before it was there     | t:1/1=a t:2/1=b t:1/2=b t:2/2=c         | 0 | 1 | 0 | 0
            the repeats in another order       | t:1/1=a t:1/2=b t:2/2=b t:2/1=a         | 0 | 2 | 1 | 0
            a late connection                  | t:2/1=a t:1/1=b t:1/2=c                 | 0 | 0 | 2 | 0
            a late will                        | t:1/1=a t:3/1=b t:2/1=w                 | 0 | 0 | 0 | 0
            each partition has its order       | t@1:1/2=b t@0:1/1=a t@1:1/4=d t@0:1/3=c | 0 | 0 | 0 | 0
            """)
    void findsInTheRecordsOfARoute(String name, String records, long gaps, long repeats, long disorder, long mixed) {
        assertFound(records, gaps, repeats, disorder, mixed);
    }

    /** The same of several Kafka topics or routes. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', ignoreLeadingAndTrailingWhitespace = true, textBlock = """
            a templated Kafka topic            | s:1/1=a t:1/2=b s:1/3=c u:1/4=d         | 0 | 0 | 0 | 0
            a gap over a templated Kafka topic | s:1/1=a t:1/2=b s:1/4=c u:1/6=d         | 2 | 0 | 0 | 0
            two routes, two Kafka topics       | s:1/1=a t:1/1=b s:1/2=c t:1/3=d         | 1 | 0 | 0 | 0
            one message, two routes            | s:1/1=a t:1/1=a s:1/2=b t:1/2=b         | 0 | 0 | 0 | 0
            one message, two routes, again     | s:1/1=a t:1/1=a s:2/1=a t:2/1=a         | 0 | 2 | 0 | 0
            told apart in another epoch        | s:1/1=a t:1/1=b s:2/1=c t:2/2=d         | 1 | 0 | 0 | 0
            one of two routes changed          | f:1/1=a f:1/2=b r:1/1=c r:1/2=d r:1/3=e s:1/4=f | 0 | 0 | 0 | 0
            one changed back and forth         | f:1/1=a s:1/1=b r:1/2=c s:1/3=d s:2/1=e r:2/2=f f:2/1=g f:2/2=h | 0 | 0 | 0 | 0
            named routes in one Kafka topic    | t:1/1=a#r t:1/1=b#q t:1/2=c#q t:1/2=d#r | 0 | 0 | 0 | 0
            a named route, two Kafka topics    | s:1/1=a#r t:1/2=b#r s:1/4=d#r           | 1 | 0 | 0 | 0
            mixed routes                       | t:1/1=a t:1/2=b t:1/1=c t:1/3=d         | 0 | 0 | 0 | 1
            mixed routes again and again       | t:1/1=a t:1/2=b t:1/1=c t:1/2=d t:1/1=e | 0 | 0 | 0 | 3
            mixed routes at QoS 0              | t:1/1~a t:1/2~a t:1/1~b t:1/2~b         | 0 | 0 | 0 | 2
            a dead letter fills its gap        | t:1/1=a t:1/3=c dead:1/2=b!t            | 0 | 0 | 0 | 0
            a dead letter of another topic     | t:1/1=a t:1/3=c dead:1/2=b!s            | 0 | 0 | 0 | 0
            a dead letter of another route     | t:1/1=a s:1/1=b t:1/3=c dead:1/2=d!s    | 1 | 0 | 0 | 0
            written and dead                   | t:1/1=a dead:1/1=a!t                    | 0 | 1 | 0 | 0
            """)
    void findsInTheRecordsOfSeveral(String name, String records, long gaps, long repeats, long disorder, long mixed) {
        assertFound(records, gaps, repeats, disorder, mixed);
    }

    private void assertFound(String records, long gaps, long repeats, long disorder, long mixed) {
        for (var record : records.split(" ")) {
            add("client", record);
        }
        var found = audit.findings().get("client");
        assertThat(List.of(found.gaps(), found.repeats(), found.disorder(), found.mixed()))
                .as("gaps, repeats, disorder, mixed: " + found.notes())
                .containsExactly(gaps, repeats, disorder, mixed);
        assertThat(found.records()).isEqualTo(records.split(" ").length);
        assertThat(found.isWrong()).isEqualTo(gaps + disorder > 0);
    }

    @Test
    void countsEachClientByItself() {
        add("a", "t:1/1=x");
        add("b", "t:2/1=x");
        add("b", "t:3/2=y");
        assertThat(audit.findings().get("a").isNotable()).isFalse();
        var total = RecordAudit.total(audit.findings());
        assertThat(total).isEqualTo(new RecordAudit.Findings(3, 3, 1, 0, 0, 0, List.of()));
    }

    @Test
    void saysWhereGapsAre() {
        LongStream.of(1, 5, 7, 9, 11).forEach(number -> add("a", "t:4/" + number + "=" + number));
        add("a", "s:4/1=x");
        assertThat(audit.findings().get("a").notes())
                .containsExactly("missing: 4/2 to 4 of t", "missing: 4/6 of t", "missing: 4/8 of t", "missing: more");
    }

    @Test
    void aTruncatedPartitionHasLostTheBeginningOfItsFirstEpochAlone() {
        audit.truncated(Set.of(new TopicPartition("t", 0)));
        for (var record : List.of("t:1/7=g", "t:1/9=i", "t:2/2=k")) {
            add("client", record);
        }
        add("other", "s:1/2=b");
        assertThat(audit.findings().get("client").notes()).containsExactly("missing: 1/8 of t", "missing: 2/1 of t");
        assertThat(audit.findings().get("other").gaps()).isEqualTo(1);
    }

    /** A consumer that drops repeats remembers as many. */
    @Test
    void anIdIsKnownFor65535Records() {
        add("a", "t:1/1=first");
        add("a", "t:1/2=second");
        for (var number = 3; number <= RecentRecords.WINDOW + 1; number++) {
            add("a", "t:1/" + number + "=" + number);
        }
        add("a", "t:2/1=first");
        assertThat(audit.findings().get("a").repeats()).isZero();
        add("a", "t:2/2=" + (RecentRecords.WINDOW + 1));
        add("a", "t:2/3=4");
        assertThat(audit.findings().get("a").repeats()).isEqualTo(2);
        add("a", "t:2/4=second");
        assertThat(audit.findings().get("a").repeats()).isEqualTo(2);
    }

    @Test
    void whatIsNotNumberedIsCountedApart() {
        audit.add(new ConsumerRecord<>("t", 0, 0, new byte[0], new byte[0]));
        add("a", "t:x/1=a");
        add("a", "t:1/0=a");
        assertThat(audit.unnumbered()).isEqualTo(3);
        assertThat(audit.findings()).isEmpty();
    }

    @Test
    void aCloudEventNamesItsClientAndItsRoute() {
        addCloudEvent("1/1", "r");
        addCloudEvent("1/1", "s");
        addCloudEvent("1/3", "r");
        var found = audit.findings().get("a");
        assertThat(List.of(found.gaps(), found.mixed(), audit.unnumbered())).containsExactly(1L, 0L, 0L);
    }

    private void addCloudEvent(String seq, String route) {
        var record = new ConsumerRecord<>("t", 0, 0, new byte[0], new byte[0]);
        record.headers().add("ce_mqttclientid", "a".getBytes(UTF_8));
        record.headers().add("ce_source", ("/clients/a/routes/" + route).getBytes(UTF_8));
        record.headers().add("mqtt-seq", seq.getBytes(UTF_8));
        audit.add(record);
    }

    @Test
    void onlyTheClientsAskedFor() {
        var some = new RecordAudit("b"::equals);
        some.add(record("a", "t:1/2=a"));
        some.add(record("b", "t:1/1=b"));
        assertThat(some.findings()).containsOnlyKeys("b");
    }

    private void add(String clientId, String text) {
        audit.add(record(clientId, text));
    }

    private static ConsumerRecord<byte[], byte[]> record(String clientId, String text) {
        var parts = text.split("(?=[@:=~#!])");
        var partition = 0;
        var payload = "payload";
        for (var part : parts) {
            if (part.startsWith("@")) partition = Integer.parseInt(part.substring(1));
            if (part.startsWith("~")) payload = part;
        }
        var record = new ConsumerRecord<>(parts[0], partition, 0, clientId.getBytes(UTF_8), payload.getBytes(UTF_8));
        record.headers().add("mqtt-client-id", clientId.getBytes(UTF_8));
        record.headers().add("mqtt-topic", "a/b".getBytes(UTF_8));
        for (var part : parts) {
            var name =
                    switch (part.charAt(0)) {
                        case ':' -> "mqtt-seq";
                        case '=' -> "mqtt-message-id";
                        case '#' -> "mqtt-route";
                        case '!' -> "dead-letter-kafka-topic";
                        default -> null;
                    };
            if (name != null) record.headers().add(name, part.substring(1).getBytes(UTF_8));
        }
        return record;
    }
}
