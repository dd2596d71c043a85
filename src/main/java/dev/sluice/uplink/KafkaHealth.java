package dev.sluice.uplink;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import dev.sluice.uplink.producer.RootCause;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.route.KafkaTopic;
import dev.sluice.uplink.route.RoutesInForce;
import dev.sluice.uplink.spool.Spool;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.jboss.logging.Logger;

/** Owns the knowledge whether Kafka answers and which topics of the routes it lacks: one virtual thread asks, any may read. */
@ApplicationScoped
public class KafkaHealth {
    private static final Logger LOG = Logger.getLogger(KafkaHealth.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);
    /** Turns without an answer after which another client asks. */
    private static final int SILENT_TURNS = 6;

    private final RoutesInForce routes;
    private final UplinkProducer producer;
    private final Spool spool;
    private final Map<String, Object> kafkaConfig;
    private final Repeating probing = Repeating.onVirtualThread("sluice-kafka-health");

    /**
     * The state of Kafka as the last probe saw it; a topic is missing only if Kafka said so.
     *
     * @param refusal why Kafka does not let the gateway in; null if it does, or does not answer
     */
    public record State(boolean available, Set<String> missingTopics, String refusal) {}

    private volatile State state = new State(false, Set.of(), null);
    /** The last refusal, until Kafka lets the gateway in again, whatever else goes wrong in between. */
    private String refused;

    private volatile boolean silent;
    /** With this client, one after the other. */
    private int silentTurns;

    private final ThrottledLog complaints = new ThrottledLog(LOG);
    private volatile boolean everComplete;
    /** Null before the first probe and after the last one. */
    private volatile Admin admin;

    KafkaHealth(
            RoutesInForce routes,
            UplinkProducer producer,
            Spool spool,
            @Identifier("default-kafka-broker") Map<String, Object> kafkaConfig) {
        this.routes = routes;
        this.producer = producer;
        this.spool = spool;
        this.kafkaConfig = kafkaConfig;
    }

    public State state() {
        return state;
    }

    public boolean isAvailable() {
        return state.available();
    }

    /** Whether Kafka has not answered the last question; false before there was one. */
    public boolean isSilent() {
        return silent;
    }

    /** Whether Kafka has once had every topic of the routes: a topic that is deleted later stops its own route only. */
    public boolean wasComplete() {
        return everComplete;
    }

