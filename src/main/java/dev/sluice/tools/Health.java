package dev.sluice.tools;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * The command that asks the gateway of this machine whether it lives, for images that hold no other program that could ask. Blocks for a
 * few seconds at most.
 */
@Command(
        name = "health",
        description =
                "Asks the gateway on this machine whether it lives; exit status 0 if it does. For an image's health check.",
        mixinStandardHelpOptions = true)
final class Health implements Callable<Integer> {
    private static final int TIMEOUT_MILLIS = 3000;

    @Parameters(
            paramLabel = "PORT",
            defaultValue = "${env:QUARKUS_MANAGEMENT_PORT:-9000}",
            description = "the gateway's port for health (QUARKUS_MANAGEMENT_PORT, or 9000)")
    private String port;

    private Health() {}

    @Override
    public Integer call() {
        return ask(port) ? 0 : 1;
    }

    /** Says on the standard output why not. */
    static boolean ask(String port) {
        var address = "http://127.0.0.1:" + port + "/q/health/live";
        try {
            var connection = (HttpURLConnection) URI.create(address).toURL().openConnection();
            connection.setConnectTimeout(TIMEOUT_MILLIS);
            connection.setReadTimeout(TIMEOUT_MILLIS);
            var status = connection.getResponseCode();
            if (status != 200) System.out.println(address + " answers " + status);
            return status == 200;
        } catch (IOException | IllegalArgumentException silent) {
            System.out.println(address + ": " + silent);
            return false;
        }
    }
}
