package dev.sluice.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.LiveRules;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleMistakes;
import dev.sluice.store.rule.RuleStore;
import dev.sluice.store.rule.StoredRules;
import dev.sluice.uplink.route.RouteJson;
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
import java.util.Map;
import java.util.TreeMap;
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

/** The rules, read and changed while the gateway runs. Each request on a virtual thread of its own. */
@Path("/access/rules")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Access", description = "Who may publish, subscribe and receive what")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(responseCode = "200", description = "Done")
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class RuleResource {
    private static final String IF_MATCH =
            "The ETag that was seen; another one now is answered with 412, and changes nothing";
    private static final int CREATED = 201;
    private static final int NOT_FOUND = 404;
    private static final int CONFLICT = 409;
    private static final int UNPROCESSABLE = 422;
    private static final String RULES = "rules";

    private final LiveRules live;

    RuleResource(LiveRules live) {
        this.live = live;
    }

    @GET
    @Operation(operationId = "listRules", summary = "All rules, of the rules file and of PostgreSQL")
    @APIResponse(
            responseCode = "200",
            description = "The rules; the ETag is the version of the stored rules",
            content = @Content(schema = @Schema(implementation = RuleAnswers.All.class)))
    public Response all() {
        var all = RuleAnswers.all(live.refresh(), live.areEnforced());
        return Response.ok(all).header("ETag", Precondition.tag(all.version())).build();
    }

    @PUT
    @Administers
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "replaceRules",
            summary = "Replace all stored rules at once",
            description = "A rule of the rules file comes back if no stored rule has its name.")
    @RequestBody(content = @Content(schema = @Schema(implementation = RuleAnswers.Set.class)))
    @APIResponse(
            responseCode = "200",
            description = "In force",
            content = @Content(schema = @Schema(implementation = RuleAnswers.Changed.class)))
    public Response replace(
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var wanted = set(Json.tree(body));
        var changed = change(Actor.of(actor, request), UNPROCESSABLE, null, before -> {
            Precondition.of(ifMatch).require("the set of rules", Precondition.tag(before.version()));
            return wanted;
        });
        return answer(200, changed, null);
    }

    private static Map<String, JsonNode> set(JsonNode json) {
        var mistakes = new TreeMap<String, String>();
        json.fieldNames().forEachRemaining(field -> {
            if (!field.equals(RULES))
                mistakes.put("/" + RouteJson.escape(field), "is not a field of this; the one field is rules");
        });
        if (!json.path(RULES).isObject()) mistakes.put("/rules", "must be an object of rules by name");
        if (!mistakes.isEmpty())
            throw Problem.of(
                    UNPROCESSABLE,
                    "this is not a set of rules",
                    mistakes.entrySet().stream()
                            .map(it -> new Problem.Mistake(it.getKey(), null, it.getValue()))
                            .toList());
        var specs = new TreeMap<String, JsonNode>();
        json.get(RULES).properties().forEach(it -> specs.put(it.getKey(), it.getValue()));
        return specs;
    }

    @GET
    @Path("/{name}")
    @Operation(operationId = "getRule", summary = "One rule")
    @APIResponse(
            responseCode = "200",
            description = "The rule; the ETag is its version, or \"file\"",
            content = @Content(schema = @Schema(implementation = RuleAnswers.Entry.class)))
    public Response one(@RestPath String name) {
        var state = live.refresh();
        var entry = RuleAnswers.entry(name, state.stored(), state);
        if (entry == null) throw missing(name);
        return Response.ok(entry).header("ETag", entry.tag()).build();
    }

    @PUT
    @Administers
    @Path("/{name}")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "putRule",
            summary = "Create or change a rule",
            description =
                    "It takes the place of the rules file's rule of that name. The answer comes when it is in force on the gateway that"
                            + " answers; the others follow within a second. Clients that have lost a right by it are ended, or lose"
                            + " the subscription, as sluice.access.on-lost-right says.")
    @RequestBody(content = @Content(schema = @Schema(implementation = RuleAnswers.Spec.class)))
    @APIResponse(
            responseCode = "200",
            description = "Changed, and in force",
            content = @Content(schema = @Schema(implementation = RuleAnswers.Changed.class)))
    @APIResponse(
            responseCode = "201",
            description = "Created, and in force",
            content = @Content(schema = @Schema(implementation = RuleAnswers.Changed.class)))
    public Response put(
            @RestPath String name,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        var spec = Json.tree(body);
        var changed = change(Actor.of(actor, request), UNPROCESSABLE, name, before -> {
            var known = RuleAnswers.entry(name, before, live.state());
            Precondition.of(ifMatch).require("rule " + name, known == null ? null : known.tag());
            var specs = new TreeMap<String, JsonNode>(before.specs());
            specs.put(name, spec);
            return specs;
        });
        var isNew = RuleAnswers.entry(name, changed.before(), live.state()) == null;
        return answer(isNew ? CREATED : 200, changed, name);
    }

    @DELETE
    @Administers
    @Path("/{name}")
    @Operation(
            operationId = "deleteRule",
            summary = "Delete a stored rule",
            description = "The rules file's rule of that name comes back. A rule of the file alone cannot be deleted.")
    @APIResponse(
            responseCode = "200",
            description = "Deleted, and no longer in force",
            content = @Content(schema = @Schema(implementation = RuleAnswers.Changed.class)))
    public Response delete(
            @RestPath String name,
            @Parameter(description = IF_MATCH) @HeaderParam("If-Match") String ifMatch,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        var changed = change(Actor.of(actor, request), CONFLICT, null, before -> {
            var known = RuleAnswers.entry(name, before, live.state());
            Precondition.of(ifMatch).require("rule " + name, known == null ? null : known.tag());
            if (known == null) throw missing(name);
            if (known.version() == null)
                throw Problem.of(
                        CONFLICT,
                        "rule " + name + " stands in the rules file: delete it there, or PUT one that takes its place");
            var specs = new TreeMap<String, JsonNode>(before.specs());
            specs.remove(name);
            return specs;
        });
        return answer(200, changed, name);
    }

    private static Problem missing(String name) {
        return Problem.of(NOT_FOUND, "there is no rule \"" + name + "\"");
    }

    private RuleStore.Changed<List<Rule>> change(
            String actor, int status, String only, Function<StoredRules, Map<String, JsonNode>> edit) {
        try {
            return live.change(actor, edit);
        } catch (RuleMistakes wrong) {
            throw Problem.of(
                    status, "the rules would be wrong; those in force stay", RuleAnswers.mistakes(wrong, only));
        } catch (IllegalArgumentException refused) {
            throw Problem.of(status, refused.getMessage());
        }
    }

    /** @param name the rule that the answer shows; null for a change of the whole set */
    private Response answer(int status, RuleStore.Changed<List<Rule>> changed, String name) {
        var stored = changed.after();
        var entry = name == null ? null : RuleAnswers.entry(name, stored, live.state());
        var tag = name == null ? Precondition.tag(stored.version()) : entry == null ? null : entry.tag();
        var answer = Response.status(status).entity(new RuleAnswers.Changed(stored.version(), entry));
        return tag == null ? answer.build() : answer.header("ETag", tag).build();
    }
}
