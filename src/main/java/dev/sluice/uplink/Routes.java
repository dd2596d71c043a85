package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import dev.sluice.topic.SubscriptionIndex;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * A set of routes, in the order of their names, found by Topic Name. Immutable: any thread may use it.
 */
public final class Routes {
    private static final Resolution REFUSE = new Resolution.Refuse("no route takes this topic name");
    private static final Resolution DROP = new Resolution.Drop();

    private final List<Route> routes;
    private final SubscriptionIndex<Route> index = new SubscriptionIndex<>();
    private final Resolution unmatched;
    private final List<Route> whenUnmatched;

    private Routes(List<Route> routes, Resolution unmatched, Optional<String> defaultRoute) {
        this.routes = routes;
        this.unmatched = unmatched;
        this.whenUnmatched = routes.stream()
                .filter(route -> defaultRoute.filter(route.name()::equals).isPresent())
                .toList();
        for (var route : routes) route.filter().ifPresent(filter -> index.add(filter.topicFilter(), route));
    }

    /** @throws RouteMistakes when the configuration is wrong */
    public static Routes of(UplinkConfig config) {
        return of(RouteSpec.all(config), config);
    }

    /**
     * @param specs by name
     * @param config says what becomes of what no route takes; its own routes do not count
     * @throws RouteMistakes when they are wrong
     */
    public static Routes of(SortedMap<String, RouteSpec> specs, UplinkConfig config) {
        var routes = RoutesReader.read(specs, config);
        return switch (config.unmatched()) {
            case REFUSE -> new Routes(routes, REFUSE, Optional.empty());
            case DROP -> new Routes(routes, DROP, Optional.empty());
            case DEFAULT_ROUTE -> new Routes(routes, REFUSE, config.defaultRoute());
        };
    }

    /**
     * The records that a message asks for. Not for each message: to be kept per connection and Topic Name.
     *
     * @param username null without one
     */
    public Resolution resolve(TopicName topicName, String clientId, String username) {
        var matching = new ArrayList<Route>();
        index.forEachMatch(topicName, matching::add);
        if (matching.isEmpty()) matching.addAll(whenUnmatched);
        if (matching.isEmpty()) return unmatched;
        matching.sort(Comparator.comparing(Route::name));
        var matches = new ArrayList<Match>(matching.size());
        for (var route : matching) {
            var match = route.match(topicName, clientId, username);
            var mistake = KafkaTopicName.mistake(match.kafkaTopic());
            if (mistake.isPresent()) return refusal(route, mistake.get());
            matches.add(match);
        }
        return new Resolution.Forward(List.copyOf(matches));
    }

    private static Resolution refusal(Route route, String mistake) {
        return new Resolution.Refuse("the Kafka topic " + route.kafkaTopic() + " of route " + route.name() + " "
                + mistake + " for this message");
    }

    /** All routes, in the order of their names. */
    public List<Route> routes() {
        return routes;
    }

    /** Takes what no filter matches, if that is so configured. */
    Optional<Route> defaultRoute() {
        return whenUnmatched.stream().findFirst();
    }

    /** The Kafka topics that can be looked for at the start: those of the routes that do not depend on the message. */
    public Set<String> literalKafkaTopics() {
        var names = new TreeSet<String>();
        for (var route : routes)
            if (!route.isTemplated()) names.add(route.kafkaTopic().toString());
        return names;
    }
}
