package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import dev.sluice.tools.ToolLog;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** The commands of the script {@code sluice} that need more than a shell; runs on the main thread of its own JVM. */
public final class Launcher {
    private Launcher() {}

    public static void main(String[] arguments) {
        ToolLog.start();
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
        if (command.equals("run") && arguments.equals(List.of("--secure"))) {
            return runSecurely(settings);
        }
        if (List.of("backends", "gateway").contains(command)) {
            requireNone(command, arguments);
        }
        return switch (command) {
            case "run" -> keepRunning(new Running(settings, gateways(arguments)), Running::startAll);
            case "backends" -> backends(settings);
            case "gateway" -> keepRunning(new Running(settings), Running::startGateway);
            case "demo" -> Demo.run(settings, arguments);
            default -> throw new Complaint("there is no command '" + command + "'; ./sluice help lists them.");
        };
    }

    /** With TLS, users and rules of its own. */
    private static int runSecurely(Settings settings) {
        var secure = SecureRun.prepare(settings);
        return keepRunning(new Running(secure.settings()), secure::start);
    }

    private static int backends(Settings settings) {
        if (settings.foreignKafka().isPresent() && settings.foreignPostgres().isPresent()) {
            throw new Complaint(
                    Settings.KAFKA + " and " + Settings.POSTGRES + " are both set: there is nothing to start.");
        }
        return keepRunning(new Running(settings), Running::startBackends);
    }

    private static int keepRunning(Running started, Function<Running, String> start) {
        try (var running = started) {
            System.out.println(start.apply(running));
            running.awaitEnd();
        }
        return 0;
    }

    /** How many gateways {@code run} is to start. */
    static int gateways(List<String> arguments) {
        if (arguments.isEmpty()) return 1;
        if (arguments.size() > 2 || !arguments.getFirst().equals(GatewayPlan.OPTION))
            throw new Complaint("'run' takes --secure, or --gateways and a number, and nothing else, but got '"
                    + String.join(" ", arguments) + "'.");
        return GatewayPlan.count(arguments.size() == 2 ? arguments.getLast() : "nothing");
    }

    private static void requireNone(String command, List<String> arguments) {
        if (!arguments.isEmpty()) {
            throw new Complaint("'" + command + "' takes no arguments, but got '" + arguments.getFirst() + "'.");
        }
    }
}
