package dev.sluice.uplink.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.RouteTables;
import dev.sluice.uplink.route.Routes;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RouteTrialTest {
    private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private static final Map<String, String> SEVERAL = keys(
            "routes.a.filter", "fleet/{device}",
            "routes.a.kafka-topic", "fleet",
            "routes.a.key", "{device}",
            "routes.a.partition", "{username}",
            "routes.a.headers.mqtt-route", "{route}",
            "routes.b.filter", "fleet/#",
            "routes.b.kafka-topic", "all",
            "routes.b.maximum-payload", "1",
            "routes.b.on-failure", "dead-letter",
            "routes.c.filter", "other/#",
            "routes.c.kafka-topic", "other");

    private static RouteTrial.Answer answer(Map<String, String> keys, String topic, QoS qos, String payload) {
        var full = new HashMap<String, String>();
        keys.forEach((key, value) -> full.put("sluice.uplink." + key, value));
        var properties = Properties.NONE.withUserProperty("site", "oslo").withUserProperty("traceparent", TRACE);
        return RouteTrial.of(
                Routes.of(RouteTables.config(full)),
                new RouteTrial.Question("c1", "ann", TopicName.of(topic), qos, false, bytes(payload), properties));
    }

    private static Map<String, String> keys(String... keysAndValues) {
        var keys = new HashMap<String, String>();
        for (int i = 0; i < keysAndValues.length; i += 2) keys.put(keysAndValues[i], keysAndValues[i + 1]);
        return keys;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String headers(RouteTrial.Produced record) {
        return record.headers().stream()
                .map(header -> header.name() + "=" + new String(header.value(), StandardCharsets.UTF_8))
                .collect(Collectors.joining(" "));
    }

    @Test
    void tellsEveryRecordAndWhyThereAreNoOthers() {
        var answer = answer(SEVERAL, "fleet/d1", QoS.AT_LEAST_ONCE, "21.5");
        assertThat(answer.refusal()).isNull();
        assertThat(answer.silent()).containsExactly(new RouteTrial.Silent("c", "its filter does not match"));
        assertThat(answer.records()).extracting(RouteTrial.Produced::route).containsExactly("a", "b");
        var record = answer.records().getFirst();
        assertThat(record.kafkaTopic()).isEqualTo("fleet");
        assertThat(record.partition()).isEqualTo("hash of ann");
        assertThat(record.key()).isEqualTo(bytes("d1"));
        assertThat(record.value()).isEqualTo(bytes("21.5"));
        assertThat(record.failure()).isNull();
        assertThat(headers(record))
                .matches(
                        "mqtt-topic=fleet/d1 mqtt-client-id=c1 mqtt-qos=1 mqtt-message-id=0001[0-9a-f]{16} mqtt-seq=0/1"
                                + " mqtt-user-site=oslo mqtt-user-traceparent=" + TRACE + " mqtt-route=a traceparent="
                                + TRACE);
        var letter = answer.records().get(1);
        assertThat(letter.kafkaTopic()).isEqualTo("sluice.dead-letter");
        assertThat(letter.key()).isEqualTo(bytes("c1"));
        assertThat(letter.failure().kind()).isEqualTo(Failure.Kind.PAYLOAD_TOO_LARGE);
        assertThat(headers(letter))
                .endsWith(
                        "dead-letter-error=payload-too-large dead-letter-reason=the payload has 4 bytes, more than the 1"
                                + " of route b dead-letter-route=b dead-letter-reason-code=0x97 dead-letter-kafka-topic=all");
    }

    @Test
    void tellsWhoRefuses() {
        var answer = answer(
                keys(
                        "routes.a.filter", "#",
                        "routes.a.kafka-topic", "all",
                        "routes.b.filter", "#",
                        "routes.b.kafka-topic", "json",
                        "routes.b.contract", "{\"type\":\"object\"}",
                        "routes.c.filter", "other/#",
                        "routes.c.kafka-topic", "other"),
                "fleet/d1",
                QoS.AT_MOST_ONCE,
                "21.5");
        assertThat(answer.records()).isEmpty();
        assertThat(answer.refusal().reason()).isEqualTo(ReasonCode.PAYLOAD_FORMAT_INVALID);
        assertThat(answer.silent())
                .containsExactly(
                        new RouteTrial.Silent("a", "another route refuses the message"),
                        new RouteTrial.Silent(
                                "b", "the payload breaks the contract of route b: it is not what #/type asks for"),
                        new RouteTrial.Silent("c", "its filter does not match"));
    }

    @Test
    void tellsOfTopicsThatKafkaRefuses() {
        var answer = answer(
                keys("routes.a.filter", "{device}", "routes.a.kafka-topic", "{device}"), "a b", QoS.AT_LEAST_ONCE, "");
        assertThat(answer.refusal().reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
        assertThat(answer.silent())
                .containsExactly(new RouteTrial.Silent(
                        "a", "the Kafka topic {device} of route a has U+0020, which Kafka refuses for this message"));
    }

    @Test
    void tellsWhatBecomesOfWhatNoRouteTakes() {
        var routes = keys("routes.a.filter", "a", "routes.a.kafka-topic", "a");
        var refused = answer(routes, "b", QoS.AT_LEAST_ONCE, "");
        assertThat(refused.refusal().kind()).isEqualTo(Failure.Kind.UNMATCHED);
        assertThat(refused.silent()).extracting(RouteTrial.Silent::route).containsExactly("a");
        var dropped = answer(with(routes, "unmatched", "drop"), "b", QoS.AT_LEAST_ONCE, "");
        assertThat(dropped.refusal()).isNull();
        assertThat(dropped.records()).isEmpty();
        var lettered = answer(with(routes, "unmatched", "dead-letter"), "b", QoS.AT_LEAST_ONCE, "");
        assertThat(lettered.records()).extracting(RouteTrial.Produced::route).isEqualTo(List.of(""));
        assertThat(headers(lettered.records().getFirst()))
                .contains("mqtt-seq=0/1 ")
                .endsWith("dead-letter-error=unmatched dead-letter-reason=no route takes this topic name"
                        + " dead-letter-route= dead-letter-reason-code=0x90");
    }

    private static Map<String, String> with(Map<String, String> keys, String key, String value) {
        var all = new HashMap<>(keys);
        all.put(key, value);
        return all;
    }
}
