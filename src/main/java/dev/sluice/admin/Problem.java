package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** A request's failure, which is its answer. Immutable. */
final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1L;
    static final String MEDIA_TYPE = "application/problem+json";

    private final transient Document document;

    private Problem(Document document) {
        super(document.detail, null, false, false);
        this.document = document;
    }

    /** The body of the answer, after RFC 9457. */
    @Schema(name = "Problem", description = "Why a request failed (RFC 9457)")
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Document(
            @Schema(description = "What its status means", examples = "Unprocessable Content")
            String title,

            @Schema(examples = "422") int status,

            @Schema(description = "What was wrong, and what to do")
            String detail,

            @Schema(description = "Every mistake of what was sent")
            List<Mistake> mistakes) {}

    /** One mistake. */
    @Schema(name = "Mistake")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Mistake(
            @Schema(
                    description = "Its place in what was sent, a JSON Pointer (RFC 6901); missing when it is not there",
                    examples = "/kafkaTopic")
            String pointer,

            @Schema(description = "The route that it is about", examples = "telemetry")
            String route,

            @Schema(examples = "\"fleet telemetry\" has U+0020, which Kafka refuses")
            String detail) {}

    static Problem of(int status, String detail) {
        return of(status, detail, List.of());
    }

    static Problem of(int status, String detail, List<Mistake> mistakes) {
        return new Problem(new Document(title(status), status, detail, mistakes));
    }

    private static String title(int status) {
        if (status == 422) return "Unprocessable Content";
        var known = Response.Status.fromStatusCode(status);
        return known == null ? "Problem" : known.getReasonPhrase();
    }

    Response response() {
        var response = Response.status(document.status)
                .type(MediaType.valueOf(MEDIA_TYPE))
                .entity(document);
        if (document.status == Response.Status.UNAUTHORIZED.getStatusCode())
            response.header("WWW-Authenticate", "Bearer realm=\"sluice\"");
        return response.build();
    }
}
