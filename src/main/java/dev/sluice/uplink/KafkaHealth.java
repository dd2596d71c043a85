package dev.sluice.uplink;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jboss.logging.Logger;

/** Owns the knowledge whether Kafka answers and which topics of the routes it lacks: one virtual thread asks, any may read. */
@ApplicationScoped
public class KafkaHealth {
    private static final Logger LOG = Logger.getLogger(KafkaHealth.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    private final Uplink uplink;
    private final Map<String, Object> kafkaConfig;
    private final CountDownLatch stopped = new CountDownLatch(1);

    /**
     * What the last probe saw; a topic is missing only if Kafka said so.
     *
     * @param refusal why Kafka does not let the gateway in; null if it does, or does not answer
     */
    public record State(boolean available, Set<String> missingTopics, String refusal) {}

    private volatile State state = new State(false, Set.of(), null);
    private volatile boolean everComplete;

    KafkaHealth(Uplink uplink, @Identifier("default-kafka-broker") Map<String, Object> kafkaConfig) {
        this.uplink = uplink;
        this.kafkaConfig = kafkaConfig;
    }

    public State state() {
        return state;
    }

    /** Whether Kafka has once had every topic of the routes: a topic that is deleted later stops its own route only. */
    public boolean wasComplete() {
        return everComplete;
    }

    /** Late, when the channel of the uplink is there. */
    void start(@Observes @Priority(3000) StartupEvent event) {
        if (uplink.routeTable().routes().isEmpty())
            LOG.warn("no routes are configured (sluice.uplink.routes.<name>.filter): every PUBLISH is unmatched");
        Thread.ofVirtual().name("sluice-kafka-health").start(this::watch);
    }

    void stop(@Observes @Priority(4100) ShutdownEvent event) {
        stopped.countDown();
    }

    private void watch() {
        var config = new HashMap<>(kafkaConfig);
        config.put(AdminClientConfig.CLIENT_ID_CONFIG, "sluice-health");
        config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        try (var admin = Admin.create(config)) {
            do {
                tell(probe(admin));
            } while (!stopped.await(INTERVAL.toNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private State probe(Admin admin) throws InterruptedException {
        var missing = new TreeSet<String>();
        var topics = uplink.routeTable().literalKafkaTopics();
        try {
            admin.describeCluster().nodes().get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
            for (var topic : admin.describeTopics(topics).topicNameValues().entrySet()) {
                if (exists(topic.getValue())) uplink.keepMetadata(topic.getKey());
                else missing.add(topic.getKey());
            }
            return new State(true, missing, null);
        } catch (ExecutionException | TimeoutException away) {
            LOG.debug("Kafka probe", away);
            return new State(false, state.missingTopics(), refusal(away));
        }
    }

    private static String refusal(Exception away) {
        return away.getCause() instanceof AuthenticationException refused ? refused.getMessage() : null;
    }

    private static boolean exists(org.apache.kafka.common.KafkaFuture<?> description)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            description.get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException
                    || failed.getCause() instanceof TopicAuthorizationException) return false;
            throw failed;
        }
    }

    private void tell(State now) {
        var before = state;
        state = now;
        if (now.available() && before.refusal() != null) uplink.letInAgain(before.refusal());
        if (now.available() && now.missingTopics().isEmpty()) everComplete = true;
        if (now.available() != before.available()) {
            if (now.available()) LOG.info("Kafka answers");
            else if (now.refusal() == null) LOG.warn("Kafka does not answer; publishers wait");
        }
        if (now.refusal() != null && !now.refusal().equals(before.refusal()))
            LOG.errorf(
                    "Kafka does not let the gateway in; publishers wait: %s. Correct kafka.security.protocol, kafka.sasl.*"
                            + " and kafka.ssl.*, or the user in Kafka",
                    now.refusal());
        if (!now.missingTopics().equals(before.missingTopics())) {
            if (now.missingTopics().isEmpty()) LOG.info("every Kafka topic of the routes exists");
            else
                LOG.warnf(
                        "Kafka topics of the routes do not exist, or may not be described, messages for them wait: %s."
                                + " Create them, or correct sluice.uplink.routes.<name>.kafka-topic",
                        String.join(", ", now.missingTopics()));
        }
    }
}
