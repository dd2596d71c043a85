package dev.sluice.uplink.route;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.AbsoluteIri;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * A JSON Schema that the payloads of a route must keep, compiled once. It knows the drafts of JSON Schema and nothing else by
 * their addresses: nothing is ever fetched. Immutable: any thread may use it.
 */
public final class Contract {
    private static final String FILE = "file:";
    /** Levels that a payload may have: validation recurses, on the stack of an event loop. */
    private static final int DEPTH = 100;

    private static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** One of each type, to find out whether a check ends. */
    private static final List<String> TRIALS = List.of("{}", "[]", "\"\"", "0", "null", "true");

    /** English wherever it runs, or was built. */
    private static final SchemaRegistryConfig CONFIG =
            SchemaRegistryConfig.builder().failFast(true).locale(Locale.ROOT).build();

    /** Said of a payload that leads to a place of the schema that refers to itself. */
    private static final String ENDLESS = "the check of it does not end, as the contract refers to itself in place";

    private final Schema schema;

    private Contract(Schema schema) {
        this.schema = schema;
    }

    /**
     * @param text a JSON Schema, of draft 2020-12 where it names none, or {@code file:} and the path of one
     * @throws IllegalArgumentException with a sentence that names the mistake
     */
    static Contract of(String text) {
        var node = parse(text.startsWith(FILE) ? read(text.substring(FILE.length())) : text);
        if (!node.isObject()) throw new IllegalArgumentException("is not a JSON Schema, which is a JSON object");
        var registry = SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12,
                it -> it.schemaRegistryConfig(CONFIG).schemaLoader(loader -> loader.block(Contract::isNoDraft)));
        try {
            requireValid(registry, node);
            var schema = registry.getSchema(node);
            schema.initializeValidators();
            for (var payload : TRIALS) schema.validate(JSON.readTree(payload));
            return new Contract(schema);
        } catch (SchemaException | JsonProcessingException wrong) {
            throw new IllegalArgumentException("is not a JSON Schema: " + wrong.getMessage(), wrong);
        } catch (StackOverflowError endless) {
            throw new IllegalArgumentException(
                    "is not a JSON Schema: it refers to itself in place, so that a check of a payload would never end",
                    endless);
        }
    }

    /** Schemas at these addresses are on the class path. */
    private static boolean isNoDraft(AbsoluteIri address) {
        var text = address.toString();
        return !text.startsWith("https://json-schema.org/draft/") && !text.startsWith("http://json-schema.org/draft-");
    }

    private static void requireValid(SchemaRegistry registry, JsonNode node) {
        var dialect = node.path("$schema").asText(SpecificationVersion.DRAFT_2020_12.getDialectId());
        var mistakes = registry.getSchema(SchemaLocation.of(dialect)).validate(node);
        if (!mistakes.isEmpty()) throw new IllegalArgumentException("is not a JSON Schema: " + mistakes.getFirst());
    }

    private static String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (IOException | InvalidPathException e) {
            throw new IllegalArgumentException("the file " + path + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** The message of the parser's exception quotes what it read, which may be any file. */
    private static JsonNode parse(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new IllegalArgumentException(
                    "is not JSON" + (at == null ? "" : ", see line " + at.getLineNr() + ", column " + at.getColumnNr()),
                    e);
        }
    }

    /** How a payload breaks the contract, as the end of a sentence without anything the client wrote; null if it keeps it. */
    String breach(byte[] payload) {
        JsonNode node;
        try {
            node = JSON.readTree(payload);
        } catch (IOException notJson) {
            return "it is not JSON";
        }
        if (node == null || node.isMissingNode()) return "it is not JSON";
        try {
            var errors = schema.validate(node);
            if (errors.isEmpty()) return null;
            return "it is not what " + errors.getFirst().getSchemaLocation() + " asks for";
        } catch (StackOverflowError endless) {
            return ENDLESS;
        }
    }
}
