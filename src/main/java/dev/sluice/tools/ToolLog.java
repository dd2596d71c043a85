package dev.sluice.tools;

import java.util.List;
import java.util.logging.Handler;
import org.apache.kafka.clients.NetworkClient;
import org.jboss.logmanager.Level;
import org.jboss.logmanager.LogContext;
import org.jboss.logmanager.LogManager;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.jboss.logmanager.handlers.ConsoleHandler;

/**
 * The log of a JVM that is not the gateway: warnings and errors, on standard error. To be started first thing, on the main thread. Without
 * it, Quarkus keeps every message down to TRACE for an application that never starts, and two threads that log for the first time can wait
 * for each other for ever: one initializes the log manager, the other the log context, and each needs the other's.
 */
public final class ToolLog {
    /** The tools say themselves, in one sentence, when a server does not answer. */
    private static final List<String> ERRORS_ONLY = List.of("org.apache.kafka.clients", "com.hivemq", "io.netty");

    private ToolLog() {}

    public static void start() {
        System.setProperty("java.util.logging.manager", LogManager.class.getName());
        var log = LogContext.getLogContext();
        log.getLogger(NetworkClient.class.getName()).setLevel(Level.OFF);
        for (var name : ERRORS_ONLY) log.getLogger(name).setLevel(Level.ERROR);
        var root = log.getLogger("");
        root.setLevel(Level.WARN);
        var console = new ConsoleHandler(
                ConsoleHandler.Target.SYSTEM_ERR, new PatternFormatter("%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p [%c] %s%e%n"));
        // Quarkus' part in tests sets the level of the root to INFO afterwards.
        console.setLevel(Level.WARN);
        root.setHandlers(new Handler[] {console});
    }
}
