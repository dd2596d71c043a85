package dev.sluice.tools;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/** Where the process begins: the gateway without arguments, a tool with them. The gateway loads no class of the tools. */
@QuarkusMain
public final class Main {
    Main() {}

    public static void main(String... arguments) {
        if (arguments.length == 0) Quarkus.run();
        else System.exit(Tools.run(arguments));
    }
}
