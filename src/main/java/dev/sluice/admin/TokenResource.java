package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.config.AdminConfig;
import dev.sluice.store.admin.AdminTokenStore;
import dev.sluice.store.admin.AdminTokenStore.AdminToken;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestPath;

/** Tokens of administrators, made and withdrawn. Each request on a virtual thread of its own. */
@Path("/tokens")
@Administers
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Tokens", description = "Tokens of administrators, for this API")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(responseCode = "200", description = "Done")
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class TokenResource {
    private static final int CREATED = 201;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int UNPROCESSABLE = 422;
    private static final int USUAL_DAYS = 90;
    private static final String NAME = "[A-Za-z0-9_.-]{1,100}";

    private final AdminTokenStore store;
    private final Duration longest;

    TokenResource(AdminTokenStore store, AdminConfig config) {
        this.store = store;
        this.longest = config.tokenLifetimeMaximum();
    }

    @Schema(name = "TokenRequest")
    record Wanted(
            @Schema(
                    required = true,
                    description = "Who or what gets it, for the account: letters, digits, -, _ and dots",
                    examples = "deploy")
            String name,

            @Schema(
                    required = true,
                    enumeration = {"read", "operate", "admin"})
            String role,

            @Schema(description = "How long it is good; " + USUAL_DAYS + " without")
            Integer days) {}

    @Schema(name = "Token")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Token(
            String name,

            @Schema(enumeration = {"read", "operate", "admin"})
            String role,

            Instant expiresAt,
            Instant createdAt,
            String createdBy,

            @Schema(description = "The token itself, only in the answer that makes it: nobody can look it up later")
            String token) {
        static Token of(AdminToken kept, String token) {
            return new Token(kept.name(), kept.role(), kept.expiresAt(), kept.createdAt(), kept.createdBy(), token);
        }
    }

    @GET
    @Operation(operationId = "listTokens", summary = "The tokens, without themselves")
    @APIResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Token[].class)))
    public List<Token> all() {
        return store.all().stream().map(it -> Token.of(it, null)).toList();
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(operationId = "makeToken", summary = "Make a token")
    @RequestBody(content = @Content(schema = @Schema(implementation = Wanted.class)))
    @APIResponse(responseCode = "201", content = @Content(schema = @Schema(implementation = Token.class)))
    public Response make(
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var wanted = Json.read(Json.tree(body), Wanted.class);
        if (wanted.name() == null || !wanted.name().matches(NAME))
            throw wrong("name", "has to be 1 to 100 letters, digits, -, _ and dots");
        var role = Role.of(wanted.role()).orElseThrow(() -> wrong("role", "has to be one of " + Role.NAMES));
        var days = wanted.days() == null ? USUAL_DAYS : wanted.days();
        if (days < 1 || days > longest.toDays())
            throw wrong("days", "has to be 1 to " + longest.toDays() + " (sluice.admin.token-lifetime-maximum)");
        var expiresAt = Instant.now().plus(days, ChronoUnit.DAYS).truncatedTo(ChronoUnit.SECONDS);
        var token = AdminTokens.random();
        var hash = AdminTokens.hash(token.getBytes(StandardCharsets.UTF_8));
        return store.add(Actor.of(actor, request), wanted.name(), role.text(), expiresAt, hash)
                .map(it -> Response.status(CREATED)
                        .entity(Token.of(it, token))
                        .header("Cache-Control", "no-store")
                        .build())
                .orElseThrow(() -> Problem.of(
                        CONFLICT,
                        "there is a token \"" + wanted.name() + "\": DELETE it first, or choose another name"));
    }

    @DELETE
    @Path("/{name}")
    @Operation(operationId = "withdrawToken", summary = "Withdraw a token, at once and on all gateways")
    @APIResponse(responseCode = "204", description = "Withdrawn")
    public void withdraw(
            @RestPath String name,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        if (!name.matches(NAME) || !store.remove(Actor.of(actor, request), name))
            throw Problem.of(NOT_FOUND, "there is no such token");
    }

    private static Problem wrong(String field, String sentence) {
        return Problem.of(
                UNPROCESSABLE,
                "the request has a field that is wrong",
                List.of(new Problem.Mistake("/" + field, null, sentence)));
    }
}
