package dev.sluice.uplink.contract;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads JSON without loss: numbers are exact, whatever their size. Stateless. */
final class Payload {
    /** Levels that a payload may have: a check recurses. */
    private static final int DEPTH = 100;
    /** Digits that a number may have: reading them takes more than linear time. */
    private static final int DIGITS = 1_000;

    private static final char BYTE_ORDER_MARK = 0xFEFF;

    /** Names are not kept in a table, where a client could choose those that collide. */
    static final ObjectMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH)
                            .maxNumberLength(DIGITS)
                            .maxNameLength(Integer.MAX_VALUE)
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    private Payload() {}

    /** It is not JSON that can be checked; the message is the end of a sentence. */
    static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1L;

        private Unreadable(String why, Throwable cause) {
            super(why, cause);
        }
    }

    static JsonNode read(byte[] payload) throws Unreadable {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(payload))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new Unreadable("it is not JSON, which is UTF-8", e);
        }
        try (var parser = JSON.createParser(text.startsWith(BYTE_ORDER_MARK + "") ? text.substring(1) : text)) {
            return read(parser);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode read(JsonParser parser) throws IOException, Unreadable {
        try {
            var value = JSON.readValue(parser, JsonNode.class);
            if (value == null || value.isMissingNode()) throw new Unreadable("it is not JSON", null);
            return value;
        } catch (StreamConstraintsException e) {
            var isDeep = parser.getParsingContext().getNestingDepth() > DEPTH;
            throw new Unreadable(
                    isDeep
                            ? "it has more than " + DEPTH + " levels"
                            : "it has a number of more than " + DIGITS + " characters",
                    e);
        } catch (JsonProcessingException e) {
            throw new Unreadable("it is not JSON", e);
        } catch (NumberFormatException e) {
            throw new Unreadable("it has a number whose exponent is out of all bounds", e);
        }
    }
}
