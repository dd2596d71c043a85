package dev.sluice.uplink.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContractTest {
    private static Contract contract(String text) {
        return Contract.of(text, Duration.ofSeconds(5));
    }

    private static String breach(Contract contract, String payload) {
        return contract.breach(payload.getBytes(StandardCharsets.UTF_8), Effort.FULL);
    }

    @Test
    void aSchemaMayBeInAFile(@TempDir Path folder) throws IOException {
        var file = Files.writeString(folder.resolve("schema.json"), "{\"type\": \"array\"}");
        var contract = contract("file:" + file);
        assertThat(breach(contract, "[]")).isNull();
        assertThat(breach(contract, "{}")).isEqualTo("it is not what #/type asks for");
    }

    @Test
    void whatTheClientWroteIsNotInTheSentence() {
        var contract =
                contract("{\"additionalProperties\": {\"type\": \"number\"}, \"propertyNames\": {\"maxLength\": 8}}");
        assertThat(breach(contract, "{\"secret\": \"secret\"}")).doesNotContain("secret");
        assertThat(breach(contract, "{\"secret-secret\": 1}")).doesNotContain("secret");
        assertThat(breach(contract, "{secret}")).doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"type\": \"strnig\"}",
                "{\"type\": 1}",
                "{\"required\": \"speed\"}",
                "{\"properties\": {\"speed\": {\"maximum\": \"high\"}}}",
                "{\"$ref\": \"#/$defs/missing\"}",
                "{\"properties\": {\"a\": {\"$ref\": \"#/$defs/missing\"}}}",
                "{\"$schema\": \"https://example.invalid/schema\"}",
                "{\"$ref\": \"other.json\"}",
                "{\"$ref\": \"https://example.invalid/schema\"}",
                "{\"$ref\": \"file:///etc/passwd\"}",
                "{\"$ref\": \"classpath:application.properties\"}"
            })
    void aSchemaThatIsWrongIsAMistake(String schema) {
        assertThatThrownBy(() -> contract(schema))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("is not a JSON Schema: ");
    }

    /** The native executable would speak the language of the machine that it was built on. */
    @Test
    void mistakesAreToldInEnglish() {
        var usual = Locale.getDefault();
        Locale.setDefault(Locale.GERMAN);
        try {
            assertThatThrownBy(() -> contract("{\"required\": \"speed\"}")).hasMessageContaining("array expected");
        } finally {
            Locale.setDefault(usual);
        }
    }

    @Test
    void nothingIsFetched() throws IOException {
        var asked = new AtomicInteger();
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            asked.incrementAndGet();
            exchange.sendResponseHeaders(404, -1);
            exchange.close();
        });
        server.start();
        try {
            var address = "http://127.0.0.1:" + server.getAddress().getPort() + "/schema";
            assertThatThrownBy(() -> contract("{\"$ref\": \"" + address + "\"}"))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> contract("{\"properties\": {\"a\": {\"$ref\": \"" + address + "\"}}}"))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(asked).hasValue(0);
        } finally {
            server.stop(0);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://json-schema.org/draft-04/schema#",
                "http://json-schema.org/draft-07/schema#",
                "https://json-schema.org/draft/2019-09/schema",
                "https://json-schema.org/draft/2020-12/schema"
            })
    void theDraftsOfTheStandardAreKnown(String draft) {
        var contract = contract("{\"$schema\": \"" + draft + "\", \"type\": \"integer\"}");
        assertThat(breach(contract, "1")).isNull();
        assertThat(breach(contract, "1.5")).isNotNull();
    }

    @Test
    void oneContractDoesNotSeeAnother() {
        var first = contract("{\"$id\": \"https://example.invalid/a\", \"type\": \"integer\"}");
        var second = contract("{\"$id\": \"https://example.invalid/a\", \"type\": \"string\"}");
        assertThat(breach(first, "1")).isNull();
        assertThat(breach(second, "\"x\"")).isNull();
    }

    /** A schema that refers to itself recurses as deep as the payload. */
    @Test
    void theDepthOfAPayloadIsBounded() {
        var contract =
                contract("{\"$defs\": {\"list\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/list\"}}},"
                        + " \"$ref\": \"#/$defs/list\"}");
        assertThat(breach(contract, "[".repeat(100) + "]".repeat(100))).isNull();
        assertThat(breach(contract, "[".repeat(30_000) + "]".repeat(30_000))).isEqualTo("it has more than 100 levels");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"$ref\": \"#\"}",
                "{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}, \"b\": {\"$ref\": \"#/$defs/a\"}}}",
                "{\"type\": \"array\", \"allOf\": [{\"$ref\": \"#\"}]}"
            })
    void aSchemaWhoseCheckNeverEndsIsAMistake(String schema) {
        assertThatThrownBy(() -> contract(schema))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("it refers to itself in place");
    }

    @Test
    void aCheckThatDoesNotEndBreaksTheContract() {
        var contract = contract("{\"properties\": {\"a\": {\"$ref\": \"#/properties/a\"}}}");
        assertThat(breach(contract, "{\"b\": 1}")).isNull();
        assertThat(breach(contract, "{\"a\": 1}")).contains("in place");
        assertThat(breach(contract, "{\"b\": 1}")).isNull();
    }
}
