package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Where the gateways of one launcher listen: a single one at the ports of the settings; of several, each at the ports that follow, and a
 * balancer at the port for devices. Immutable.
 */
record GatewayPlan(Settings settings, int count) {
    static final String OPTION = "--gateways";
    private static final int MOST = 10;
    private static final int LAST_PORT = 65_535;

    /** Reads a count. */
    static int count(String text) {
        if (!text.matches("[0-9]{1,2}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > MOST)
            throw new Complaint(OPTION + " needs a whole number from 1 to " + MOST + ", but got " + text + ".");
        return Integer.parseInt(text);
    }

    private boolean isSingle() {
        return count == 1;
    }

    private static String name(int number) {
        return "gateway-" + number;
    }

    /** Of the gateway with this number, from 1 on. */
    private Settings settings(int number) {
        return isSingle() ? settings : settings.withPorts(settings.port() + number, settings.managementPort() + number);
    }

    private List<Settings> all() {
        return IntStream.rangeClosed(1, count).mapToObj(this::settings).toList();
    }

    /** Refuses ports that are taken, before anything starts. */
    void requireFreePorts() {
        for (var its : List.of(settings(count).port(), settings(count).managementPort()))
            if (its > LAST_PORT)
                throw new Complaint("port " + its + " for the last of " + count + " gateways does not exist: set "
                        + Settings.PORT + " and " + Settings.MANAGEMENT_PORT + " lower.");
        Settings.requireFree(settings.port(), isSingle() ? "the gateway" : "the balancer", Settings.PORT);
        for (int number = 1; number <= count; number++) {
            var its = settings(number);
            var what = isSingle() ? "" : " of " + name(number);
            if (!isSingle()) Settings.requireFree(its.port(), "devices" + what, Settings.PORT);
            Settings.requireFree(its.managementPort(), "health and metrics" + what, Settings.MANAGEMENT_PORT);
        }
    }

    /** Starts one; it may not be ready yet. */
    GatewayProcess start(int number) {
        return isSingle() ? GatewayProcess.start(settings) : GatewayProcess.start(settings(number), name(number));
    }

    /** Started in front of them, if there are several. */
    Optional<Balancer> balancer() {
        return isSingle()
                ? Optional.empty()
                : Optional.of(Balancer.start(
                        settings.port(), all().stream().map(Settings::port).toList()));
    }

    /** A line for each of several. */
    String describe() {
        if (isSingle()) return "";
        var lines = new StringBuilder();
        for (int number = 1; number <= count; number++)
            lines.append("%n%s  %s  health and metrics http://127.0.0.1:%d/q"
                    .formatted(
                            name(number),
                            settings(number).mqtt(),
                            settings(number).managementPort()));
        return lines.toString();
    }
}
