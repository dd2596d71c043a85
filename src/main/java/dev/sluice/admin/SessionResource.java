package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.store.session.SessionDirectory;
import dev.sluice.store.session.SessionDirectory.Search;
import dev.sluice.store.session.SessionDirectory.SessionEntry;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.RestPath;
import org.jboss.resteasy.reactive.RestQuery;

/** The sessions of all gateways, to be looked at and ended. Each request on a virtual thread of its own. */
@Path("/sessions")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Sessions", description = "The sessions of clients, on all gateways, whether they are connected or not")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(responseCode = "200", description = "Done")
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class SessionResource {
    private static final Logger LOG = Logger.getLogger(SessionResource.class);
    private static final String CLIENT = "The client identifier; / is %2F";
    private static final int MOST = 1000;
    private static final int BAD_REQUEST = 400;
    private static final int NOT_FOUND = 404;
    private static final long NEVER = 0xFFFFFFFFL;

    private final SessionDirectory directory;
    private final AdminAccount account;

    SessionResource(SessionDirectory directory, AdminAccount account) {
        this.directory = directory;
        this.account = account;
    }

    @Schema(name = "Session", description = "A session as it was last written")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Session(
            @Schema(examples = "truck-17") String clientId,

            @Schema(
                    description = "The authenticated user that it belongs to; missing for an anonymous client",
                    examples = "truck-17")
            String user,

            @Schema(description = "Whether it belongs to clients that have proved nothing")
            boolean anonymous,

            @Schema(
                    description =
                            "Whether a connection holds it; stays true until a gateway that was killed counts as dead, or is back")
            boolean connected,

            @Schema(description = "The gateway that opened it last")
            String node,

            @Schema(enumeration = {"3.1", "3.1.1", "5.0"}) String protocol,

            @Schema(description = "How long it outlives its connection; missing if for ever")
            Long expirySeconds,

            @Schema(description = "When it began") Instant createdAt,

            @Schema(description = "When it was opened last") Instant connectedAt,

            @Schema(description = "When its last connection ended; missing while it is connected")
            Instant disconnectedAt,

            @Schema(description = "When it ends unless its client returns")
            Instant expiresAt,

            @Schema(description = "MQTT's reason code of the last end of a connection")
            Integer lastDisconnectReason) {
        static Session of(SessionEntry entry) {
            var identity = entry.identity();
            return new Session(
                    entry.clientId(),
                    identity == null || identity.isEmpty() ? null : identity,
                    "".equals(identity),
                    entry.connected(),
                    entry.node(),
                    protocol(entry.protocolLevel()),
                    entry.expirySeconds() == NEVER ? null : entry.expirySeconds(),
                    entry.createdAt(),
                    entry.connectedAt(),
                    entry.disconnectedAt(),
                    entry.expiresAt(),
                    entry.lastDisconnectReason());
        }

        private static String protocol(int level) {
            return switch (level) {
                case 3 -> "3.1";
                case 4 -> "3.1.1";
                default -> "5.0";
            };
        }
    }

    @Schema(name = "SessionPage", description = "Sessions in the order of their client identifiers")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Page(
            List<Session> sessions,

            @Schema(description = "The parameter after of the next page; missing on the last one")
            String next) {}

    @GET
    @Operation(operationId = "listSessions", summary = "Sessions, a page at a time")
    @APIResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Page.class)))
    public Page page(
            @Parameter(description = "What their client identifiers begin with") @RestQuery String prefix,
            @Parameter(description = "The authenticated user that they belong to") @RestQuery String user,
            @Parameter(description = "The last client identifier of the page before") @RestQuery String after,
            @Parameter(description = "1 to " + MOST, schema = @Schema(defaultValue = "100")) @RestQuery String limit) {
        var size = size(limit);
        var found =
                directory.page(new Search(given(prefix), user == null ? null : given(user)), given(after), size + 1);
        var page = found.subList(0, Math.min(size, found.size()));
        var next = found.size() > size ? page.getLast().clientId() : null;
        return new Page(page.stream().map(Session::of).toList(), next);
    }

    @GET
    @Path("/{id}")
    @Operation(operationId = "getSession", summary = "One session")
    @APIResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Session.class)))
    public Session one(@Parameter(description = CLIENT) @RestPath String id) {
        return directory.find(requireText("id", id)).map(Session::of).orElseThrow(() -> unknown(id));
    }

    @DELETE
    @Operates
    @Path("/{id}")
    @Operation(
            operationId = "endSession",
            summary = "End a session and its connection",
            description =
                    "The client gets DISCONNECT 0x98. What the session holds is deleted, and its will is published.")
    @APIResponse(responseCode = "204", description = "Ended; on all gateways within a second")
    public void end(
            @Parameter(description = CLIENT) @RestPath String id,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        var who = Actor.of(actor, request);
        if (!directory.end(requireText("id", id))) throw unknown(id);
        account.changed(who, "delete", "session/" + id);
        LOG.infof("the session of client %s was ended, by %s", printable(id), printable(who));
    }

    private static Problem unknown(String id) {
        return Problem.of(NOT_FOUND, "there is no session of client " + printable(id));
    }

    private static String given(String text) {
        return text == null ? "" : requireText("the query", text);
    }

    /** PostgreSQL has no text with U+0000. */
    private static String requireText(String what, String text) {
        if (text.indexOf('\0') >= 0)
            throw Problem.of(BAD_REQUEST, what + " has U+0000, which no client identifier has");
        return text;
    }

    private static int size(String limit) {
        if (limit == null) return 100;
        var size = limit.matches("[0-9]{1,4}") ? Integer.parseInt(limit) : 0;
        if (size < 1 || size > MOST) throw Problem.of(BAD_REQUEST, "limit needs a whole number from 1 to " + MOST);
        return size;
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
