package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/** Everything one launcher has started; closes it in the reverse order, once, also when this JVM is asked to end. */
final class Running implements AutoCloseable {
    private final Deque<AutoCloseable> started = new ArrayDeque<>();
    private final List<ServerProcess> processes = new ArrayList<>();
    private final Settings settings;
    private volatile boolean closing;

    Running(Settings settings) {
        this.settings = settings;
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "close-servers"));
    }

    /** Starts Kafka and PostgreSQL; answers the line that says so. */
    String startBackends() {
        Backends.requireFreePorts(settings);
        keep(DataFolder.open(settings.data()));
        var backends = keep(Backends.start(settings));
        processes.addAll(backends.processes());
        return readyIn() + servers();
    }

    /** Starts everything; answers the line that says that a device can connect. */
    String startAll() {
        requireFreePorts();
        startBackends();
        return start() + servers() + GatewayProcess.access(settings);
    }

    /** Starts the gateway on servers that are running already; answers the line that says that a device can connect. */
    String startGateway() {
        return start() + GatewayProcess.access(settings);
    }

    private String start() {
        requireFreePorts();
        DataFolder.create(settings.data());
        var gateway = keep(GatewayProcess.start(settings));
        processes.add(gateway.process());
        gateway.awaitReady();
        return readyIn() + "  mqtt " + settings.mqtt();
    }

    private void requireFreePorts() {
        Settings.requireFree(settings.port(), "the gateway", Settings.PORT);
        Settings.requireFree(settings.managementPort(), "health and metrics", Settings.MANAGEMENT_PORT);
    }

    private String servers() {
        return "  kafka " + settings.kafka() + "  postgres " + settings.postgres();
    }

    /** Blocks until one of the servers ends by itself, and complains of it; a stop that was asked for is none. */
    void awaitEnd() {
        var ends = processes.stream().map(ServerProcess::onEnd).toArray(CompletableFuture<?>[]::new);
        CompletableFuture.anyOf(ends).join();
        requireAlive();
    }

    /** Complains of a server that ended by itself. */
    void requireAlive() {
        var end = processes.stream().filter(process -> !process.isAlive()).findFirst();
        if (end.isPresent() && !closing) {
            var ended = end.get();
            throw new Complaint(ended.name() + " ended by itself with status " + ended.exitStatus()
                    + ", so everything was stopped. The logs are in " + settings.data());
        }
    }

    /** The time since this JVM started. */
    private static String readyIn() {
        var millis = System.currentTimeMillis()
                - ManagementFactory.getRuntimeMXBean().getStartTime();
        return String.format(Locale.ROOT, "ready in %.1f s", millis / 1000.0);
    }

    private synchronized <T extends AutoCloseable> T keep(T resource) {
        started.push(resource);
        return resource;
    }

    @Override
    public synchronized void close() {
        closing = true;
        while (!started.isEmpty()) {
            try {
                started.pop().close();
            } catch (Exception e) {
                System.err.println("sluice: while stopping: " + e);
            }
        }
    }
}
