package dev.sluice.admin;

import dev.sluice.access.credential.NewSecrets;
import dev.sluice.admin.CredentialRequest.Checks;
import dev.sluice.store.credential.CredentialStore;
import dev.sluice.store.credential.CredentialStore.Wanted;
import dev.sluice.store.credential.StoredCredential;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.function.Function;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestPath;

/** The credentials of clients, read and changed while gateways run. Each request on a virtual thread of its own. */
@Path("/credentials")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Credentials", description = "Who may connect with a user name and a secret")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(
        responseCode = "200",
        description = "Done",
        content = @Content(schema = @Schema(implementation = CredentialAnswers.Changed.class)))
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class CredentialResource {
    private static final String IF_MATCH =
            "The ETag that was seen; another one now is answered with 412, and changes nothing";
    private static final int CREATED = 201;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int BAD_REQUEST = 400;
    private static final int UNPROCESSABLE = 422;
    private static final int LARGEST_PAGE = 1000;

    private final CredentialStore store;
    private final NewSecrets secrets;

    CredentialResource(CredentialStore store, NewSecrets secrets) {
        this.store = store;
        this.secrets = secrets;
    }

    @GET
    @Operation(operationId = "listCredentials", summary = "Credentials in the order of user names, a page at a time")
    @APIResponse(
            responseCode = "200",
            description = "A page",
            content = @Content(schema = @Schema(implementation = CredentialAnswers.Page.class)))
    public Response page(
            @Parameter(description = "What the user names begin with") @QueryParam("prefix") @DefaultValue("")
                    String prefix,
            @Parameter(description = "The user name that the page comes after") @QueryParam("after") @DefaultValue("")
                    String after,
            @Parameter(description = "At most, up to 1000") @QueryParam("limit") @DefaultValue("100") int limit) {
        if (limit < 1 || limit > LARGEST_PAGE)
            throw Problem.of(BAD_REQUEST, "limit is " + limit + ", not between 1 and " + LARGEST_PAGE);
        if (prefix.indexOf('\0') >= 0 || after.indexOf('\0') >= 0)
            throw Problem.of(BAD_REQUEST, "prefix and after cannot have U+0000, which no user name has");
        var found = store.page(prefix, after, limit + 1);
        var shown = found.size() > limit ? found.subList(0, limit) : found;
        return Response.ok(new CredentialAnswers.Page(
                        shown.stream().map(CredentialAnswers::entry).toList(),
                        found.size() > limit ? shown.getLast().username() : null))
                .build();
    }

    @POST
    @Administers
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "createCredential",
            summary = "Create a credential",
            description = "Without a password or a hash, the gateway makes a machine token, and shows it this once.")
    @RequestBody(content = @Content(schema = @Schema(implementation = CredentialRequest.New.class)))
    @APIResponse(
            responseCode = "201",
            description = "Created",
            content = @Content(schema = @Schema(implementation = CredentialAnswers.Changed.class)))
    public Response create(
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var wanted = Json.read(Json.tree(body), CredentialRequest.New.class);
        var checks = new Checks();
        checks.username(wanted.username());
        var settings = checks.settings(wanted.settings());
        var secret = NewSecret.of(wanted.secret(), secrets, checks);
        var name = wanted.username();
        var changed = change(Actor.of(actor, request), name, before -> {
            if (before != null)
                throw Problem.of(
                        CONFLICT, "there is a credential of " + name + "; PUT its settings, or rotate its secret");
            return new Wanted(secret.hash(), settings, null);
        });
        return answer(CREATED, changed, secret.token());
    }

    @GET
    @Path("/{username}")
    @Operation(operationId = "getCredential", summary = "One credential, without its secret")
    @APIResponse(
            responseCode = "200",
            description = "The credential; the ETag is its version",
            content = @Content(schema = @Schema(implementation = CredentialAnswers.Entry.class)))
    public Response one(@RestPath String username) {
        var entry = CredentialAnswers.entry(found(username));
        return Response.ok(entry).header("ETag", entry.tag()).build();
    }

    @PUT
    @Administers
    @Path("/{username}")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "putCredential",
            summary = "Change what is said of a credential, except its secret",
            description =
                    "Connected clients that may not be connected any more are disconnected, and so are those whose"
                            + " groups or validity have changed. A pattern of client ids is looked at with the next"
                            + " CONNECT.")
    @RequestBody(content = @Content(schema = @Schema(implementation = CredentialRequest.Body.class)))
    public Response put(
            @RestPath String username,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var checks = new Checks();
        var settings = checks.settings(Json.read(Json.tree(body), CredentialRequest.Body.class));
        checks.end();
        return change(
                username,
                ifMatch,
                Actor.of(actor, request),
                null,
                before -> new Wanted(before.hash(), settings, before.revokedAt()));
    }

    @POST
    @Administers
    @Path("/{username}/rotate")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "rotateCredential",
            summary = "Give a credential a new secret",
            description =
                    "The earlier one is good for nothing from then on; clients that are connected stay. One that was"
                            + " revoked may be used again. With {} as the body, the gateway makes a machine token.")
    @RequestBody(content = @Content(schema = @Schema(implementation = CredentialRequest.NewSecret.class)))
    public Response rotate(
            @RestPath String username,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var secret = NewSecret.of(Json.read(Json.tree(body), CredentialRequest.NewSecret.class), secrets, new Checks());
        return change(
                username,
                ifMatch,
                Actor.of(actor, request),
                secret.token(),
                before -> new Wanted(secret.hash(), before.settings(), null));
    }

    @POST
    @Administers
    @Path("/{username}/revoke")
    @Operation(
            operationId = "revokeCredential",
            summary = "Revoke a credential",
            description = "Its clients are disconnected within a second, on every gateway. A new secret lifts it.")
    public Response revoke(
            @RestPath String username,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        return change(
                username,
                ifMatch,
                Actor.of(actor, request),
                null,
                before -> new Wanted(
                        before.hash(),
                        before.settings(),
                        before.revokedAt() == null ? Instant.now() : before.revokedAt()));
    }

    @DELETE
    @Administers
    @Path("/{username}")
    @Operation(
            operationId = "deleteCredential",
            summary = "Delete a credential",
            description = "Its clients are disconnected within a second, on every gateway. Their sessions stay.")
    public Response delete(
            @RestPath String username,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        return change(username, ifMatch, Actor.of(actor, request), null, _ -> null);
    }

    private StoredCredential found(String username) {
        if (username.indexOf('\0') >= 0) throw missing(username);
        return store.find(username).orElseThrow(() -> missing(username));
    }

    private Response change(
            String username, String ifMatch, String actor, String token, Function<StoredCredential, Wanted> wanted) {
        if (username.indexOf('\0') >= 0) throw missing(username);
        var changed = change(actor, username, before -> {
            Precondition.of(ifMatch)
                    .require("credential " + username, before == null ? null : Precondition.tag(before.version()));
            if (before == null) throw missing(username);
            return wanted.apply(before);
        });
        return answer(200, changed, token);
    }

    private CredentialStore.Changed change(String actor, String username, CredentialStore.Change change) {
        try {
            return store.change(actor, username, change);
        } catch (IllegalArgumentException refused) {
            throw Problem.of(UNPROCESSABLE, refused.getMessage() + "; nothing has changed");
        }
    }

    private static Problem missing(String username) {
        return Problem.of(NOT_FOUND, "there is no credential of \"" + username + "\"");
    }

    private static Response answer(int status, CredentialStore.Changed changed, String token) {
        var entry = changed.after() == null ? null : CredentialAnswers.entry(changed.after());
        var answer = Response.status(status).entity(new CredentialAnswers.Changed(entry, token));
        return entry == null
                ? answer.build()
                : answer.header("ETag", entry.tag()).build();
    }
}
