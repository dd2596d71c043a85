package dev.sluice.uplink.route;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.config.UplinkConfig.IllegalCharacters;
import dev.sluice.config.UplinkConfig.OnFailure;
import dev.sluice.uplink.route.RouteMistakes.Mistake;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RouteJsonTest {
    private static final String FULL = """
            {"filter": "a/{b}", "kafkaTopic": "t.{b}", "key": null, "headers": {"Y.z": "1", "x": "{route}"}, "partition": "spread", "createTopic": true,
             "headerStyle": "cloudevents", "illegalCharacters": "replace", "qosFloor": 1, "maximumPayload": 10,
             "onFailure": "dead-letter", "contract": {"type": "object"}}""";

    private static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static RouteSpec read(String text) {
        var mistakes = new ArrayList<Mistake>();
        var spec = RouteJson.read("r", json(text), mistakes);
        assertThat(mistakes).isEmpty();
        return spec;
    }

    private static List<String> mistakes(String text) {
        var mistakes = new ArrayList<Mistake>();
        RouteJson.read("r", json(text), mistakes);
        return mistakes.stream()
                .map(it -> RouteJson.pointer(it) + " " + it.sentence())
                .toList();
    }

    @Test
    void readsEveryField() {
        assertThat(read(FULL))
                .isEqualTo(new RouteSpec(
                        "a/{b}",
                        "t.{b}",
                        null,
                        Map.of("x", "{route}", "Y.z", "1"),
                        "spread",
                        true,
                        HeaderStyle.CLOUDEVENTS,
                        IllegalCharacters.REPLACE,
                        1,
                        10,
                        OnFailure.DEAD_LETTER,
                        "{\"type\":\"object\"}"));
    }

    @Test
    void writesWhatItReads() {
        assertThat(RouteJson.write(read(FULL))).hasToString(json(FULL).toString());
        assertThat(read(RouteJson.write(read(FULL)).toString())).isEqualTo(read(FULL));
    }

    @Test
    void hasTheDefaultsOfTheConfiguration() {
        var config = RouteTables.config(
                Map.of("sluice.uplink.routes.r.filter", "a", "sluice.uplink.routes.r.kafka-topic", "t"));
        assertThat(read("{\"filter\": \"a\", \"kafkaTopic\": \"t\"}"))
                .isEqualTo(RouteSpec.all(config).get("r"));
    }

    @Test
    void aPartitionMayBeANumber() {
        assertThat(read("{\"kafkaTopic\": \"t\", \"partition\": 3}").partition())
                .isEqualTo("3");
    }

    @Test
    void aContractMayBeText() {
        assertThat(read("{\"kafkaTopic\": \"t\", \"contract\": \"{\\\"type\\\":\\\"object\\\"}\"}")
                        .contract())
                .isEqualTo("{\"type\":\"object\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{}                                        | /kafkaTopic is required",
                "{'kafkaTopic': null}                      | /kafkaTopic is required",
                "{'kafkaTopic': 1}                         | /kafkaTopic is not a text",
                "[]                                        | ` is not a JSON object, /kafkaTopic is required`",
                "{'kafkaTopic': 't', 'createTopic': 'yes'} | /createTopic is not true or false",
                "{'kafkaTopic': 't', 'qosFloor': 2}        | /qosFloor is not a number from 0 to 1",
                "{'kafkaTopic': 't', 'qosFloor': '1'}      | /qosFloor is not a number from 0 to 1",
                "{'kafkaTopic': 't', 'qosFloor': 0.5}      | /qosFloor is not a number from 0 to 1",
                "{'kafkaTopic': 't', 'maximumPayload': -1} | /maximumPayload is not a number of bytes",
                "{'kafkaTopic': 't', 'headers': []}        | /headers is not an object of texts",
                "{'kafkaTopic': 't', 'headers': {'a/b.c': 1}} | /headers/a~1b.c is not a text",
                "{'kafkaTopic': 't', 'onFailure': 'no'}    | `/onFailure is \"no\", but may be refuse or dead-letter`",
                "{'kafkaTopic': 't', 'headerStyle': 'MQTT'} | `/headerStyle is \"MQTT\", but may be mqtt or cloudevents`",
                "{'kafkaTopic': 't', 'contract': 'file:/x'} | `/contract names a file, which other gateways may not have: give the JSON Schema itself`",
            })
    void namesTheFieldAndTheMistake(String text, String mistakes) {
        assertThat(String.join(", ", mistakes(text.replace('\'', '"')))).isEqualTo(mistakes);
    }

    @Test
    void refusesAFieldThatItDoesNotKnow() {
        assertThat(mistakes("{\"kafkaTopic\": \"t\", \"kafka-topic\": \"t\"}"))
                .singleElement()
                .asString()
                .startsWith("/kafka-topic is not a field of a route; the fields are filter, kafkaTopic, ");
    }

    /** PostgreSQL writes 1e5000 with all its digits, and nests deeper than we read. */
    @Test
    void whatIsTooMuchIsAMistakeOfItsRoute() {
        var mistakes = new ArrayList<Mistake>();
        var number = "{\"kafkaTopic\": \"t\", \"maximumPayload\": 1" + "0".repeat(5000) + "}";
        var nested = "{\"contract\": " + "[".repeat(1001) + "]".repeat(1001) + "}";
        assertThat(RouteJson.read("r", number, mistakes)).isEmpty();
        assertThat(RouteJson.read("s", nested, mistakes)).isEmpty();
        assertThat(mistakes.stream().map(it -> it.route() + " " + RouteJson.pointer(it) + " " + it.sentence()))
                .satisfiesExactly(
                        first -> assertThat(first).startsWith("r  cannot be read: Number value length"),
                        second -> assertThat(second).startsWith("s  cannot be read: Document nesting depth"));
    }
}
