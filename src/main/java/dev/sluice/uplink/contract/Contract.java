package dev.sluice.uplink.contract;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.AbsoluteIri;
import com.networknt.schema.FailFastAssertionException;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * A JSON Schema that the payloads of a route must keep, compiled once. It knows the drafts of JSON Schema and nothing else by
 * their addresses: nothing is ever fetched. Immutable: any thread may use it.
 */
public final class Contract {
    private static final String FILE = "file:";
    private static final long BRIEF_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    /** Bytes of a payload: the largest that is read on an event loop. */
    private static final int BRIEF_BYTES = 16 * 1024;
    /** The trials at the start run before anything is compiled. */
    private static final long TRIAL_NANOS = TimeUnit.SECONDS.toNanos(20);

    /** One of each type, to find out whether a check ends. */
    private static final List<String> TRIALS = List.of("{}", "[]", "\"\"", "0", "null", "true");

    /** English wherever it runs, or was built. */
    private static final SchemaRegistryConfig CONFIG = SchemaRegistryConfig.builder()
            .failFast(true)
            .locale(Locale.ROOT)
            .regularExpressionFactory(LinearPattern::of)
            .build();

    private final Schema schema;
    private final Duration time;

    private Contract(Schema schema, Duration time) {
        this.schema = schema;
        this.time = time;
    }

    /**
     * @param text a JSON Schema, of draft 2020-12 where it names none, or {@code file:} and the path of one
     * @param time the most that the check of a payload may take
     * @throws IllegalArgumentException with a sentence that names the mistake
     */
    public static Contract of(String text, Duration time) {
        var node = parse(text.startsWith(FILE) ? read(text.substring(FILE.length())) : text);
        if (!node.isObject()) throw new IllegalArgumentException("is not a JSON Schema, which is a JSON object");
        var registry = SchemaRegistry.withDefaultDialect(Dialects.LATEST, it -> it.schemaRegistryConfig(CONFIG)
                .dialectRegistry(Dialects.ALL)
                .schemaLoader(loader -> loader.block(Contract::isNoDraft)));
        try {
            requireValid(registry, node);
            var schema = registry.getSchema(node);
            schema.initializeValidators();
            for (var payload : TRIALS) broken(schema, payload.getBytes(StandardCharsets.UTF_8), TRIAL_NANOS);
            return new Contract(schema, time);
        } catch (LinearPattern.Unusable wrong) {
            throw new IllegalArgumentException(wrong.getMessage(), wrong);
        } catch (SchemaException wrong) {
            throw new IllegalArgumentException("is not a JSON Schema: " + wrong.getMessage(), wrong);
        } catch (CheckOverrun | CheckLimit.TooDeep | StackOverflowError endless) {
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
        var dialect = node.path("$schema").asText(Dialects.LATEST.getId());
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
            return Payload.JSON.readTree(text);
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new IllegalArgumentException(
                    "is not JSON" + (at == null ? "" : ", see line " + at.getLineNr() + ", column " + at.getColumnNr()),
                    e);
        }
    }

    /**
     * How a payload breaks the contract, as the end of a sentence without anything the client wrote; null if it keeps it.
     *
     * @throws CheckOverrun if that cannot be said with this effort; never with {@link Effort#FULL}
     */
    public String breach(byte[] payload, Effort effort) {
        var isBrief = effort == Effort.BRIEF;
        if (isBrief && payload.length > BRIEF_BYTES) throw new CheckOverrun();
        try {
            return broken(schema, payload, isBrief ? BRIEF_NANOS : time.toNanos());
        } catch (CheckOverrun overrun) {
            if (isBrief) throw overrun;
            return "its check takes longer than " + time.toMillis() + " ms, the most that it may";
        } catch (CheckLimit.TooDeep | StackOverflowError _) {
            if (isBrief) throw new CheckOverrun();
            return "its check goes too deep, as where the contract refers to itself in place";
        }
    }

    private static String broken(Schema schema, byte[] payload, long nanos) {
        JsonNode node;
        try {
            node = Payload.read(payload);
        } catch (Payload.Unreadable e) {
            return e.getMessage();
        }
        var limit = new CheckLimit(nanos);
        var context = new CheckContext(limit);
        return limit.run(() -> {
            try {
                schema.validate(context, node);
                return null;
            } catch (FailFastAssertionException e) {
                return "it is not what " + e.getError().getSchemaLocation() + " asks for";
            } catch (RuntimeException unforeseen) {
                return "it cannot be checked: " + unforeseen.getClass().getSimpleName();
            }
        });
    }
}