    void start(@Observes @Priority(StartOrder.KAFKA_PROBE) StartupEvent event) {
        if (routes.routes().routes().isEmpty())
            LOG.warn("no routes are configured (sluice.uplink.routes.<name>.filter): every PUBLISH is unmatched");
        probing.start(this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        probing.stop();
        var asked = admin;
        if (asked != null) asked.close(Duration.ZERO);
    }

    /** Whatever goes wrong here, the last state is not true any more. */
    Duration turn() throws InterruptedException {
        try {
            if (admin == null) admin = open();
            var seen = probe(admin);
            if (!probing.isStopped()) tell(seen); // a client that is closed says nothing about Kafka
        } catch (KafkaException
                | LinkageError noClient) { // it is made with a token, for which an OAuth server is asked
            LOG.debug("no client of Kafka", noClient);
            if (!probing.isStopped())
                tell(new State(
                        false, state.missingTopics(), RootCause.of(noClient).getMessage()));
            close();
        } catch (RuntimeException bug) {
            if (!probing.isStopped()) {
                complaints.error("asking Kafka failed, and is tried again: " + bug);
                LOG.debug("asking Kafka failed", bug);
                tell(new State(false, state.missingTopics(), null));
            }
            close();
        }
        if (silentTurns >= SILENT_TURNS) close(); // its thread may have ended, or Kafka have moved
        if (probing.isStopped()) close(); // one that was made while the gateway stopped
        return INTERVAL;
    }

    private void close() {
        silentTurns = 0;
        if (admin != null) admin.close(Duration.ZERO);
        admin = null;
    }

    private Admin open() {
        var config = new HashMap<>(kafkaConfig);
        config.put(AdminClientConfig.CLIENT_ID_CONFIG, "sluice-health");
        config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        return Admin.create(config);
    }

    /** Null while Kafka cannot be asked. */
    Admin admin() {
        return admin;
    }

    /** What Kafka says of these topics; empty when it cannot be asked now. Blocks, for a few seconds at most. */
    public Optional<Map<String, KafkaTopic>> topics(Set<String> topics) {
        return ask(asked -> KafkaTopics.describe(asked, topics, TIMEOUT));
    }

    /** How these topics do; empty when Kafka cannot be asked now. Blocks, for a few seconds at most. */
    Optional<Map<String, TopicState>> topicStates(Set<String> topics) {
        return ask(asked -> KafkaTopics.states(asked, topics, TIMEOUT));
    }

    @FunctionalInterface
    private interface Question<T> {
        T ask(Admin admin) throws InterruptedException, ExecutionException, TimeoutException;
    }

    private <T> Optional<T> ask(Question<T> question) {
        var asked = admin;
        if (asked == null || !state.available()) return Optional.empty();
        try {
            return Optional.of(question.ask(asked));
        } catch (ExecutionException | TimeoutException away) {
            LOG.debug("Kafka is asked for topics", away);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        return Optional.empty();
    }

    private State probe(Admin admin) throws InterruptedException {
        var acknowledged = producer.flows().acknowledged();
        var missing = new TreeSet<String>();
        var topics = routes.routes().literalKafkaTopics();
        try {
            admin.describeCluster().nodes().get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
            KafkaTopics.partitions(admin, topics, TIMEOUT).forEach((topic, count) -> {
                if (count > 0) producer.keepMetadata(topic);
                else missing.add(topic);
                if (count > 0) lacking(topic, count).ifPresent(missing::add);
            });
            spool.kafkaAnswered();
            return new State(true, missing, null);
        } catch (ExecutionException | TimeoutException away) {
            LOG.debug("Kafka probe", away);
            // What counts is whether the producer gets through; this client may be the only one that does not.
            var available = producer.flows().acknowledged() != acknowledged;
            return new State(available, state.missingTopics(), refusal(away));
        }
    }

    private static String refusal(Exception away) {
        return away.getCause() instanceof AuthenticationException refused ? refused.getMessage() : null;
    }

    /** The partition that a route asks for by its number, and the Kafka topic does not have. */
    private Optional<String> lacking(String kafkaTopic, int count) {
        var highest = routes.routes().highestPartition(kafkaTopic);
        return highest < count ? Optional.empty() : Optional.of(kafkaTopic + " (partition " + highest + ")");
    }

    /** Takes over the state that a probe has seen, and logs what changed; on the thread that probes. */
    void tell(State now) {
        var before = state;
        state = now;
        silent = !now.available();
        silentTurns = silent ? silentTurns + 1 : 0;
        tellRefusal(now);
        if (now.available() && now.missingTopics().isEmpty()) everComplete = true;
        if (now.available() != before.available()) {
            if (now.available()) LOG.info("Kafka answers");
            else if (now.refusal() == null) LOG.warn("Kafka does not answer; publishers wait");
        }
        if (!now.missingTopics().equals(before.missingTopics())) {
            if (now.missingTopics().isEmpty()) LOG.info("every Kafka topic of the routes exists");
            else
                LOG.warnf(
                        "Kafka topics of the routes do not exist, or may not be described, messages for them wait: %s."
                                + " Create them, or correct sluice.uplink.routes.<name>.kafka-topic",
                        String.join(", ", now.missingTopics()));
        }
    }

    private void tellRefusal(State now) {
        if (now.refusal() != null) {
            if (!now.refusal().equals(refused))
                LOG.errorf(
                        "Kafka does not let the gateway in: %s. Correct kafka.security.protocol, kafka.sasl.*"
                                + " and kafka.ssl.*, or the user in Kafka",
                        now.refusal());
            refused = now.refusal();
        } else if (now.available() && refused != null) {
            producer.letInAgain(refused);
            refused = null;
        }
    }
}
