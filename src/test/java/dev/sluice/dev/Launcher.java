package dev.sluice.dev;

import java.util.Arrays;
import java.util.List;

/** The commands of the script {@code sluice} that need more than a shell; runs on the main thread of its own JVM. */
public final class Launcher {
    private Launcher() {}

    public static void main(String[] arguments) {
        var rest = Arrays.asList(arguments).subList(1, arguments.length);
        try {
            System.exit(run(arguments[0], rest));
        } catch (Complaint complaint) {
            System.err.println("sluice: " + complaint.getMessage());
            System.exit(1);
        }
    }

    private static int run(String command, List<String> arguments) {
        var settings = Settings.of(System.getenv());
        return switch (command) {
            case "run" -> run(settings, arguments);
            case "backends" -> backends(settings, arguments);
            case "gateway" -> gateway(settings, arguments);
            case "demo" -> Demo.run(settings, arguments);
            case "tail" -> Tail.run(settings, arguments);
            default -> throw new Complaint("there is no command '" + command + "'; ./sluice help lists them.");
        };
    }

    private static int run(Settings settings, List<String> arguments) {
        requireNone("run", arguments);
        try (var running = new Running(settings)) {
            running.startAll();
            System.out.println(Running.readyIn() + "  mqtt " + settings.mqtt() + "  kafka " + settings.kafka()
                    + "  postgres " + settings.postgres());
            running.awaitEnd();
        }
        return 0;
    }

    private static int backends(Settings settings, List<String> arguments) {
        requireNone("backends", arguments);
        if (settings.foreignKafka().isPresent() && settings.foreignPostgres().isPresent()) {
            throw new Complaint(
                    Settings.KAFKA + " and " + Settings.POSTGRES + " are both set: there is nothing to start.");
        }
        try (var running = new Running(settings)) {
            running.startBackends();
            System.out.println(Running.readyIn() + "  kafka " + settings.kafka() + "  postgres " + settings.postgres());
            running.awaitEnd();
        }
        return 0;
    }

    private static int gateway(Settings settings, List<String> arguments) {
        requireNone("gateway", arguments);
        try (var running = new Running(settings)) {
            running.startGateway();
            System.out.println(Running.readyIn() + "  mqtt " + settings.mqtt());
            running.awaitEnd();
        }
        return 0;
    }

    private static void requireNone(String command, List<String> arguments) {
        if (!arguments.isEmpty()) {
            throw new Complaint("'" + command + "' takes no arguments, but got '" + arguments.getFirst() + "'.");
        }
    }
}
