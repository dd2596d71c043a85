package dev.sluice.fault;

import static org.awaitility.Awaitility.await;

import dev.sluice.dev.Backends;
import dev.sluice.dev.Balancer;
import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.dev.ServerProcess;
import dev.sluice.dev.Settings;
import dev.sluice.support.Gateway;
import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntPredicate;

/**
 * Several packaged gateways behind one port, on one Kafka and one PostgreSQL, as processes of their own: each has a name, and can be killed,
 * frozen, replaced and connected to by itself. Used by the test's thread.
 */
final class GatewayFleet implements Deployment, AutoCloseable {
    /** A name whose lease lasts may be refused until it has run out. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(180);

    private static final int OK = 200;
    private static final int NO_CONTENT = 204;

    private final Settings settings;
    private final Backends backends;
    private final Balancer balancer;
    private final Map<String, Member> members = new LinkedHashMap<>();

    /** One that has been started; its process may have ended. */
    private static final class Member {
        final Settings settings;
        /** Of another build; null for that of this one. */
        Path jar;

        GatewayProcess process;
        boolean frozen;

        Member(Settings settings) {
            this.settings = settings;
        }

        void start(String name) {
            process = jar == null ? GatewayProcess.start(settings, name) : GatewayProcess.start(settings, name, jar);
        }
    }

    private GatewayFleet(Settings settings, Backends backends) {
        this.settings = settings;
        this.backends = backends;
        this.balancer = Balancer.start(settings.port(), List.of());
    }

    /** Starts gateways {@code gateway-1} and so on in a folder that is emptied first; returns when all are ready. */
    static GatewayFleet start(String folder, int gateways, String... javaOptions) {
        return start(folder, Optional.empty(), gateways, javaOptions);
    }

    /** The same on a Kafka of the test's own. */
    static GatewayFleet start(String folder, Optional<String> kafka, int gateways, String... javaOptions) {
        var options = new ArrayList<>(Servers.FAST_START);
        options.add("-Xmx512m");
        options.addAll(List.of(javaOptions));
        var settings = new Settings(
                Ports.free(), Ports.free(), Ports.free(), Servers.folder(folder), kafka, Optional.empty(), options);
        Gateway.rest();
        var fleet = new GatewayFleet(settings, Backends.start(settings));
        try {
            fleet.add(gateways);
            return fleet;
        } catch (RuntimeException failed) {
            fleet.close();
            throw failed;
        }
    }

    /** Starts so many more under new names; returns when all are ready. */
    void add(int gateways) {
        var names = new ArrayList<String>();
        for (int i = 0; i < gateways; i++) {
            names.add(newName());
            launch(names.getLast());
        }
        names.forEach(this::awaitReady);
    }

    /** Starts one that reaches Kafka and PostgreSQL by addresses of its own, and returns its name when it is ready. */
    String addApart(String kafka, int postgresPort) {
        var name = newName();
        var user = List.of("-Dquarkus.datasource.username=" + EmbeddedPostgresServer.USER);
        members.put(
                name,
                new Member(settings.withPorts(Ports.free(), Ports.free())
                        .withKafka(kafka)
                        .withPostgres(EmbeddedPostgresServer.jdbcUrl(postgresPort, "sluice"))
                        .withOptions(user)));
        restart(name);
        return name;
    }

    int postgresPort() {
        return settings.postgresPort();
    }

    ServerProcess postgres() {
        return backends.postgres();
    }

    /** One that no gateway has had. */
    private String newName() {
        return "gateway-" + (members.size() + 1);
    }

    private Member launch(String name) {
        var member = members.computeIfAbsent(name, _ -> new Member(settings.withPorts(Ports.free(), Ports.free())));
        member.start(name);
        return member;
    }

    /** Starts one of another build under a new name, which is returned when it is ready. */
    String add(Path jar) {
        var name = newName();
        members.computeIfAbsent(name, _ -> new Member(settings.withPorts(Ports.free(), Ports.free()))).jar = jar;
        restart(name);
        return name;
    }

    /** SIGTERM: returns when it has ended, and its clients have gone elsewhere. */
    void stop(String name) {
        balancer.remove(port(name));
        members.get(name).process.close();
    }

    /** Tells it to let its clients go, as an operator does who will stop it; returns when they are gone. */
    void drain(String name) {
        var answer = Gateway.send(port(name), "POST", "/admin/nodes/" + name + "/drain", "{}");
        if (answer.statusCode() != NO_CONTENT) throw new IllegalStateException(name + ": " + answer.body());
        awaitUnready(name);
        await(name + " without clients").until(() -> Gateway.metric(port(name), "sluice_connections") == 0);
    }

