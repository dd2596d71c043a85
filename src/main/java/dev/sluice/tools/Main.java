package dev.sluice.tools;

import dev.sluice.clock.LogQueues;
import io.quarkus.runtime.ApplicationLifecycleManager;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.security.Security;

/** Where the process begins: the gateway without arguments, a tool with them. The gateway loads no class of the tools. */
@QuarkusMain
public final class Main {
    /** Seconds; the JVM's own 30 would lead to the old address for as long after a failover by DNS. */
    private static final String ADDRESS_LIFETIME = "1";

    Main() {}

    public static void main(String... arguments) {
        forgetAddressesSoon();
        if (arguments.length > 0) System.exit(Tools.run(arguments));
        // Not as the handler of this run: Quarkus would no longer say why a start has failed.
        ApplicationLifecycleManager.setDefaultExitCodeHandler(Main::exit);
        Quarkus.run();
    }

    /** Unless the file of security properties says otherwise. */
    private static void forgetAddressesSoon() {
        if (Security.getProperty("networkaddress.cache.ttl") == null)
            Security.setProperty("networkaddress.cache.ttl", ADDRESS_LIFETIME);
        Security.setProperty("networkaddress.cache.negative.ttl", ADDRESS_LIFETIME);
    }

    private static void exit(int status) {
        LogQueues.awaitWritten();
        System.exit(status);
    }
}
