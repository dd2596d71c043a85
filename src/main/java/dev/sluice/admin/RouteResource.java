package dev.sluice.admin;

import dev.sluice.store.route.RouteStore;
import dev.sluice.store.route.StoredRoutes;
import dev.sluice.uplink.route.LiveRoutes;
import dev.sluice.uplink.route.RouteJson;
import dev.sluice.uplink.route.RouteMistakes;
import dev.sluice.uplink.route.RouteSpec;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.SortedMap;
import java.util.function.Function;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SecuritySchemeType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.security.SecurityScheme;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestPath;

/** The routes, read and changed while the gateway runs. Each request on a virtual thread of its own. */
@Path("/routes")
@Reads
@RunOnVirtualThread
@SecurityScheme(
        securitySchemeName = "token",
        type = SecuritySchemeType.HTTP,
        scheme = "bearer",
        description = "sluice.admin.token, a token of POST /admin/tokens, or one of OpenID Connect")
@SecurityRequirement(name = "token")
@Tag(name = "Routes", description = "Which Kafka records the messages of devices become")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(responseCode = "200", description = "Done")
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class RouteResource {
    private static final String IF_MATCH =
            "The ETag that was seen; another one now is answered with 412, and changes nothing";
    private static final int CREATED = 201;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int UNPROCESSABLE = 422;

    private final LiveRoutes live;
    private final Findings findings;

    RouteResource(LiveRoutes live, Findings findings) {
        this.live = live;
        this.findings = findings;
    }

    @GET
    @Operation(operationId = "listRoutes", summary = "All routes, of the configuration file and of PostgreSQL")
    @APIResponse(
            responseCode = "200",
            description = "The routes; the ETag is the version of the stored routes",
            content = @Content(schema = @Schema(implementation = RouteAnswers.All.class)))
    public Response all() {
        var all = RouteAnswers.all(live.refresh(), live);
        return Response.ok(all).header("ETag", Precondition.tag(all.version())).build();
    }

    @PUT
    @Operates
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "replaceRoutes",
            summary = "Replace all stored routes at once",
            description = "A route of the configuration file comes back if no stored route has its name.")
    @RequestBody(content = @Content(schema = @Schema(implementation = RouteAnswers.Set.class)))
    @APIResponse(
            responseCode = "200",
            description = "In force",
            content = @Content(schema = @Schema(implementation = RouteAnswers.Changed.class)))
    public Response replace(
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var wanted = RouteBody.set(Json.tree(body));
        var changed = change(Actor.of(actor, request), UNPROCESSABLE, RouteAnswers::inSet, before -> {
            Precondition.of(ifMatch).require("the set of routes", Precondition.tag(before.version()));
            return wanted;
        });
        var stored = changed.after();
        var touched = stored.routes().entrySet().stream()
                .filter(it -> it.getValue().version() == stored.version())
                .map(it -> it.getKey())
                .toList();
        return answer(200, changed, null, touched);
    }

    @GET
    @Path("/{name}")
    @Operation(operationId = "getRoute", summary = "One route")
    @APIResponse(
            responseCode = "200",
            description = "The route; the ETag is its version, or \"file\"",
            content = @Content(schema = @Schema(implementation = RouteAnswers.Entry.class)))
    public Response one(@RestPath String name) {
        var entry = RouteAnswers.entry(name, live.refresh().stored(), live);
        if (entry == null) throw Problem.of(NOT_FOUND, "there is no route \"" + name + "\"");
        return Response.ok(entry).header("ETag", entry.tag()).build();
    }

    @PUT
    @Operates
    @Path("/{name}")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "putRoute",
            summary = "Create or change a route",
            description =
                    "It takes the place of the configuration file's route of that name. The answer comes when it is in force on the"
                            + " gateway that answers; the others follow within a second.")
    @RequestBody(content = @Content(schema = @Schema(implementation = RouteSpec.class)))
    @APIResponse(
            responseCode = "200",
            description = "Changed, and in force",
            content = @Content(schema = @Schema(implementation = RouteAnswers.Changed.class)))
    @APIResponse(
            responseCode = "201",
            description = "Created, and in force",
            content = @Content(schema = @Schema(implementation = RouteAnswers.Changed.class)))
    public Response put(
            @RestPath String name,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var spec = Json.tree(body).toString();
        var changed = change(Actor.of(actor, request), UNPROCESSABLE, it -> pointer(it, name), before -> {
            var known = RouteAnswers.entry(name, before, live);
            Precondition.of(ifMatch).require("route " + name, known == null ? null : known.tag());
            var specs = before.specs();
            specs.put(name, spec);
            return specs;
        });
        var isNew = RouteAnswers.entry(name, changed.before(), live) == null;
        return answer(isNew ? CREATED : 200, changed, name, List.of(name));
    }

    @DELETE
    @Operates
    @Path("/{name}")
    @Operation(
            operationId = "deleteRoute",
            summary = "Delete a stored route",
            description =
                    "The configuration file's route of that name comes back. A route of the file alone cannot be deleted.")
    @APIResponse(
            responseCode = "200",
            description = "Deleted, and no longer in force",
            content = @Content(schema = @Schema(implementation = RouteAnswers.Changed.class)))
    public Response delete(
            @RestPath String name,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        var changed = change(Actor.of(actor, request), CONFLICT, _ -> null, before -> {
            var known = RouteAnswers.entry(name, before, live);
            Precondition.of(ifMatch).require("route " + name, known == null ? null : known.tag());
            if (known == null) throw Problem.of(NOT_FOUND, "there is no route \"" + name + "\"");
            if (known.version() == null)
                throw Problem.of(
                        CONFLICT,
                        "route " + name
                                + " stands in the configuration file: delete it there, or PUT one that takes its place");
            var specs = before.specs();
            specs.remove(name);
            return specs;
        });
        return answer(200, changed, name, List.of(name));
    }

    private RouteStore.Changed<LiveRoutes.Candidate> change(
            String actor,
            int status,
            Function<RouteMistakes.Mistake, String> pointers,
            Function<StoredRoutes, SortedMap<String, String>> edit) {
        try {
            return live.change(actor, edit);
        } catch (RouteMistakes wrong) {
            throw Problem.of(
                    status, "the routes would be wrong; those in force stay", RouteAnswers.mistakes(wrong, pointers));
        } catch (IllegalArgumentException refused) {
            throw Problem.of(status, refused.getMessage());
        }
    }

    /** The place in a document that is one route; null for a mistake of another route, or of all together. */
    private static String pointer(RouteMistakes.Mistake mistake, String route) {
        return route.equals(mistake.route()) ? RouteJson.pointer(mistake) : null;
    }

    /**
     * @param name the route that the answer shows; null for a change of the whole set
     * @param touched the routes to look for findings about
     */
    private Response answer(
            int status, RouteStore.Changed<LiveRoutes.Candidate> changed, String name, List<String> touched) {
        var stored = changed.after();
        var warnings = findings.about(changed, touched);
        var entry = name == null ? null : RouteAnswers.entry(name, stored, live);
        var tag = name == null ? Precondition.tag(stored.version()) : entry == null ? null : entry.tag();
        var answer = Response.status(status).entity(new RouteAnswers.Changed(stored.version(), entry, warnings));
        return tag == null ? answer.build() : answer.header("ETag", tag).build();
    }
}
