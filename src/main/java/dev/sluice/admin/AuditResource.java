package dev.sluice.admin;

import dev.sluice.store.audit.AuditLog;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Who changed what. Each request on a virtual thread of its own. */
@Path("/audit")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Audit", description = "Who changed what")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class AuditResource {
    private static final int BAD_REQUEST = 400;
    private static final int LARGEST_PAGE = 1000;

    private final AuditLog log;

    AuditResource(AuditLog log) {
        this.log = log;
    }

    @GET
    @Operation(operationId = "audit", summary = "Changes, the latest first, a page at a time")
    @APIResponse(
            responseCode = "200",
            description = "A page",
            content = @Content(schema = @Schema(implementation = CredentialAnswers.Audit.class)))
    public Response page(
            @Parameter(description = "What the object begins with, such as credential/ or route/telemetry")
                    @QueryParam("object")
                    String object,
            @Parameter(description = "Who did it") @QueryParam("actor") String actor,
            @Parameter(description = "Not before this time, RFC 3339") @QueryParam("since") String since,
            @Parameter(description = "The id that the page ends before") @QueryParam("before") Long before,
            @Parameter(description = "At most, up to 1000") @QueryParam("limit") @DefaultValue("100") int limit) {
        if (limit < 1 || limit > LARGEST_PAGE)
            throw Problem.of(BAD_REQUEST, "limit is " + limit + ", not between 1 and " + LARGEST_PAGE);
        for (var text : new String[] {object, actor})
            if (text != null && text.indexOf('\0') >= 0)
                throw Problem.of(BAD_REQUEST, "object and actor cannot have U+0000");
        var wanted = new AuditLog.Wanted(object, actor, time(since), before == null ? Long.MAX_VALUE : before);
        var found = log.page(wanted, limit + 1);
        var shown = found.size() > limit ? found.subList(0, limit) : found;
        return Response.ok(new CredentialAnswers.Audit(
                        shown.stream().map(CredentialAnswers::change).toList(),
                        found.size() > limit ? shown.getLast().id() : null))
                .build();
    }

    private static Instant time(String text) {
        if (text == null) return null;
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException _) {
            throw Problem.of(BAD_REQUEST, "since is \"" + text + "\", not a time such as 2027-01-31T00:00:00Z");
        }
    }
}
