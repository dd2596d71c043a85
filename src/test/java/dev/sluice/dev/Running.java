package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Everything one launcher has started; closes it in the reverse order, once, also when this JVM is asked to end. */
final class Running implements AutoCloseable {
    private final Deque<AutoCloseable> started = new ArrayDeque<>();
    /** Without one of them nothing goes on. */
    private final List<ServerProcess> servers = new ArrayList<>();
    /** One of them is enough. */
    private final List<ServerProcess> gateways = new ArrayList<>();

    private final Settings settings;
    private final GatewayPlan plan;
    private volatile boolean closing;

    /** With one gateway. */
    Running(Settings settings) {
        this(settings, 1);
    }

    Running(Settings settings, int gateways) {
        this.settings = settings;
        this.plan = new GatewayPlan(settings, gateways);
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "close-servers"));
    }

    /** Starts Kafka and PostgreSQL; answers the line that says so. */
    String startBackends() {
        Backends.requireFreePorts(settings);
        keep(DataFolder.open(settings.data()));
        var backends = keep(Backends.start(settings));
        servers.addAll(backends.processes());
        return readyIn() + whereServersAre();
    }

    /** Starts everything; answers the line that says that a device can connect. */
    String startAll() {
        plan.requireFreePorts();
        startBackends();
        return start() + whereServersAre() + plan.describe() + GatewayProcess.access(settings);
    }

    /** Starts the gateway on servers that are running already; answers the line that says that a device can connect. */
    String startGateway() {
        return start() + GatewayProcess.access(settings);
    }

    private String start() {
        plan.requireFreePorts();
        DataFolder.create(settings.data());
        var starting = new ArrayList<GatewayProcess>();
        for (int number = 1; number <= plan.count(); number++) {
            starting.add(keep(plan.start(number)));
            gateways.add(starting.getLast().process());
        }
        starting.forEach(GatewayProcess::awaitReady);
        plan.balancer().ifPresent(this::keep);
        return readyIn() + "  mqtt " + settings.mqtt();
    }

    private String whereServersAre() {
        return "  kafka " + settings.kafka() + "  postgres " + settings.postgres();
    }

    /** Blocks until a server or the last gateway ends by itself, and complains of it; a stop that was asked for is none. */
    void awaitEnd() {
        while (!closing) {
            requireAlive();
            var ends = Stream.concat(servers.stream(), gateways.stream())
                    .map(ServerProcess::onEnd)
                    .toArray(CompletableFuture<?>[]::new);
            CompletableFuture.anyOf(ends).join();
        }
    }

    /** Complains of a server that ended by itself, and of the last gateway; of another gateway it only says so. */
    void requireAlive() {
        if (closing) return;
        servers.stream().filter(server -> !server.isAlive()).findFirst().ifPresent(this::giveUp);
        for (var ended : gateways.stream().filter(it -> !it.isAlive()).toList()) {
            gateways.remove(ended);
            if (gateways.isEmpty()) giveUp(ended);
            System.out.println(end(ended) + "; gateways that go on: " + gateways.size());
        }
    }

    private void giveUp(ServerProcess ended) {
        throw new Complaint(end(ended) + ", so everything was stopped. The logs are in " + settings.data());
    }

    private static String end(ServerProcess ended) {
        return ended.name() + " ended by itself with status " + ended.exitStatus();
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
