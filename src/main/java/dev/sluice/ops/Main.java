package dev.sluice.ops;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/**
 * Begins on the process's main thread: the gateway, or with the argument `health` a question to the gateway that runs, for images
 * that hold no other program that could ask.
 */
@QuarkusMain
public final class Main {
    /** @param args none for the gateway; `health`, and the port where that is not `QUARKUS_HTTP_PORT` or 8080 */
    public static void main(String... args) {
        if (args.length == 0 || !args[0].equals("health")) {
            Quarkus.run(args);
            return;
        }
        var port = args.length > 1 ? args[1] : System.getenv().getOrDefault("QUARKUS_HTTP_PORT", "8080");
        System.exit(Liveness.ask(port) ? 0 : 1);
    }
}
