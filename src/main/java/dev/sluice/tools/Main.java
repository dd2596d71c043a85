package dev.sluice.tools;

import io.quarkus.runtime.ApplicationLifecycleManager;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/** Where the process begins: the gateway without arguments, a tool with them. The gateway loads no class of the tools. */
@QuarkusMain
public final class Main {
    Main() {}

    public static void main(String... arguments) {
        if (arguments.length > 0) System.exit(Tools.run(arguments));
        // Not as the handler of this run: Quarkus would no longer say why a start has failed.
        ApplicationLifecycleManager.setDefaultExitCodeHandler(Main::exit);
        Quarkus.run();
    }

    private static void exit(int status) {
        LogQueues.writeOut();
        System.exit(status);
    }
}
