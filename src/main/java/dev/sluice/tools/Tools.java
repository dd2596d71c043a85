package dev.sluice.tools;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.apache.kafka.common.KafkaException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The command line of the jar and the image. Exit status 0 is good; 1 means that a tool could not do its work, or found something wrong; 2
 * that it did not understand its arguments.
 */
@Command(
        name = "sluice",
        synopsisHeading = "Usage: ",
        customSynopsis = "sluice [COMMAND]",
        description =
                "Without a command, starts the gateway, which takes its settings from the environment and from files.",
        mixinStandardHelpOptions = true,
        subcommands = {Audit.class, Tail.class, Health.class},
        commandListHeading = "%nCommands:%n")
@RegisterForReflection(
        targets = {Tools.class, Audit.class, Tail.class, Health.class, KafkaOptions.class},
        classNames = "picocli.CommandLine$AutoHelpMixin")
final class Tools {
    private static final int FAILED = 1;

    private Tools() {}

    /** Runs a tool to its end; answers the exit status. */
    static int run(String... arguments) {
        ToolLog.start();
        try {
            return commandLine().execute(arguments);
        } catch (OutOfMemoryError _) {
            System.err.printf(
                    "sluice: %d MB of heap do not suffice; give more by -Xmx, or ask for less: see --help%n",
                    Runtime.getRuntime().maxMemory() >> 20);
            return FAILED;
        }
    }

    static CommandLine commandLine() {
        var commandLine = new CommandLine(new Tools());
        commandLine.getCommandSpec().version("sluice " + version());
        commandLine.setUsageHelpWidth(120);
        commandLine.setParameterExceptionHandler((mistake, _) -> {
            var asked = mistake.getCommandLine();
            asked.getErr().println("sluice: " + mistake.getMessage());
            asked.getErr().println("Try: " + asked.getCommandSpec().qualifiedName() + " --help");
            return asked.getCommandSpec().exitCodeOnInvalidInput();
        });
        commandLine.setExecutionExceptionHandler((failure, asked, _) -> {
            asked.getErr().println("sluice: " + sentence(failure));
            return FAILED;
        });
        return commandLine;
    }

    private static String sentence(Exception failure) throws Exception {
        return switch (failure) {
            case Complaint complaint -> complaint.getMessage();
            case KafkaException refused -> "Kafka: " + reason(refused);
            default -> throw failure;
        };
    }

    /** A client that cannot be made says so, and why only in its cause. */
    private static String reason(KafkaException refused) {
        return refused.getCause() == null
                ? refused.getMessage()
                : refused.getMessage() + ": " + refused.getCause().getMessage();
    }

    private static String version() {
        var properties = new Properties();
        try (var resource = Tools.class.getResourceAsStream("/dev/sluice/tools/version.properties")) {
            properties.load(resource);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }
}
