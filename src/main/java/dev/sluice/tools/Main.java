package dev.sluice.tools;

import io.quarkus.runtime.ApplicationLifecycleManager;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.security.Security;
import java.util.concurrent.CountDownLatch;

/** Where the process begins: the gateway without arguments, a tool with them. The gateway loads no class of the tools. */
@QuarkusMain
public final class Main {
    /** Seconds; the JVM's own 30 would lead to the old address for as long after a failover by DNS. */
    private static final String ADDRESS_LIFETIME = "1";

    private static final CountDownLatch WRITTEN = new CountDownLatch(1);
    private static volatile boolean started;

    Main() {}

    public static void main(String... arguments) {
        forgetAddressesSoon();
        if (arguments.length > 0) System.exit(Tools.run(arguments));
        // Not as the handler of this run: Quarkus would no longer say why a start has failed.
        ApplicationLifecycleManager.setDefaultExitCodeHandler(Main::exit);
        Runtime.getRuntime().addShutdownHook(new Thread(Main::awaitLog, "log"));
        Quarkus.run(Serving.class);
    }

    /** Runs once the gateway has started. */
    static final class Serving implements QuarkusApplication {
        @Override
        public int run(String... arguments) {
            started = true;
            Quarkus.waitForExit();
            return 0;
        }
    }

    /** Quarkus' own hook returns while the main thread still writes what that hook has logged last. */
    private static void awaitLog() {
        if (!started) return;
        try {
            WRITTEN.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Unless the file of security properties says otherwise. */
    private static void forgetAddressesSoon() {
        if (Security.getProperty("networkaddress.cache.ttl") == null)
            Security.setProperty("networkaddress.cache.ttl", ADDRESS_LIFETIME);
        Security.setProperty("networkaddress.cache.negative.ttl", ADDRESS_LIFETIME);
    }

    private static void exit(int status) {
        LogQueues.writeOut();
        WRITTEN.countDown();
        System.exit(status);
    }
}
