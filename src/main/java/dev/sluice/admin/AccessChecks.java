package dev.sluice.admin;

import dev.sluice.access.LiveRules;
import dev.sluice.store.rule.RuleStore;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.ExampleObject;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Questions about rules that change nothing. Each request on a virtual thread of its own. */
@Path("/access")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Access")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class AccessChecks {
    private static final int UNPROCESSABLE = 422;
    private static final int LONGEST_PAGE = 1000;
    private static final String LAST = "" + Long.MAX_VALUE;

    private final LiveRules live;
    private final RuleStore store;

    AccessChecks(LiveRules live, RuleStore store) {
        this.live = live;
        this.store = store;
    }

    @POST
    @Path("/evaluate")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "evaluateAccess",
            summary = "May this identity do that, and which rule says so?",
            description = "Asks the rules in force on the gateway that answers.")
    @RequestBody(
            content =
                    @Content(
                            schema = @Schema(implementation = AccessTrial.Question.class),
                            examples =
                                    @ExampleObject(
                                            name = "subscribe",
                                            value =
                                                    "{\"clientId\": \"truck-7\", \"username\": \"driver\", \"action\": \"subscribe\", \"topic\": \"fleet/truck-7/#\"}")))
    public AccessTrial.Answer evaluate(byte[] body) {
        var question = Json.read(Json.tree(body), AccessTrial.Question.class);
        return question.answer(live.state().rules(), live.areEnforced());
    }

    @GET
    @Path("/history")
    @Operation(operationId = "ruleHistory", summary = "Who changed which rule, the latest change first")
    public RuleAnswers.History history(
            @Parameter(description = "Only this rule") @QueryParam("rule") String rule,
            @Parameter(description = "The id that the page ends before") @QueryParam("before") @DefaultValue(LAST)
                    long before,
            @Parameter(description = "Most changes in the answer, 1 to 1000") @QueryParam("limit") @DefaultValue("100")
                    int limit) {
        if (limit < 1 || limit > LONGEST_PAGE)
            throw Problem.of(UNPROCESSABLE, "limit is not a number from 1 to " + LONGEST_PAGE);
        return new RuleAnswers.History(store.history(rule, before, limit).stream()
                .map(RuleAnswers::change)
                .toList());
    }
}