    /** SIGTERM, of which the balancer hears as others do; returns the exit status. */
    int terminate(String name) {
        var process = members.get(name).process.process();
        var hasComers = isReady(port(name));
        process.signal("TERM");
        if (hasComers) awaitUnready(name);
        await(name + " ended").until(() -> !process.isAlive());
        return process.exitStatus();
    }

    /** From then on the balancer gives it no more connections. */
    private void awaitUnready(String name) {
        await(name + " not ready").until(() -> !isReady(port(name)));
        balancer.remove(port(name));
    }

    private static boolean isReady(int port) {
        try {
            return Gateway.get(port, "/q/health/ready").statusCode() == OK;
        } catch (UncheckedIOException _) {
            return false;
        }
    }

    /** It is started again when it ends before that. */
    private void awaitReady(String name) {
        var member = members.get(name);
        await(name + " ready").atMost(START_PATIENCE).until(() -> isReady(member, name));
        balancer.remove(port(name));
        balancer.add(port(name));
    }

    private boolean isReady(Member member, String name) {
        if (!member.process.process().isAlive()) launch(name);
        try {
            member.process.awaitReady();
            return true;
        } catch (Complaint _) {
            return false;
        }
    }

    /** SIGKILL. Its connections break; the balancer gives it no more. */
    void kill(String name) {
        balancer.remove(port(name));
        members.get(name).process.process().kill();
    }

    /** Starts one that was killed, under its own name; returns when it is ready. */
    void restart(String name) {
        launch(name);
        awaitReady(name);
    }

    /** Starts one under a new name, which is returned when it is ready. */
    String replace() {
        var name = newName();
        restart(name);
        return name;
    }

    /** SIGSTOP. Its connections stay; the balancer gives it no more. */
    void freeze(String name) {
        balancer.remove(port(name));
        members.get(name).frozen = true;
        members.get(name).process.process().freeze();
    }

    /** SIGCONT. Returns when it is ready; it is started again if it ends. */
    void thaw(String name) {
        members.get(name).process.process().thaw();
        members.get(name).frozen = false;
        awaitReady(name);
    }

    /** Those that run and are not frozen. */
    List<String> names() {
        return members.entrySet().stream()
                .filter(it ->
                        !it.getValue().frozen && it.getValue().process.process().isAlive())
                .map(Map.Entry::getKey)
                .toList();
    }

    String any(Random random) {
        var names = names();
        return names.get(random.nextInt(names.size()));
    }

    /** Of one gateway. */
    int port(String name) {
        return members.get(name).settings.port();
    }

    /** Breaks connections that the balancer has made, as a network does: it is asked about each, by the port of its gateway. */
    void cut(IntPredicate gateway) {
        balancer.cut(gateway);
    }

    /** Of the balancer. */
    @Override
    public int port() {
        return balancer.port();
    }

    @Override
    public String bootstrap() {
        return settings.kafka();
    }

    @Override
    public String jdbcUrl() {
        return settings.postgres();
    }

    /** Of those that run and are not frozen. */
    @Override
    public double metric(String beginning) {
        return names().stream()
                .flatMap(name -> Gateway.get(port(name), "/q/metrics").body().lines())
                .filter(line -> line.startsWith(beginning))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @Override
    public List<String> logged(String what) {
        return members.keySet().stream()
                .flatMap(name -> log(name).stream())
                .filter(line -> line.contains(what))
                .toList();
    }

    private List<String> log(String name) {
        try {
            return Files.readAllLines(settings.data().resolve(name + ".log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns when all that was published is answered and has come to those who are owed it, and nothing waits for Kafka. */
    void comeToRest(Fleet publishers, Audience audience, Duration patience) {
        publishers.awaitProgress(patience, 10, publishers.all());
        publishers.quiet(patience);
        audience.awaitComplete(patience);
        await("an empty spool").atMost(patience).until(() -> query("SELECT count(*) FROM v_spool")
                .equals("0"));
    }

    /** Every promise to publishers and subscribers, once all has come to rest; says under this name what has become of them. */
    void assertKept(String name, Fleet publishers, Audience audience) {
        var account = Account.of(bootstrap(), Servers.KAFKA_TOPIC, publishers.all());
        System.out.printf("%s: %s; %s%n", name, account.report(), audience.report());
        account.assertKept();
        account.assertComplete();
        audience.assertKept();
        await("empty queues").until(() -> query("SELECT count(*) FROM queued").equals("0"));
    }

    @Override
    public void close() {
        balancer.close();
        // Nobody wants what they would write at a calm end.
        members.values().forEach(member -> member.process.process().kill());
        backends.kill();
    }
}
