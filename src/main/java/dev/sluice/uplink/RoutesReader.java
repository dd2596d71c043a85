package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import dev.sluice.config.UplinkConfig.RouteConfig;
import dev.sluice.config.UplinkConfig.Unmatched;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Reads routes from the configuration and gathers every mistake in them. Confined to the call that reads. */
final class RoutesReader {
    private static final String PREFIX = "sluice.uplink.";
    private static final Pattern ROUTE_NAME = Pattern.compile("[A-Za-z0-9_-]+");
    private static final Template NOTHING = Template.of("");

    private final UplinkConfig config;
    private final List<Route> routes = new ArrayList<>();
    private final List<String> mistakes = new ArrayList<>();

    private RoutesReader(UplinkConfig config) {
        this.config = config;
    }

    /** @throws IllegalArgumentException with a line for each mistake */
    static List<Route> read(UplinkConfig config) {
        var reader = new RoutesReader(config);
        new TreeMap<>(config.routes()).forEach(reader::readRoute);
        reader.checkDefaultRoute();
        if (!reader.mistakes.isEmpty()) throw new IllegalArgumentException(String.join("\n", reader.mistakes));
        return List.copyOf(reader.routes);
    }

    private void readRoute(String name, RouteConfig route) {
        var key = PREFIX + "routes." + name;
        if (!ROUTE_NAME.matcher(name).matches())
            mistakes.add(key + ": the name of a route is letters, digits, - and _ only");
        var mistakesBefore = mistakes.size();
        var filter = readFilter(name, key + ".filter", route);
        // A wrong filter leaves open which names there are; no guess is reported.
        UnaryOperator<Template> requireKnown =
                mistakes.size() > mistakesBefore ? it -> it : it -> it.requireKnown(knownNames(name, filter));
        var kafkaTopic = attempt(key + ".kafka-topic", () -> requireKnown.apply(kafkaTopic(route.kafkaTopic())));
        var recordKey = attempt(
                key + ".key", () -> requireKnown.apply(Template.of(route.key().orElse(""))));
        var headers = new TreeMap<String, Template>();
        route.headers().forEach((header, text) -> {
            if (UplinkRecord.isReserved(header))
                mistakes.add(key + ".headers." + header + ": every record has this header already");
            attempt(key + ".headers." + header, () -> requireKnown.apply(Template.of(text)))
                    .ifPresent(template -> headers.put(header, template));
        });
        routes.add(
                new Route(routes.size(), name, filter, kafkaTopic.orElse(NOTHING), recordKey.orElse(NOTHING), headers));
    }

    private List<String> knownNames(String route, Optional<RouteFilter> filter) {
        var known = new ArrayList<String>();
        // The default route must make a record of a message that its filter does not match.
        if (!isDefault(route)) filter.ifPresent(it -> known.addAll(it.names()));
        known.addAll(Route.ALWAYS_KNOWN);
        return known;
    }

    private Optional<RouteFilter> readFilter(String name, String key, RouteConfig route) {
        if (route.filter().isEmpty() && !isDefault(name))
            mistakes.add(key + ": is not set, and only the default route may be without a filter");
        return route.filter().flatMap(text -> attempt(key, () -> RouteFilter.of(text)));
    }

    private static Template kafkaTopic(String text) {
        var template = Template.of(text);
        var literal = template.literalText();
        var mistake = template.isLiteral() ? KafkaTopicName.mistake(literal) : KafkaTopicName.mistakeInPart(literal);
        if (mistake.isPresent()) throw new IllegalArgumentException("\"" + text + "\" " + mistake.get());
        return template;
    }

    private <T> Optional<T> attempt(String key, Supplier<T> read) {
        try {
            return Optional.of(read.get());
        } catch (IllegalArgumentException e) {
            mistakes.add(key + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private boolean isDefault(String name) {
        return config.defaultRoute().filter(name::equals).isPresent();
    }

    private void checkDefaultRoute() {
        var key = PREFIX + "default-route";
        var isUsed = config.unmatched() == Unmatched.DEFAULT_ROUTE;
        if (isUsed && config.defaultRoute().isEmpty())
            mistakes.add(PREFIX + "unmatched: is default-route, but " + key + " is not set");
        config.defaultRoute().ifPresent(name -> {
            if (!config.routes().containsKey(name)) mistakes.add(key + ": there is no route \"" + name + "\"");
            if (!isUsed)
                mistakes.add(key + ": is set, but nothing goes there unless " + PREFIX + "unmatched is default-route");
        });
    }
}
