package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.store.node.NodeDirectory;
import dev.sluice.store.node.NodeDirectory.NodeEntry;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.RestPath;

/** The gateways on this PostgreSQL. Each request on a virtual thread of its own. */
@Path("/nodes")
@Reads
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Gateways", description = "The gateways that share this PostgreSQL")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
@APIResponse(responseCode = "200", description = "Done")
@APIResponse(
        responseCode = "4XX",
        description = "What was wrong with the request; nothing has changed",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
class NodeResource {
    private static final Logger LOG = Logger.getLogger(NodeResource.class);
    private static final int NOT_FOUND = 404;

    private final NodeDirectory directory;
    private final AdminAccount account;

    NodeResource(NodeDirectory directory, AdminAccount account) {
        this.directory = directory;
        this.account = account;
    }

    @Schema(name = "Node", description = "A gateway as it was last written, which is every two seconds or so")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Node(
            @Schema(description = "Its name, sluice.node.id", examples = "gateway-1:8080")
            String id,

            @Schema(
                    enumeration = {"alive", "silent", "dead"},
                    description = "silent: its lease is over, and nobody has declared it dead;"
                            + " dead: another gateway ends its sessions, and then it is gone from here")
            String state,

            @Schema(description = "Number of its start: a later start of any gateway has a higher one")
            long run,

            @Schema(description = "Partition of the relay topic that it reads")
            Integer mailbox,

            @Schema(description = "How long it counts as alive")
            Instant leaseUntil,

            @Schema(description = "When it started") Instant startedAt,

            @Schema(description = "Whether it lets its clients go")
            boolean draining,

            @Schema(description = "Its open connections") int connections,

            @Schema(description = "Its host and the port for devices")
            String address,

            @Schema(description = "Of its program") String version,

            @Schema(description = "Whether it was ready a moment ago: load balancers bring it clients")
            boolean ready,

            @Schema(
                    description =
                            "How it is configured, as far as that has to be the same at all gateways: values by their keys")
            Map<String, String> settings) {
        static Node of(NodeEntry entry) {
            return new Node(
                    entry.id(),
                    entry.state(),
                    entry.run(),
                    entry.mailbox(),
                    entry.leaseUntil(),
                    entry.startedAt(),
                    entry.draining(),
                    entry.connections(),
                    entry.address(),
                    entry.version(),
                    entry.ready(),
                    entry.settings());
        }
    }

    @GET
    @Operation(operationId = "listNodes", summary = "All gateways, also those that have just died")
    @APIResponse(responseCode = "200", content = @Content(schema = @Schema(implementation = Node[].class)))
    public List<Node> all() {
        return directory.all().stream().map(Node::of).toList();
    }

    @POST
    @Operates
    @Path("/{id}/drain")
    @Operation(
            operationId = "drainNode",
            summary = "Tell a gateway to let its clients go",
            description = "It learns of it within a few seconds.")
    @APIResponse(responseCode = "204", description = "It is told")
    public void drain(
            @Parameter(description = "Its name; / is %2F") @RestPath String id,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        tell(id, true, Actor.of(actor, request));
    }

    @DELETE
    @Operates
    @Path("/{id}/drain")
    @Operation(
            operationId = "endDrainOfNode",
            summary = "Tell a gateway to keep its clients, and to take others, after it was told to let them go",
            description = "It learns of it within a few seconds. One that is about to end does so all the same.")
    @APIResponse(responseCode = "204", description = "It is told")
    public void endDrain(
            @Parameter(description = "Its name; / is %2F") @RestPath String id,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request) {
        tell(id, false, Actor.of(actor, request));
    }

    private void tell(String id, boolean drains, String who) {
        if (id.indexOf('\0') >= 0 || !directory.drain(id, drains))
            throw Problem.of(NOT_FOUND, "no gateway " + printable(id) + " runs");
        account.changed(who, "change", "node/" + id);
        LOG.infof(
                "gateway %s is told to %s, by %s",
                printable(id), drains ? "let its clients go" : "take clients again", printable(who));
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
