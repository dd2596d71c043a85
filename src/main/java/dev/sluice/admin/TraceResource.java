package dev.sluice.admin;

import dev.sluice.broker.ClientTrace;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.time.Duration;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.RestQuery;

/** Which clients this gateway traces in its log. Each request on a virtual thread of its own. */
@Path("/traces")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Traces", description = "What one client sends and gets, in the log of the gateway that is asked")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(responseCode = "200", description = "Done")
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class TraceResource {
    private static final Logger LOG = Logger.getLogger(TraceResource.class);
    private static final String CLIENT = "The client identifier";
    private static final int LONGEST_MINUTES = 1440;
    private static final int BAD_REQUEST = 400;
    private static final int NOT_FOUND = 404;

    /** One client that is traced. */
    @Schema(name = "Trace")
    record Trace(
            @Schema(examples = "truck-17") String clientId,

            @Schema(description = "When it ends by itself", examples = "2026-01-31T12:00:00Z")
            String until) {}

    private final AdminAccount account;

    TraceResource(AdminAccount account) {
        this.account = account;
    }

    @GET
    @Operation(operationId = "listTraces", summary = "The clients that are traced")
    @APIResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Trace[].class)))
    public List<Trace> all() {
        return ClientTrace.all().entrySet().stream()
                .map(trace -> new Trace(trace.getKey(), trace.getValue().toString()))
                .toList();
    }

    @PUT
    @Operates
    @Operation(
            operationId = "startTrace",
            summary = "Trace a client",
            description =
                    "It may be connected or not. Each event and each effect of its session is a line of the log at TRACE,"
                            + " without payloads, passwords and values of properties. Another request changes when it ends.")
    @APIResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Trace.class)))
    public Trace start(
            @Parameter(description = CLIENT) @RestQuery String client,
            @Parameter(
                            description = "After so long it ends by itself, 1 to " + LONGEST_MINUTES,
                            schema = @Schema(defaultValue = "10"))
                    @RestQuery
                    String minutes,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        var who = Actor.of(actor, request);
        var until = ClientTrace.start(required(client), time(minutes));
        account.changed(who, "create", "trace/" + client);
        LOG.infof("client %s is traced until %s, by %s", printable(client), until, printable(who));
        return new Trace(client, until.toString());
    }

    @DELETE
    @Operates
    @Operation(operationId = "stopTrace", summary = "Trace a client no longer")
    @APIResponse(responseCode = "204", description = "Done")
    public void stop(
            @Parameter(description = CLIENT) @RestQuery String client,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        var who = Actor.of(actor, request);
        if (!ClientTrace.stop(required(client))) throw Problem.of(NOT_FOUND, "this client is not traced here");
        account.changed(who, "delete", "trace/" + client);
        LOG.infof("client %s is traced no longer, by %s", printable(client), printable(who));
    }

    private static String required(String client) {
        if (client == null || client.isEmpty())
            throw Problem.of(BAD_REQUEST, "the query needs client=<client identifier>");
        return client;
    }

    private static Duration time(String minutes) {
        if (minutes == null) return Duration.ofMinutes(10);
        var count = minutes.matches("[0-9]{1,4}") ? Integer.parseInt(minutes) : 0;
        if (count < 1 || count > LONGEST_MINUTES)
            throw Problem.of(BAD_REQUEST, "minutes needs a whole number from 1 to " + LONGEST_MINUTES);
        return Duration.ofMinutes(count);
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
