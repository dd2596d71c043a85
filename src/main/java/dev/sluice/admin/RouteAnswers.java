package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.store.route.RouteStore;
import dev.sluice.store.route.StoredRoutes;
import dev.sluice.uplink.route.LiveRoutes;
import dev.sluice.uplink.route.RouteJson;
import dev.sluice.uplink.route.RouteLint;
import dev.sluice.uplink.route.RouteMistakes;
import dev.sluice.uplink.route.RouteSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** The answers of the API about routes, and how they are made. Stateless. */
final class RouteAnswers {
    private static final String FILE = "file";
    private static final String DATABASE = "database";

    private RouteAnswers() {}

    @Schema(name = "RouteEntry", description = "A route and where it comes from")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Entry(
            @Schema(examples = "telemetry") String name,

            @Schema(
                    description = "Whether it stands in the configuration file or in PostgreSQL",
                    enumeration = {FILE, DATABASE})
            String source,

            @Schema(description = "Version of the set that its last change made; not of a route of the file")
            Long version,

            @Schema(description = "When it was changed last")
            Instant updatedAt,

            @Schema(description = "Who changed it last") String updatedBy,

            @Schema(implementation = RouteSpec.class) JsonNode spec) {
        String tag() {
            return Precondition.tag(version == null ? FILE : version);
        }
    }

    @Schema(name = "RouteSet", description = "All routes")
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record All(
            @Schema(description = "Version of the stored routes")
            long version,

            @Schema(
                    description =
                            "Version in force on this gateway; it differs from the other only while the stored routes are wrong")
            long inForce,

            @Schema(description = "Why the stored routes are not in force")
            List<Problem.Mistake> rejected,

            @JsonInclude List<Entry> routes) {}

    @Schema(
            name = "RouteChanged",
            description = "A change that is in force on the gateway that answers, and within a second on all others")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Changed(
            @Schema(description = "Version of the stored routes, in force here")
            long version,

            @Schema(
                    description =
                            "The route as it is now; of a deleted one, that of the configuration file, if there is one")
            Entry route,

            @Schema(description = "Findings about the routes that were changed")
            List<Finding> warnings) {}

    @Schema(name = "RouteFinding", description = "A likely mistake in a valid route")
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Finding(
            @Schema(
                    enumeration = {
                        "shadowed",
                        "overlapping",
                        "dangling",
                        "missing-topic",
                        "missing-partition",
                        "keyless"
                    })
            String kind,

            @Schema(examples = "telemetry") String route,

            @Schema(description = "The other routes that it is about")
            List<String> others,

            @Schema(description = "What was found, about the route")
            String detail) {}

    @Schema(name = "RouteLint")
    record Lint(
            @Schema(description = "Version of the stored routes")
            long version,

            @Schema(description = "Whether Kafka could be asked for the topics")
            boolean topicsKnown,

            List<Finding> findings) {}

    @Schema(name = "RouteHistory", description = "Changes of routes, the latest first")
    record History(List<Change> changes) {}

    @Schema(name = "RouteChange", description = "One change of one route")
    record Change(
            @Schema(description = "For the parameter before of the next page")
            long id,

            Instant at,

            @Schema(description = "Who did it: X-Sluice-Actor, else the address of the caller, else the database user")
            String actor,

            @Schema(enumeration = {"create", "change", "delete"})
            String action,

            String route,

            @Schema(implementation = RouteSpec.class, nullable = true, description = "null where there was none")
            JsonNode before,

            @Schema(implementation = RouteSpec.class, nullable = true, description = "null if there is none any more")
            JsonNode after) {}

    static All all(LiveRoutes.State state, LiveRoutes live) {
        var names = new TreeSet<>(live.ofTheFile().keySet());
        names.addAll(state.stored().routes().keySet());
        return new All(
                state.stored().version(),
                state.inForce(),
                state.rejection().map(it -> mistakes(it, RouteAnswers::inSet)).orElse(List.of()),
                names.stream().map(name -> entry(name, state.stored(), live)).toList());
    }

    /** @return null when there is no such route */
    static Entry entry(String name, StoredRoutes stored, LiveRoutes live) {
        var own = stored.routes().get(name);
        if (own != null)
            return new Entry(name, DATABASE, own.version(), own.updatedAt(), own.updatedBy(), spec(name, own.spec()));
        var spec = live.ofTheFile().get(name);
        return spec == null ? null : new Entry(name, FILE, null, null, null, RouteJson.write(spec));
    }

    /** In the order of the documentation, which PostgreSQL does not keep; as it is where it is wrong. */
    private static JsonNode spec(String name, String stored) {
        var json = Json.tree(stored);
        var mistakes = new ArrayList<RouteMistakes.Mistake>();
        var spec = RouteJson.read(name, json, mistakes);
        return mistakes.isEmpty() ? RouteJson.write(spec) : json;
    }

    static Finding finding(RouteLint.Finding found) {
        var kind = found.kind().name().toLowerCase(Locale.ROOT).replace('_', '-');
        return new Finding(kind, found.route(), found.others(), found.sentence());
    }

    static Change change(RouteStore.Change change) {
        return new Change(
                change.id(),
                change.at(),
                change.actor(),
                change.action(),
                change.route(),
                change.before() == null ? null : spec(change.route(), change.before()),
                change.after() == null ? null : spec(change.route(), change.after()));
    }

    /** @param pointers gives the place of a mistake in what was sent, null when it is not there */
    static List<Problem.Mistake> mistakes(RouteMistakes wrong, Function<RouteMistakes.Mistake, String> pointers) {
        return wrong.mistakes().stream()
                .map(it -> new Problem.Mistake(pointers.apply(it), it.route(), it.sentence()))
                .toList();
    }

    /** The place in a document that holds a set of routes. */
    static String inSet(RouteMistakes.Mistake mistake) {
        if (mistake.route() == null) return null;
        return "/routes/" + RouteJson.escape(mistake.route()) + RouteJson.pointer(mistake);
    }

    /** The request that holds a set of routes, for the description of the API; {@link RouteBody} reads it. */
    @Schema(name = "Routes", description = "Routes by name")
    record Set(@Schema(required = true) Map<String, RouteSpec> routes) {}
}
