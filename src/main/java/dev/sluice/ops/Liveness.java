package dev.sluice.ops;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

/** Asks the gateway of this machine whether it lives. Stateless; blocks for a few seconds at most. */
final class Liveness {
    private static final int TIMEOUT_MILLIS = 3000;

    private Liveness() {}

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
