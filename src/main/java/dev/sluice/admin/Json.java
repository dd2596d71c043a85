package dev.sluice.admin;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.sluice.uplink.route.RouteJson;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Collectors;

/** Reads the JSON of requests, and refuses unknown fields. Stateless. */
// Of what is answered as a Response, nothing tells the native build.
@RegisterForReflection(
        targets = {
            Problem.Document.class,
            Problem.Mistake.class,
            CredentialAnswers.Audit.class,
            CredentialAnswers.Changed.class,
            CredentialAnswers.Entry.class,
            CredentialAnswers.Imported.class,
            CredentialAnswers.Page.class,
            CredentialRequest.Body.class,
            CredentialRequest.New.class,
            CredentialRequest.NewSecret.class,
            RouteAnswers.All.class,
            RouteAnswers.Entry.class,
            RouteAnswers.Changed.class,
            RouteAnswers.Finding.class,
            SessionResource.Page.class,
            SessionResource.Session.class,
            RuleAnswers.All.class,
            RuleAnswers.Entry.class,
            RuleAnswers.Changed.class,
            AccessTrial.Question.class,
            TokenResource.Token.class,
            TokenResource.Wanted.class,
            TraceResource.Trace.class,
            TrialRequest.class
        })
final class Json {
    private static final int BAD_REQUEST = 400;
    private static final int UNPROCESSABLE = 422;

    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    private Json() {}

    static JsonNode tree(byte[] body) {
        try {
            var tree = MAPPER.readTree(body);
            if (tree == null || tree.isMissingNode()) throw Problem.of(BAD_REQUEST, "the request has no JSON");
            return tree;
        } catch (JacksonException e) {
            throw Problem.of(BAD_REQUEST, "this is not JSON: " + sentence(e));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads a stored route; as text if PostgreSQL took more than is read here. */
    static JsonNode tree(String stored) {
        try {
            return MAPPER.readTree(stored);
        } catch (JacksonException _) {
            return MAPPER.getNodeFactory().textNode(stored);
        }
    }

    static <T> T read(JsonNode tree, Class<T> type) {
        try {
            return MAPPER.treeToValue(tree, type);
        } catch (UnrecognizedPropertyException e) {
            var fields = e.getKnownPropertyIds().stream()
                    .map(Object::toString)
                    .sorted()
                    .toList();
            var sentence = "is not a field of this; the fields are " + String.join(", ", fields);
            throw mistake(new Problem.Mistake(pointer(e), null, sentence));
        } catch (JsonMappingException e) {
            throw mistake(new Problem.Mistake(pointer(e), null, "is not what it must be: " + e.getOriginalMessage()));
        } catch (JacksonException e) {
            throw Problem.of(BAD_REQUEST, sentence(e));
        }
    }

    private static Problem mistake(Problem.Mistake mistake) {
        return Problem.of(
                UNPROCESSABLE, "the request has a field that is unknown, or has the wrong type", List.of(mistake));
    }

    private static String pointer(JsonMappingException e) {
        return e.getPath().stream()
                .map(it -> it.getFieldName() == null ? Integer.toString(it.getIndex()) : it.getFieldName())
                .map(it -> "/" + RouteJson.escape(it))
                .collect(Collectors.joining());
    }

    private static String sentence(JacksonException e) {
        var at = e.getLocation();
        return e.getOriginalMessage()
                + (at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr());
    }
}
