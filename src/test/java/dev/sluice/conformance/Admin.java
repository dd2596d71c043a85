package dev.sluice.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.support.Gateway;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;

/**
 * A gateway's admin API as an administrator uses it. Stateless.
 *
 * @param headers name, value, name, value: those of each request
 */
record Admin(int port, String... headers) {
    static final String ROUTES = "/admin/routes";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What came back. */
    record Answer(int status, JsonNode body, String tag, String mediaType) {
        /** The places of the mistakes, in order. */
        String pointers() {
            return String.join(" ", body.path("mistakes").findValuesAsText("pointer"));
        }

        String detail() {
            return body.path("detail").asText();
        }
    }

    Answer get(String path) {
        return answer(Gateway.send(port, "GET", path, null, headers));
    }

    Answer put(String path, String json, String... more) {
        return answer(Gateway.send(port, "PUT", path, json.replace('\'', '"'), with(more)));
    }

    Answer post(String path, String json) {
        return answer(Gateway.send(port, "POST", path, json.replace('\'', '"'), headers));
    }

    Answer csv(String path, String text) {
        return answer(Gateway.send(port, "POST", path, text, with("Content-Type", "text/csv")));
    }

    Answer delete(String path, String... more) {
        return answer(Gateway.send(port, "DELETE", path, null, with(more)));
    }

    private String[] with(String... more) {
        var all = new String[headers.length + more.length];
        System.arraycopy(headers, 0, all, 0, headers.length);
        System.arraycopy(more, 0, all, headers.length, more.length);
        return all;
    }

    private static Answer answer(HttpResponse<String> response) {
        var headers = response.headers();
        return new Answer(
                response.statusCode(),
                json(response.body()),
                headers.firstValue("ETag").orElse(null),
                headers.firstValue("Content-Type").orElse("").split(";")[0]);
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
