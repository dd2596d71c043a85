package dev.sluice.admin;

import dev.sluice.config.MqttConfig;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.PayloadFormat;
import dev.sluice.store.route.RouteStore;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.record.RouteTrial;
import dev.sluice.uplink.route.LiveRoutes;
import dev.sluice.uplink.route.RouteMistakes;
import dev.sluice.uplink.route.Routes;
import dev.sluice.uplink.route.RoutesInForce;
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

/** Questions about routes that change nothing. Each request on a virtual thread of its own. */
@Path("/routes")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Routes")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class RouteChecks {
    private static final int UNPROCESSABLE = 422;
    private static final int LONGEST_PAGE = 1000;
    private static final String LAST = "" + Long.MAX_VALUE;

    private final LiveRoutes live;
    private final RoutesInForce inForce;
    private final RouteStore store;
    private final Findings findings;
    private final MqttConfig mqtt;

    RouteChecks(LiveRoutes live, RoutesInForce inForce, RouteStore store, Findings findings, MqttConfig mqtt) {
        this.live = live;
        this.inForce = inForce;
        this.store = store;
        this.findings = findings;
        this.mqtt = mqtt;
    }

    @POST
    @Path("/evaluate")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(
            operationId = "evaluateRoutes",
            summary = "Try a message",
            description =
                    "Every record that would be produced for a message, and why the other routes have none. Nothing is produced.")
    @RequestBody(
            content =
                    @Content(
                            schema = @Schema(implementation = TrialRequest.class),
                            examples =
                                    @ExampleObject(
                                            name = "telemetry",
                                            value =
                                                    "{\"clientId\": \"truck-7\", \"topic\": \"fleet/truck-7/telemetry\", \"qos\": 1, \"payload\": \"3\"}")))
    public TrialAnswer evaluate(byte[] body) {
        var request = Json.read(Json.tree(body), TrialRequest.class);
        var question = request.question();
        var routes = routes(request);
        if (mqtt.payloadFormatCheck() && !PayloadFormat.holds(question.properties(), question.payload()))
            return TrialAnswer.refused(
                    "payload-format-invalid", ReasonCode.PAYLOAD_FORMAT_INVALID, PayloadFormat.NOT_TEXT);
        if (TopicName.of(request.topic()).isServers())
            return TrialAnswer.refused("not-authorized", ReasonCode.NOT_AUTHORIZED, TopicName.SERVERS_OWN);
        return TrialAnswer.of(RouteTrial.of(routes, question));
    }

    private Routes routes(TrialRequest request) {
        if (request.routes() == null || request.routes().isNull()) return inForce.routes();
        try {
            return live.with(RouteBody.routes(request.routes())).routes();
        } catch (RouteMistakes wrong) {
            throw Problem.of(UNPROCESSABLE, "the routes are wrong", RouteAnswers.mistakes(wrong, RouteAnswers::inSet));
        }
    }

    @GET
    @Path("/lint")
    @Operation(
            operationId = "lintRoutes",
            summary = "Likely mistakes in routes that are valid",
            description =
                    "Routes that do the same as others, that overlap, that capture names they do not use or take topics that never come, and Kafka topics"
                            + " and partitions that do not exist.")
    public RouteAnswers.Lint lint() {
        return findings.all(live.refresh().stored());
    }

    @GET
    @Path("/history")
    @Operation(operationId = "routeHistory", summary = "Who changed which route, the latest change first")
    public RouteAnswers.History history(
            @Parameter(description = "Only this route") @QueryParam("route") String route,
            @Parameter(description = "The id that the page ends before") @QueryParam("before") @DefaultValue(LAST)
                    long before,
            @Parameter(description = "Most changes in the answer, 1 to 1000") @QueryParam("limit") @DefaultValue("100")
                    int limit) {
        if (limit < 1 || limit > LONGEST_PAGE)
            throw Problem.of(UNPROCESSABLE, "limit is not a number from 1 to " + LONGEST_PAGE);
        return new RouteAnswers.History(store.history(route, before, limit).stream()
                .map(RouteAnswers::change)
                .toList());
    }
}
