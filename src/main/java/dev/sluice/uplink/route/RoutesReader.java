package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig;
import dev.sluice.config.UplinkConfig.Unmatched;
import dev.sluice.uplink.contract.Contract;
import dev.sluice.uplink.route.RouteMistakes.Mistake;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Makes routes of what somebody wrote, and gathers every mistake in it. Confined to the call that reads. */
final class RoutesReader {
    private static final Pattern ROUTE_NAME = Pattern.compile("[A-Za-z0-9_-]+");
    private static final Template NOTHING = Template.of("");
    private static final Template BY_KEY = Template.of("key");

    private final UplinkConfig config;
    private final List<Route> routes = new ArrayList<>();
    private final List<Mistake> mistakes = new ArrayList<>();

    private RoutesReader(UplinkConfig config) {
        this.config = config;
    }

    /**
     * @param config says which route is the default one; its own routes do not count
     * @throws RouteMistakes when there are any
     */
    static List<Route> read(SortedMap<String, RouteSpec> specs, UplinkConfig config) {
        var reader = new RoutesReader(config);
        specs.forEach(reader::readRoute);
        reader.checkDefaultRoute(specs.keySet());
        reader.checkDeadLetterTopic();
        if (!reader.mistakes.isEmpty()) throw new RouteMistakes(reader.mistakes);
        return List.copyOf(reader.routes);
    }

    private void readRoute(String name, RouteSpec spec) {
        if (!ROUTE_NAME.matcher(name).matches())
            mistakes.add(new Mistake(name, "", "the name of a route is letters, digits, - and _ only"));
        var mistakesBefore = mistakes.size();
        var filter = readFilter(name, spec);
        // A wrong filter leaves open which names there are; no guess is reported.
        UnaryOperator<Template> requireKnown =
                mistakes.size() > mistakesBefore ? it -> it : it -> it.requireKnown(knownNames(name, filter));
        var kafkaTopic = attempt(name, "kafka-topic", () -> requireKnown.apply(kafkaTopic(spec.kafkaTopic())));
        var recordKey =
                attempt(name, "key", () -> requireKnown.apply(Template.of(spec.key() == null ? "" : spec.key())));
        var headers = new TreeMap<String, Template>();
        new TreeMap<>(spec.headers()).forEach((header, text) -> {
            if (HeaderNames.isReserved(header, spec.headerStyle()))
                mistakes.add(new Mistake(name, "headers." + header, "every record has this header already"));
            attempt(name, "headers." + header, () -> requireKnown.apply(Template.of(text)))
                    .ifPresent(template -> headers.put(header, template));
        });
        var partition = attempt(name, "partition", () -> requireKnown.apply(partition(spec.partition())));
        var contract = spec.contract() == null
                ? Optional.<Contract>empty()
                : attempt(name, "contract", () -> Contract.of(spec.contract(), config.contractTimeout()));
        requireRange(name, spec);
        routes.add(new Route(
                name,
                spec,
                filter,
                kafkaTopic.orElse(NOTHING),
                recordKey.orElse(NOTHING),
                headers,
                partition.orElse(BY_KEY),
                contract));
    }

    private void requireRange(String name, RouteSpec spec) {
        if (spec.qosFloor() < 0 || spec.qosFloor() > 1)
            mistakes.add(new Mistake(name, "qos-floor", "is " + spec.qosFloor() + ", but must be 0 or 1"));
        if (spec.maximumPayload() < 0)
            mistakes.add(new Mistake(
                    name, "maximum-payload", "is " + spec.maximumPayload() + ", but must be a number of bytes"));
    }

    private static Template partition(String text) {
        var template = Template.of(text);
        if (template.isLiteral()) Partition.of(template, _ -> "");
        return template;
    }

    private List<String> knownNames(String route, Optional<RouteFilter> filter) {
        var known = new ArrayList<String>();
        // The default route must make a record of a message that its filter does not match.
        if (!isDefault(route)) filter.ifPresent(it -> known.addAll(it.names()));
        known.addAll(Route.ALWAYS_KNOWN);
        return known;
    }

    private Optional<RouteFilter> readFilter(String name, RouteSpec spec) {
        if (spec.filter() != null) return attempt(name, "filter", () -> RouteFilter.of(spec.filter()));
        if (!isDefault(name))
            mistakes.add(new Mistake(name, "filter", "is not set, and only the default route may be without a filter"));
        return Optional.empty();
    }

    private static Template kafkaTopic(String text) {
        var template = Template.of(text);
        var literal = template.literalText();
        var mistake = template.isLiteral() ? KafkaTopicName.mistake(literal) : KafkaTopicName.mistakeInPart(literal);
        if (mistake.isPresent()) throw new IllegalArgumentException("\"" + text + "\" " + mistake.get());
        return template;
    }

    private <T> Optional<T> attempt(String route, String field, Supplier<T> read) {
        try {
            return Optional.of(read.get());
        } catch (IllegalArgumentException e) {
            mistakes.add(new Mistake(route, field, e.getMessage()));
            return Optional.empty();
        }
    }

    private boolean isDefault(String name) {
        return config.defaultRoute().filter(name::equals).isPresent();
    }

    private void checkDeadLetterTopic() {
        var isUsed =
                config.unmatched() == Unmatched.DEAD_LETTER || routes.stream().anyMatch(Route::hasDeadLetters);
        var topic = config.deadLetterTopic();
        if (isUsed)
            KafkaTopicName.mistake(topic)
                    .ifPresent(mistake ->
                            mistakes.add(new Mistake(null, "dead-letter-topic", "\"" + topic + "\" " + mistake)));
    }

    private void checkDefaultRoute(Set<String> names) {
        var field = "default-route";
        var isUsed = config.unmatched() == Unmatched.DEFAULT_ROUTE;
        if (isUsed && config.defaultRoute().isEmpty())
            mistakes.add(
                    new Mistake(null, "unmatched", "is default-route, but sluice.uplink." + field + " is not set"));
        config.defaultRoute().ifPresent(name -> {
            if (!names.contains(name)) mistakes.add(new Mistake(null, field, "there is no route \"" + name + "\""));
            if (!isUsed)
                mistakes.add(new Mistake(
                        null, field, "is set, but nothing goes there unless sluice.uplink.unmatched is default-route"));
        });
    }
}
